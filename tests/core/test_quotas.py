"""Limits are counted in rows: exact under concurrency, and over when their window is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core import quotas
from core.quotas import Limit, Quota
from core.runtime import Runtime

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)
KEY = bytes(32)
THREE = Limit("test", 3, timedelta(hours=1))


def take(runtime: Runtime, asker: str = "a", at: datetime = NOW, limit: Limit = THREE) -> bool:
    with runtime.database.transaction() as session:
        return quotas.take(session, KEY, limit, asker, at)


def test_what_is_left_is_used_up_and_comes_back_with_the_next_window(any_runtime: Runtime) -> None:
    assert [take(any_runtime) for _ in range(5)] == [True, True, True, False, False]
    assert take(any_runtime, "b")
    assert take(any_runtime, limit=Limit("other", 1, timedelta(hours=1)))
    late = NOW + timedelta(minutes=59)
    assert not take(any_runtime, at=late)
    after = NOW + timedelta(hours=1)
    assert [take(any_runtime, at=after) for _ in range(4)] == [True, True, True, False]


def test_a_rollback_gives_the_use_back(runtime: Runtime) -> None:
    for _ in range(4):
        with runtime.database.transaction() as session:
            assert quotas.take(session, KEY, THREE, "a", NOW)
            session.rollback()
    assert take(runtime)


def test_of_thirty_two_at_once_exactly_as_many_get_through_as_may(any_runtime: Runtime) -> None:
    together, got = threading.Barrier(32), []

    def come() -> None:
        together.wait(30)
        got.append(take(any_runtime, limit=Limit("crowd", 7, timedelta(hours=1))))

    threads = [threading.Thread(target=come) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(got) == 32
    assert sum(got) == 7


def test_the_table_holds_no_address(runtime: Runtime) -> None:
    take(runtime, "wren@home.example")
    with runtime.database.snapshot() as session:
        [row] = session.scalars(select(Quota))
    assert b"wren" not in row.who
    assert len(row.who) == 32


def test_windows_that_ended_are_forgotten(runtime: Runtime) -> None:
    take(runtime)
    take(runtime, "b", NOW + timedelta(hours=2))
    with runtime.database.transaction() as session:
        assert quotas.forget(session, NOW + timedelta(hours=2)) == 1
    with runtime.database.snapshot() as session:
        assert len(session.scalars(select(Quota)).all()) == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/56"),
        ("", "unknown"),
        (None, "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_neighbours_count_as_one(address: str | None, network: str) -> None:
    assert quotas.network(address) == network
