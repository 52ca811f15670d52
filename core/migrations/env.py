"""Alembic's entry: runs migrations on the database that `core.migrate` hands over."""

from alembic import context

from core.db import Base, Database

database: Database = context.config.attributes["database"]
with database.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=database.is_sqlite,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
