"""Workers that are slow, killed, cut off from the database or running side by side."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select

from core.db import utcnow
from core.outbox import (
    LEASE,
    MAX_ATTEMPTS,
    DeliveryError,
    Job,
    OutboxMessage,
    Registry,
    begin,
    claim,
    publish,
    renew,
)
from core.runtime import Runtime
from core.worker import Worker


def write(runtime: Runtime, *keys: str) -> None:
    with runtime.database.transaction() as session:
        for key in keys:
            publish(session, "mail", key, {})


def rows(runtime: Runtime) -> list[OutboxMessage]:
    with runtime.database.snapshot() as session:
        return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.key)))


def leases_run_out(runtime: Runtime, *, but: Job) -> None:
    """As if every lease but that of `but` had come to its end."""
    table = OutboxMessage.__table__
    with runtime.database.transaction() as session:
        session.execute(
            table.update().where(table.c.id != but.id).values(lease_until=utcnow() - LEASE)
        )


def worker(runtime: Runtime, handler: Callable[[Job], None], **options: timedelta) -> Worker:
    registry = Registry()
    registry.handle("mail", handler)
    return Worker(runtime.database, registry, **options)


def test_what_another_worker_took_over_is_not_delivered_again(any_runtime: Runtime) -> None:
    write(any_runtime, "a", "b", "c")
    delivered: Counter[str] = Counter()
    other = worker(any_runtime, lambda job: delivered.update([job.key]))

    def slow(job: Job) -> None:
        delivered[job.key] += 1
        if sum(delivered.values()) == 1:  # so slow that the leases of the batch run out
            leases_run_out(any_runtime, but=job)
            other.drain()

    worker(any_runtime, slow).drain()
    assert delivered == {"a": 1, "b": 1, "c": 1}
    assert {row.state for row in rows(any_runtime)} == {"done"}


def test_a_lease_is_kept_while_a_job_takes_long(any_runtime: Runtime) -> None:
    write(any_runtime, "a")
    lease = timedelta(seconds=3)
    delivered: list[str] = []
    pause = threading.Event()

    def slow(job: Job) -> None:
        delivered.append(job.key)
        first = rows(any_runtime)[0].lease_until
        for _ in range(1000):
            if rows(any_runtime)[0].lease_until != first:
                return
            pause.wait(0.02)
        raise AssertionError("it was never renewed")

    worker(any_runtime, slow, lease=lease).drain()
    assert delivered == ["a"]
    assert rows(any_runtime)[0].state == "done"
    assert "milepost-lease" not in {thread.name for thread in threading.enumerate()}


def test_a_lost_lease_cannot_be_renewed(any_runtime: Runtime) -> None:
    write(any_runtime, "a")
    now = utcnow()
    [first] = claim(any_runtime.database, limit=1, now=now)
    assert renew(any_runtime.database, first, now=now)
    [_second] = claim(any_runtime.database, limit=1, now=now + LEASE)
    assert not renew(any_runtime.database, first, now=now + LEASE)


def test_a_job_that_ends_every_process_is_given_up_and_its_neighbours_are_not(
    any_runtime: Runtime,
) -> None:
    write(any_runtime, "a-deadly", "b-harmless")
    now = utcnow()
    for _ in range(MAX_ATTEMPTS):
        deadly, _harmless = claim(any_runtime.database, limit=10, now=now)
        assert deadly.key == "a-deadly"
        assert begin(any_runtime.database, deadly, now=now)
        now += LEASE  # the process was killed
    [left] = claim(any_runtime.database, limit=10, now=now)
    assert left.key == "b-harmless"
    assert left.attempts == 0
    deadly_row = rows(any_runtime)[0]
    assert deadly_row.state == "dead"
    assert deadly_row.last_error


def test_what_a_stopping_worker_has_not_begun_is_free_at_once(any_runtime: Runtime) -> None:
    write(any_runtime, "a", "b")
    first = worker(any_runtime, lambda _job: first.stop())
    first.run_due()
    assert [(row.state, row.attempts) for row in rows(any_runtime)] == [("done", 1), ("ready", 0)]
    assert len(claim(any_runtime.database, limit=5, now=utcnow())) == 1


def test_a_job_that_waits_for_a_slow_host_holds_up_no_other(any_runtime: Runtime) -> None:
    write(any_runtime, "0-slow", *(f"{n}-quick" for n in range(1, 30)))
    done: list[str] = []
    all_others, over = threading.Event(), threading.Event()

    def handle(job: Job) -> None:
        if job.key == "0-slow":
            over.wait(30)
        done.append(job.key)
        if len(done) == 29:
            all_others.set()

    registry = Registry()
    registry.handle("mail", handle)
    working = Worker(any_runtime.database, registry, slots=2)
    thread = threading.Thread(target=working.run, kwargs={"poll": 0.05})
    thread.start()
    try:
        assert all_others.wait(30), "the slow one stood in the way"
        assert "0-slow" not in done
    finally:
        over.set()
        working.stop()
        thread.join()
    assert done[-1] == "0-slow", "what was begun is finished"
    assert {row.state for row in rows(any_runtime)} == {"done"}


def test_what_was_not_tried_is_no_attempt(any_runtime: Runtime) -> None:
    write(any_runtime, "a")

    def closed(_job: Job) -> None:
        raise DeliveryError("closed", retry_after=timedelta(0), tried=False)

    working = worker(any_runtime, closed)
    for _ in range(MAX_ATTEMPTS + 2):
        working.run_due()
    [row] = rows(any_runtime)
    assert (row.state, row.attempts, row.last_error) == ("ready", 0, "closed")


def personal(runtime: Runtime, job: Job) -> None:
    """Write the job anew under its own id: the database refuses, quoting what it was given."""
    with runtime.database.transaction() as session:
        session.execute(
            OutboxMessage.__table__.insert().values(
                id=job.id, topic="wren@school.example", key="Wren Samplewood", payload={},
                state="ready", attempts=0, next_run_at=utcnow(), created_at=utcnow(),
            )
        )  # fmt: skip


def test_what_is_kept_of_a_database_error_is_its_kind(any_runtime: Runtime) -> None:
    write(any_runtime, "a")
    worker(any_runtime, lambda job: personal(any_runtime, job)).drain()
    kept = rows(any_runtime)[0].last_error
    assert kept in {"IntegrityError (SQLITE_CONSTRAINT_PRIMARYKEY)", "IntegrityError (23505)"}


@pytest.mark.parametrize("style", ["json", "text"])
def test_logs_tell_the_kind_and_place_of_an_error_and_nobody_s_data(
    any_runtime: Runtime, style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import logging

    from core import log

    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    write(any_runtime, "a")
    try:
        log.configure("INFO", style)
        worker(any_runtime, lambda job: personal(any_runtime, job)).drain()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    said = capsys.readouterr().err
    assert "IntegrityError" in said
    assert "test_worker.py" in said
    assert "wren" not in said.lower()


def end_listening(url: str) -> int:
    """Cut the connections that wait for NOTIFY; how many there were."""
    plain = url.replace("postgresql+psycopg:", "postgresql:", 1)
    with psycopg.connect(plain, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        return len(found.fetchall())


def test_a_worker_outlives_its_connection(runtime_pg: Runtime) -> None:
    heard = threading.Event()
    pause = threading.Event()
    done = worker(runtime_pg, lambda _job: heard.set())
    thread = threading.Thread(target=done.run, kwargs={"poll": 0.05})
    thread.start()
    try:
        for _round in range(2):  # the second time it is the new connection that is cut
            assert any(end_listening(runtime_pg.database.url) or pause.wait(0.02)
                       for _ in range(1000)), "it never listened"  # fmt: skip
            heard.clear()
            write(runtime_pg, f"after {_round}")
            assert heard.wait(timeout=30)
            assert thread.is_alive()
    finally:
        done.stop()
        thread.join(timeout=30)
    assert not thread.is_alive()
