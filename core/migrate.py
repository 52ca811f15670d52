"""Migrations, run by Alembic from inside the package, so that an installed wheel can migrate."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.db import Database


def _config(database: Database | None = None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(files("core") / "migrations"))
    config.attributes["database"] = database
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to `revision`."""
    command.upgrade(_config(database), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to `revision` (`base` for nothing)."""
    command.downgrade(_config(database), revision)


@cache
def head_revision() -> str | None:
    """The newest revision this version brings."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def revision_of(database: Database) -> str | None:
    """The revision the database is at; None where it was never migrated."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
