from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

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
    backoff,
    begin,
    claim,
    finish,
    publish,
    revive,
)
from core.runtime import Runtime
from core.worker import Worker, forget_done


def write(runtime: Runtime, topic: str, key: str = "k") -> bool:
    with runtime.database.transaction() as session:
        return publish(session, topic, key, {"n": 1})


def rows(runtime: Runtime) -> list[OutboxMessage]:
    with runtime.database.snapshot() as session:
        return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.topic)))


def worker(runtime: Runtime, **handlers: object) -> Worker:
    registry = Registry()
    for topic, handler in handlers.items():
        registry.handle(topic, handler)  # type: ignore[arg-type]
    return Worker(runtime.database, registry)


def broken(_job: Job) -> None:
    raise IndexError("list index out of range")


def test_a_job_written_twice_is_one_job(any_runtime: Runtime) -> None:
    assert write(any_runtime, "mail")
    assert not write(any_runtime, "mail")
    assert len(rows(any_runtime)) == 1


def test_a_transaction_that_fails_leaves_no_job(any_runtime: Runtime) -> None:
    def fail() -> None:
        with any_runtime.database.transaction() as session:
            publish(session, "mail", "k", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert rows(any_runtime) == []


def test_a_job_is_carried_out_once_and_marked(any_runtime: Runtime) -> None:
    write(any_runtime, "mail")
    seen: list[Job] = []
    done = worker(any_runtime, mail=seen.append)
    assert done.drain() == 1
    assert done.drain() == 0
    assert seen[0].payload == {"n": 1}
    assert rows(any_runtime)[0].state == "done"


def test_sixteen_workers_share_the_jobs_without_doubles(any_runtime: Runtime) -> None:
    with any_runtime.database.transaction() as session:
        for number in range(60):
            publish(session, "mail", str(number), {})
    taken: Counter[str] = Counter()
    lock = threading.Lock()

    def take() -> None:
        while jobs := claim(any_runtime.database, limit=3, now=utcnow()):
            with lock:
                taken.update(job.key for job in jobs)

    threads = [threading.Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 60
    assert set(taken.values()) == {1}


def test_a_job_whose_worker_died_is_due_again_after_its_lease(any_runtime: Runtime) -> None:
    write(any_runtime, "mail")
    now = utcnow()
    [first] = claim(any_runtime.database, limit=5, now=now)
    assert begin(any_runtime.database, first, now=now)
    assert claim(any_runtime.database, limit=5, now=now) == []
    [second] = claim(any_runtime.database, limit=5, now=now + LEASE)
    assert begin(any_runtime.database, first, now=now + LEASE) is None, "it was taken over"
    begun = begin(any_runtime.database, second, now=now + LEASE)
    assert begun is not None
    assert begun.attempts == 2
    assert not finish(any_runtime.database, first, now=now), "its lease was lost"
    assert finish(any_runtime.database, second, now=now)


def test_a_passing_fault_is_tried_again_later(any_runtime: Runtime) -> None:
    write(any_runtime, "mail")

    def handler(_job: Job) -> None:
        raise DeliveryError("the server is busy")

    worker(any_runtime, mail=handler).drain()
    [row] = rows(any_runtime)
    assert row.state == "ready"
    assert row.last_error == "the server is busy"
    assert row.next_run_at > utcnow()


def test_a_permanent_fault_waits_for_a_person(any_runtime: Runtime) -> None:
    write(any_runtime, "mail")
    answers = iter([DeliveryError("no such person", permanent=True), None])

    def handler(_job: Job) -> None:
        if (answer := next(answers)) is not None:
            raise answer

    done = worker(any_runtime, mail=handler)
    done.drain()
    [row] = rows(any_runtime)
    assert row.state == "dead"
    with any_runtime.database.transaction() as session:
        assert revive(session, row.id, now=utcnow())
    done.drain()
    assert rows(any_runtime)[0].state == "done"


def test_an_unexpected_error_is_kept_and_tried_again(any_runtime: Runtime) -> None:
    write(any_runtime, "mail")
    worker(any_runtime, mail=broken).drain()
    [row] = rows(any_runtime)
    assert row.state == "ready"
    assert row.last_error == "IndexError"


def test_after_the_last_attempt_a_job_is_given_up(any_runtime: Runtime) -> None:
    write(any_runtime, "mail")
    with any_runtime.database.transaction() as session:
        session.execute(OutboxMessage.__table__.update().values(attempts=MAX_ATTEMPTS - 1))
    worker(any_runtime, mail=broken).drain()
    assert rows(any_runtime)[0].state == "dead"


def test_news_reaches_every_subscriber_independently(any_runtime: Runtime) -> None:
    registry, heard = Registry(), []

    def grumpy(_job: Job) -> None:
        raise DeliveryError("not today", permanent=True)

    registry.subscribe("issued", "grade", grumpy)
    registry.subscribe("issued", "mail", lambda job: heard.append(job.key))
    write(any_runtime, "issued", "c1")
    Worker(any_runtime.database, registry).drain()
    assert heard == ["c1"]
    assert {row.topic: row.state for row in rows(any_runtime)} == {
        "issued": "done",
        "issued>grade": "dead",
        "issued>mail": "done",
    }


def test_news_that_nobody_wants_is_done(any_runtime: Runtime) -> None:
    registry = Registry()
    registry.news("issued")
    write(any_runtime, "issued")
    Worker(any_runtime.database, registry).drain()
    assert rows(any_runtime)[0].state == "done"


def test_recurring_work_is_one_row_per_interval_for_all_workers(any_runtime: Runtime) -> None:
    runs: list[str] = []
    for _ in range(3):
        registry = Registry()
        registry.every("sweep", timedelta(days=30000), lambda job: runs.append(job.key))
        Worker(any_runtime.database, registry).drain()
    assert len(runs) == 1


def test_done_rows_are_forgotten_after_thirty_days(any_runtime: Runtime) -> None:
    write(any_runtime, "mail")
    worker(any_runtime, mail=lambda _job: None).drain()
    assert forget_done(any_runtime.database, now=utcnow()) == 0
    assert forget_done(any_runtime.database, now=utcnow() + timedelta(days=31)) == 1


def test_waiting_grows_and_is_bounded() -> None:
    waits = [backoff(n, 0).total_seconds() for n in range(1, 30)]
    assert waits == sorted(waits)
    assert waits[0] == 5
    assert waits[-1] == 6 * 3600


def test_a_waiting_worker_stops_when_asked(any_runtime: Runtime) -> None:
    done = worker(any_runtime)
    thread = threading.Thread(target=done.run, kwargs={"poll": 0.01})
    thread.start()
    done.stop()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_postgres_wakes_a_waiting_worker(runtime_pg: Runtime) -> None:
    heard = threading.Event()
    done = worker(runtime_pg, mail=lambda _job: heard.set())
    thread = threading.Thread(target=done.run, kwargs={"poll": 60})
    thread.start()
    try:
        write(runtime_pg, "mail")
        assert heard.wait(timeout=20)
    finally:
        done.stop()
        write(runtime_pg, "mail", "wake")
        thread.join(timeout=20)
    assert not thread.is_alive()
