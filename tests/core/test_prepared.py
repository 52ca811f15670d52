"""Prepared statements against SQLAlchemy's own execution, on both databases."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from core.identity import Organisation, Person, create_organisation
from core.outbox import OutboxMessage
from core.prepared import Direct, Prepared
from core.runtime import Runtime
from core.scope import unscoped

people: Any = Person.__table__
messages: Any = OutboxMessage.__table__
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def organisation(any_runtime: Runtime) -> Organisation:
    """The people's organisation, in the database of the test."""
    with any_runtime.database.transaction() as session:
        return create_organisation(session, name="Alder Valley", slug="alder")


def person(organisation: Organisation, **changes: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(), "owner_id": organisation.id, "owner_path": organisation.path,
        "name": "Ümit O'Neil; --", "is_test": False, **changes,
    }  # fmt: skip


def found_by_orm(runtime: Runtime, person_id: uuid.UUID) -> Person | None:
    with runtime.database.snapshot() as session, unscoped(session, "a test looks at everything"):
        return session.get(Person, person_id)


def test_what_is_written_directly_reads_the_same_through_the_mapper(
    any_runtime: Runtime, organisation: Organisation
) -> None:
    row = person(organisation, created_at=NOON, email=None)
    with any_runtime.database.passing() as direct:
        direct.run(insert(people).values(**row))
    found = found_by_orm(any_runtime, row["id"])
    assert found is not None
    assert (found.name, found.email, found.created_at) == (row["name"], None, NOON)
    assert found.owner_id == organisation.id


def test_defaults_of_columns_hold_for_what_is_not_said(
    any_runtime: Runtime, organisation: Organisation
) -> None:
    row = person(organisation)
    del row["is_test"]
    with any_runtime.database.passing() as direct:
        direct.run(insert(people).values(**row))
    found = found_by_orm(any_runtime, row["id"])
    assert found is not None
    assert found.is_test is False
    assert found.created_at.tzinfo is not None


def test_rows_come_back_in_python_s_types(any_runtime: Runtime, organisation: Organisation) -> None:
    row = person(organisation, created_at=NOON)
    by_id = Prepared(
        select(people.c.id, people.c.created_at, people.c.is_test.label("practice")).where(
            people.c.id == bindparam("wanted")
        )
    )
    with any_runtime.database.passing() as direct:
        direct.run(insert(people).values(**row))
        found = by_id.first(direct, {"wanted": row["id"]})
        assert by_id.first(direct, {"wanted": uuid.uuid4()}) is None
    assert (found.id, found.created_at, found.practice) == (row["id"], NOON, False)


def test_an_insert_of_a_row_fills_in_what_is_not_said(any_runtime: Runtime) -> None:
    whole = Prepared.insert(messages)
    row = {
        "topic": "t", "key": "k", "payload": {"a": [1, "ä"]}, "state": "ready", "attempts": 0,
        "next_run_at": NOON, "created_at": NOON,
    }  # fmt: skip
    with any_runtime.database.passing() as direct:
        whole.run(direct, row)
        found = direct.run(select(messages.c.id, messages.c.payload, messages.c.last_error))
    assert [(one.payload, one.last_error) for one in found] == [({"a": [1, "ä"]}, None)]
    assert isinstance(found[0].id, uuid.UUID)
    del row["topic"]

    def leave_out() -> None:
        with any_runtime.database.passing() as direct:
            whole.run(direct, row)

    with pytest.raises(IntegrityError):
        leave_out()


def test_a_default_that_only_the_database_knows_is_refused_at_once() -> None:
    table = Table("t", MetaData(), Column("a", Integer, server_default="1", nullable=False))
    with pytest.raises(ValueError, match=r"t\.a"):
        Prepared.insert(table)


def test_a_statement_alone_is_a_transaction(
    any_runtime: Runtime, organisation: Organisation
) -> None:
    row = person(organisation)
    with any_runtime.database.single() as direct:
        Prepared.insert(people).run(direct, row)
    assert found_by_orm(any_runtime, row["id"]) is not None


def test_a_connection_lost_while_idle_is_replaced_unnoticed(
    runtime_pg: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = "select pg_backend_pid()"
    with runtime_pg.database.single() as direct:
        pid = direct.execute(backend).fetchone()[0]
        with runtime_pg.database.single() as other:
            other.execute("select pg_terminate_backend(%s)", (pid,))
    monkeypatch.setattr("core.db.IDLE_SECONDS", -1.0)
    for _ in range(2):
        with runtime_pg.database.single() as direct:
            assert direct.execute(backend).fetchone()[0] != pid


def test_an_update_says_what_it_changed(any_runtime: Runtime, organisation: Organisation) -> None:
    row = person(organisation)
    rename = Prepared(
        update(people)
        .where(people.c.id == bindparam("wanted"))
        .values(name=bindparam("called"), email=None)
        .returning(people.c.name)
    )
    with any_runtime.database.passing() as direct:
        direct.run(insert(people).values(**row))
        changed = rename.run(direct, {"wanted": row["id"], "called": "Ada"})
        nothing = rename.run(direct, {"wanted": uuid.uuid4(), "called": "Ada"})
    assert [one.name for one in changed] == ["Ada"]
    assert nothing == []


def test_a_fault_undoes_everything_and_is_sqlalchemy_s(
    any_runtime: Runtime, organisation: Organisation
) -> None:
    row = person(organisation, name="secret name")

    def write_twice() -> None:
        with any_runtime.database.passing() as direct:
            direct.run(insert(people).values(**row))
            direct.run(insert(people).values(**row))

    with pytest.raises(IntegrityError) as caught:
        write_twice()
    assert found_by_orm(any_runtime, row["id"]) is None
    assert "secret name" not in str(caught.value.statement)
    assert "secret name" not in str(caught.value.params)


def test_any_exception_undoes_everything(any_runtime: Runtime, organisation: Organisation) -> None:
    row = person(organisation)

    def fall() -> None:
        with any_runtime.database.passing() as direct:
            direct.run(insert(people).values(**row))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fall()
    assert found_by_orm(any_runtime, row["id"]) is None


def test_a_session_and_its_direct_connection_are_one_transaction(
    any_runtime: Runtime, organisation: Organisation
) -> None:
    row = person(organisation)

    def fall() -> None:
        with any_runtime.database.transaction() as session:
            Direct.of(session).run(insert(people).values(**row))
            with unscoped(session, "a test looks at everything"):
                assert session.get(Person, row["id"]) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fall()
    assert found_by_orm(any_runtime, row["id"]) is None


def test_writers_side_by_side_lose_nothing(
    any_runtime: Runtime, organisation: Organisation
) -> None:
    row = person(organisation, name="0")
    count = Prepared(select(people.c.name).where(people.c.id == bindparam("wanted"))
                     .with_for_update())  # fmt: skip
    write = Prepared(
        update(people).where(people.c.id == bindparam("wanted")).values(name=bindparam("next"))
    )
    with any_runtime.database.passing() as direct:
        direct.run(insert(people).values(**row))

    def add() -> None:
        for _ in range(10):
            with any_runtime.database.passing() as direct:
                before = int(count.first(direct, {"wanted": row["id"]}).name)
                write.run(direct, {"wanted": row["id"], "next": str(before + 1)})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = found_by_orm(any_runtime, row["id"])
    assert found is not None
    assert found.name == "40"


def test_a_lost_connection_is_not_used_again(runtime_pg: Runtime) -> None:
    backend = "select pg_backend_pid()"
    ended = []

    def lose() -> None:
        with runtime_pg.database.passing() as direct:
            ended.append(direct.execute(backend).fetchone()[0])
            with runtime_pg.database.single() as other:
                other.execute("select pg_terminate_backend(%s)", (ended[0],))
            direct.execute(backend)

    with pytest.raises(OperationalError):
        lose()
    with runtime_pg.database.single() as direct:
        assert direct.execute(backend).fetchone()[0] not in ended


def test_what_is_deleted_returns_no_rows(any_runtime: Runtime, organisation: Organisation) -> None:
    row = person(organisation)
    with any_runtime.database.passing() as direct:
        direct.run(insert(people).values(**row))
        assert direct.run(delete(people).where(people.c.id == row["id"])) == []
    assert found_by_orm(any_runtime, row["id"]) is None
