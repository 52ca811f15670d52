"""Alembic's entry: runs migrations on the database that `core.migrate` hands over."""

from typing import Any

from alembic import context

from core.db import Base, Database, UtcDateTime


def render_item(kind: str, item: Any, _autogen: Any) -> Any:
    """Our own column types as plain ones: a migration must not change when the code does."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


database: Database = context.config.attributes["database"]
with database.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=database.is_sqlite,
        transaction_per_migration=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
