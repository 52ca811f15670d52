from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from core import migrate
from core.db import Base, Database
from core.runtime import Runtime
from tests.support import postgres


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def test_the_migrations_make_exactly_what_the_models_say(any_runtime: Runtime) -> None:
    assert differences(any_runtime.database) == []
    assert migrate.revision_of(any_runtime.database) == migrate.head_revision()


def test_migrating_down_leaves_nothing_and_up_again_works(any_runtime: Runtime) -> None:
    database = any_runtime.database
    migrate.downgrade(database, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(database)
    assert differences(database) == []


def test_migrating_twice_changes_nothing(any_runtime: Runtime) -> None:
    migrate.upgrade(any_runtime.database)
    assert differences(any_runtime.database) == []


def test_a_fresh_sqlite_file_is_migrated_from_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.sqlite'}")
    assert migrate.revision_of(database) is None
    migrate.upgrade(database)
    assert migrate.revision_of(database) == migrate.head_revision()
    database.close()


@pytest.mark.postgres
def test_partial_indexes_exist_on_postgres_too(runtime_pg: Runtime) -> None:
    assert postgres.programs() is not None
    names = {
        index["name"] for index in inspect(runtime_pg.database.engine).get_indexes("enrolments")
    }
    assert "uq_enrolments_one_active" in names
