"""Statements that travel together: their order, their faults, and what stays usable after one."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from core import pipelined
from core.outbox import OutboxMessage
from core.prepared import Direct, Prepared
from core.runtime import Runtime
from tests.core.test_prepared import NOON

messages: Any = OutboxMessage.__table__
_WRITE = Prepared.insert(messages)
_TOPICS = Prepared(
    select(messages.c.topic).where(messages.c.key == bindparam("key")).order_by(messages.c.topic)
)


def message(topic: str, key: str = "k", **more: Any) -> dict[str, Any]:
    return {
        "id": uuid.uuid4(), "topic": topic, "key": key, "payload": {}, "state": "ready",
        "attempts": 0, "next_run_at": NOON, "created_at": NOON, **more,
    }  # fmt: skip


def topics(runtime: Runtime, key: str = "k") -> list[str]:
    with runtime.database.single() as direct:
        return [row.topic for row in _TOPICS.run(direct, {"key": key})]


def names(direct: Direct) -> int:
    """How many statements the server knows by name on this connection."""
    found: int = direct.execute("select count(*) from pg_prepared_statements").fetchone()[0]
    return found


def test_what_waits_is_seen_by_the_next_that_asks(runtime_pg: Runtime) -> None:
    with runtime_pg.database.passing() as direct:
        _WRITE.run(direct, message("b"))
        _WRITE.run(direct, message("a"))
        assert [row.topic for row in _TOPICS.run(direct, {"key": "k"})] == ["a", "b"]
        _WRITE.run(direct, message("c"))
        assert topics(runtime_pg) == [], "nobody else sees it before the end"
    assert topics(runtime_pg) == ["a", "b", "c"]


def test_a_fault_of_what_waited_is_raised_at_the_end_and_names_its_statement(
    runtime_pg: Runtime,
) -> None:
    twice = message("a")
    reached = []

    def write() -> None:
        with runtime_pg.database.passing() as direct:
            _WRITE.run(direct, twice)
            _WRITE.run(direct, twice)
            _WRITE.run(direct, message("b"))
            reached.append(True)

    with pytest.raises(IntegrityError) as caught:
        write()
    assert reached, "until then nothing was asked of the server"
    assert str(caught.value.statement).startswith("INSERT INTO outbox_messages")
    assert topics(runtime_pg) == []


def test_a_statement_that_a_fault_kept_from_being_prepared_works_later(
    runtime_pg: Runtime,
) -> None:
    twice = message("a")

    def write() -> None:
        with runtime_pg.database.passing() as direct:
            _WRITE.run(direct, twice)
            _WRITE.run(direct, twice)
            _TOPICS.run(direct, {"key": "k"})

    for _time in range(2):
        with pytest.raises(IntegrityError):
            write()
    with runtime_pg.database.passing() as direct:
        _WRITE.run(direct, twice)
        assert [row.topic for row in _TOPICS.run(direct, {"key": "k"})] == ["a"]


def test_a_value_that_no_database_takes_spoils_nothing(runtime_pg: Runtime) -> None:
    def write() -> None:
        with runtime_pg.database.passing() as direct:
            _WRITE.run(direct, message("a"))
            _WRITE.run(direct, message("nul\x00"))

    with pytest.raises(DataError):
        write()
    assert topics(runtime_pg) == []
    with runtime_pg.database.passing() as direct:
        _WRITE.run(direct, message("b"))
    assert topics(runtime_pg) == ["b"]


def test_what_no_socket_takes_at_once_arrives_whole(runtime_pg: Runtime) -> None:
    long = "ä" * 3_000_000
    with runtime_pg.database.passing() as direct:
        for topic in ("a", "b"):
            _WRITE.run(direct, message(topic, payload={"text": long}))
        found = direct.run(select(messages.c.payload).where(messages.c.key == "k"))
    assert [row.payload["text"] == long for row in found] == [True, True]


def test_a_connection_lost_before_the_end_is_told_and_replaced(runtime_pg: Runtime) -> None:
    def lose() -> None:
        with runtime_pg.database.passing() as direct:
            pid = direct.execute("select pg_backend_pid()").fetchone()[0]
            _WRITE.run(direct, message("a"))
            with runtime_pg.database.single() as other:
                other.execute("select pg_terminate_backend(%s)", (pid,))

    with pytest.raises(OperationalError):
        lose()
    assert topics(runtime_pg) == []


def test_a_connection_that_still_owes_answers_is_given_to_nobody(
    runtime_pg: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_self: object, _owed: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipelined.Pipelined, "_received", interrupted)
        with pytest.raises(KeyboardInterrupt):
            topics(runtime_pg)
    with runtime_pg.database.passing() as direct:
        _WRITE.run(direct, message("a"))
    assert topics(runtime_pg) == ["a"]


def test_statements_are_parsed_once_a_connection(runtime_pg: Runtime) -> None:
    for number in range(3):
        with runtime_pg.database.passing() as direct:
            _WRITE.run(direct, message(f"t{number}"))
    with runtime_pg.database.single() as direct:
        assert names(direct) == 3, "begin, the insert and commit"


def test_only_so_many_statements_are_remembered(
    runtime_pg: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelined, "MOST_NAMES", 2)
    with runtime_pg.database.passing() as direct:
        for topic in "abc":
            direct.run(insert(messages).values(**message(topic)))
        assert [row.topic for row in _TOPICS.run(direct, {"key": "k"})] == ["a", "b", "c"]
        assert names(direct) == 2


def test_behind_a_pooler_nothing_is_remembered(runtime_pg: Runtime) -> None:
    with runtime_pg.database.single() as plain:
        plain.driver.prepare_threshold = None
        direct = pipelined.Pipelined(plain.dialect, plain.driver)
        for topic in "ab":
            direct.begin()
            _WRITE.run(direct, message(topic))
            direct.end()
        assert names(direct) == 0
    assert topics(runtime_pg) == ["a", "b"]
