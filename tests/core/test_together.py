"""Jobs of one topic that are carried out together: each once, each counted, each failing alone."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from core.db import utcnow
from core.outbox import (
    DeliveryError,
    Job,
    OutboxMessage,
    Registry,
    begin,
    claim,
    finish,
    publish,
)
from core.runtime import Runtime
from core.together import begin_alike, publish_all
from core.worker import Worker


def write(runtime: Runtime, number: int, topic: str = "sign") -> None:
    with runtime.database.transaction() as session:
        publish_all(session, [(topic, str(one), {"number": one}, None) for one in range(number)])


def rows(runtime: Runtime) -> dict[str, OutboxMessage]:
    with runtime.database.snapshot() as session:
        return {row.key: row for row in session.scalars(select(OutboxMessage))}


def test_many_are_carried_out_at_once_and_counted_each(any_runtime: Runtime) -> None:
    write(any_runtime, 25)
    sizes: list[int] = []
    done: Counter[str] = Counter()

    def together(jobs: Sequence[Job]) -> Mapping[uuid.UUID, Exception]:
        sizes.append(len(jobs))
        done.update(job.key for job in jobs)
        return {}

    registry = Registry()
    registry.handle("sign", lambda job: done.update([job.key]))
    registry.take_along("sign", together, most=10)
    Worker(any_runtime.database, registry, batch=1).drain()
    assert done == Counter(str(one) for one in range(25))
    assert max(sizes) == 10
    assert {(row.state, row.attempts) for row in rows(any_runtime).values()} == {("done", 1)}


def test_one_that_goes_wrong_keeps_no_other_back(any_runtime: Runtime) -> None:
    write(any_runtime, 4)

    def together(jobs: Sequence[Job]) -> Mapping[uuid.UUID, Exception]:
        faults = {"1": DeliveryError("no such thing", permanent=True), "2": ValueError("secret")}
        return {job.id: faults[job.key] for job in jobs if job.key in faults}

    registry = Registry()
    registry.handle("sign", lambda _job: None)
    registry.take_along("sign", together, most=10)
    Worker(any_runtime.database, registry, batch=1).run_due()
    found = rows(any_runtime)
    assert [found[str(one)].state for one in range(4)] == ["done", "dead", "ready", "done"]
    assert found["2"].last_error is not None
    assert "secret" not in found["2"].last_error


def test_where_it_raises_each_is_tried_alone(runtime: Runtime) -> None:
    write(runtime, 3)

    def together(_jobs: Sequence[Job]) -> Mapping[uuid.UUID, Exception]:
        raise RuntimeError("all or nothing")

    def alone(job: Job) -> None:
        if job.key == "1":
            raise DeliveryError("not this one", permanent=True)

    registry = Registry()
    registry.handle("sign", alone)
    registry.take_along("sign", together, most=10)
    Worker(runtime.database, registry, batch=1).run_due()
    found = rows(runtime)
    assert [found[str(one)].state for one in range(3)] == ["done", "dead", "done"]


def test_news_reaches_every_subscriber_once(any_runtime: Runtime) -> None:
    write(any_runtime, 7, "news")
    heard: Counter[str] = Counter()
    registry = Registry()
    for name in ("one", "two"):
        registry.subscribe("news", name, lambda job, name=name: heard.update([name + job.key]))  # type: ignore[misc]
    Worker(any_runtime.database, registry, batch=2).drain()
    assert heard == Counter(f"{name}{one}" for name in ("one", "two") for one in range(7))


def test_what_another_worker_holds_is_left_alone(any_runtime: Runtime) -> None:
    write(any_runtime, 6)
    database, now = any_runtime.database, utcnow()
    (first,) = claim(database, limit=1, now=now)
    (second,) = claim(database, limit=1, now=now)
    begun = begin(database, first, now=now)
    assert begun is not None
    along = begin_alike(database, begun, most=10, now=now)
    assert len(along) == 4
    assert second.id not in {job.id for job in along}
    assert begin_alike(database, begun, most=0, now=now) == []
    assert finish(database, begun, *along, now=now) == 5
    assert finish(database, begun, *along, now=now) == 0


def test_what_was_written_before_stays_as_it_was(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        publish(session, "sign", "0", {"number": 9})
    write(runtime, 2)
    found = rows(runtime)
    assert (found["0"].payload, found["1"].payload) == ({"number": 9}, {"number": 1})
