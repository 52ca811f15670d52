"""The worker: claims outbox rows and carries them out, on any number of machines.

Woken by LISTEN/NOTIFY on PostgreSQL and by a short poll on SQLite; a lost connection is made anew
while it polls. Stops cleanly on request: what it has begun is finished, what it has only claimed is
given back.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import delete

from core.db import Database, utcnow
from core.log import kind_of
from core.outbox import (
    CHANNEL,
    LEASE,
    MAX_ATTEMPTS,
    DeliveryError,
    Job,
    OutboxMessage,
    Registry,
    backoff,
    begin,
    bury,
    claim,
    finish,
    give_back,
    postpone,
    publish,
    renew,
)
from core.together import begin_alike, fan_out_all

log = logging.getLogger("milepost.worker")
KEEP_DONE = timedelta(days=30)
NEWS_AT_ONCE = 200
HOLD_AT_MOST = timedelta(minutes=30)  # a handler that hangs for ever must not keep its job for ever


class Worker:
    """Carries out the jobs of `registry` from `database`, `slots` of them at a time in `run`.

    A slot takes one job after the other, and claims none before it is free: a job that waits for a
    slow host keeps no other waiting behind it.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        *,
        batch: int = 10,
        lease: timedelta = LEASE,
        slots: int = 1,
    ) -> None:
        self.database = database
        self.registry = registry
        self.batch = batch
        self.lease = lease
        self.slots = slots
        self._stop = threading.Event()
        self._turns: dict[str, threading.Lock] = {}
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing

    def stop(self) -> None:
        """Ask the loop to end after the job in hand."""
        self._stop.set()

    def run(self, *, poll: float = 0.5) -> None:
        """Work until stopped; `poll` seconds between looks when there is nothing to do."""
        listener = _Listener(self.database, self._stop) if not self.database.is_sqlite else None
        under_way: set[Future[None]] = set()
        pool = ThreadPoolExecutor(self.slots, thread_name_prefix="milepost-job")
        try:
            while not self._stop.is_set():
                taken = self._take(pool, self.slots - len(under_way))
                under_way |= taken
                if under_way and (not taken or len(under_way) >= self.slots):
                    under_way = wait(under_way, poll, return_when=FIRST_COMPLETED).not_done
                elif taken or self._stop.is_set():
                    continue
                elif listener:
                    listener.wait(max(poll, 1.0))
                else:
                    self._stop.wait(poll)
        finally:
            pool.shutdown()
            if listener:
                listener.close()

    def _take(self, pool: ThreadPoolExecutor, free: int) -> set[Future[None]]:
        """Claim as many due jobs as there are free slots, and begin them."""
        if free < 1:
            return set()
        try:
            jobs = self._claim(free)
        except Exception:
            log.exception("the database could not be asked for work")
            return set()
        return {pool.submit(self._in_slot, job) for job in jobs}

    def drain(self, *, limit: int = 1000) -> int:
        """Carry out everything that is due now, news included; for tests and commands."""
        total = 0
        while total < limit and (done := self.run_due()):
            total += done
        return total

    def run_due(self) -> int:
        """Carry out one batch; returns how many jobs were tried."""
        jobs = self._claim(self.batch)
        for job in jobs:
            self._do(job)
        return len(jobs)

    def _claim(self, limit: int) -> list[Job]:
        now = utcnow()
        self.schedule_recurring(now)
        return claim(self.database, limit=limit, now=now, lease=self.lease)

    def _in_slot(self, job: Job) -> None:
        try:
            self._do(job)
        except Exception:
            # The database is away: the lease runs out, and the job is due again.
            log.exception("a job could not be begun or settled", extra={"job": str(job.id)})

    def _do(self, job: Job) -> None:
        """Begin a claimed job and carry it out; once it is time to stop it is given back."""
        if self._stop.is_set():
            give_back(self.database, job)
            return
        with self._turn(job):
            begun = begin(self.database, job, now=utcnow(), lease=self.lease)
            if begun is None:
                log.warning("job taken over", extra={"topic": job.topic, "job": str(job.id)})
                return
            jobs = [begun, *self._alike(begun)]
            with self._held(jobs):
                if len(jobs) == 1:
                    self.carry_out(begun)
                else:
                    self._carry_out_together(jobs)

    def _turn(self, job: Job) -> AbstractContextManager[Any]:
        """One group of a topic at a time in this process: what comes meanwhile is taken along."""
        if not self._is_news(job) and job.topic not in self.registry.together:
            return nullcontext()
        return self._turns.setdefault(job.topic, threading.Lock())

    def _alike(self, job: Job) -> list[Job]:
        """What is begun along with `job`, where its topic is carried out together."""
        most = (
            NEWS_AT_ONCE if self._is_news(job) else self.registry.together.get(job.topic, (0, 1))[1]
        )
        return begin_alike(self.database, job, most=most - 1, now=utcnow(), lease=self.lease)

    def _is_news(self, job: Job) -> bool:
        return job.topic in self.registry.subscribers and job.topic not in self.registry.handlers

    @contextmanager
    def _held(self, jobs: Sequence[Job]) -> Iterator[None]:
        """Renew the leases of `jobs` from a thread of its own for as long as it takes inside."""
        over, began = threading.Event(), time.monotonic()

        def beat() -> None:
            while not over.wait(self.lease.total_seconds() / 3):
                if time.monotonic() - began > HOLD_AT_MOST.total_seconds():
                    return
                try:
                    held = [
                        renew(self.database, job, now=utcnow(), lease=self.lease) for job in jobs
                    ]
                    if not any(held):
                        return
                except Exception:
                    log.exception("a lease could not be renewed", extra={"job": str(jobs[0].id)})

        thread = threading.Thread(target=beat, name="milepost-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def schedule_recurring(self, now: datetime) -> None:
        """Write a row per recurring topic and interval; the key makes it one for all workers."""
        due = [
            (topic, f"{int(now.timestamp() // interval.total_seconds())}")
            for topic, interval in self.registry.recurring.items()
        ]
        fresh = [item for item in due if item != getattr(self, "_scheduled", {}).get(item[0])]
        if not fresh:
            return
        with self.database.transaction() as session:
            for topic, slot in fresh:
                publish(session, topic, slot, {})
        self._scheduled = {item[0]: item for item in due}

    def carry_out(self, job: Job) -> None:
        """Run the handler of a job that was begun, and record how it went.

        Never raises for a handler's error.
        """
        handler = self.registry.handlers.get(job.topic)
        if self._is_news(job):
            fan_out_all(self.database, [job], sorted(self.registry.subscribers[job.topic]))
            return
        extra = {"topic": job.topic, "job": str(job.id), "attempts": job.attempts}
        if handler is None:
            bury(self.database, job, "nothing here handles this topic", now=utcnow())
            log.error("no handler", extra=extra)
            return
        try:
            handler(job)
        except Exception as exc:
            self._raised(job, exc)
        else:
            finish(self.database, job, now=utcnow())
            log.info("job done", extra=extra)

    def _carry_out_together(self, jobs: Sequence[Job]) -> None:
        """Carry out begun jobs of one topic at once; where that goes wrong, one by one."""
        topic = jobs[0].topic
        extra = {"topic": topic, "jobs": len(jobs)}
        try:
            if self._is_news(jobs[0]):
                fan_out_all(self.database, jobs, sorted(self.registry.subscribers[topic]))
                return
            faults = self.registry.together[topic][0](jobs)
        except Exception:
            log.exception("jobs raised together, so each is tried alone", extra=extra)
            for job in jobs:
                self.carry_out(job)
            return
        finish(self.database, *(job for job in jobs if job.id not in faults), now=utcnow())
        log.info("jobs done", extra=extra)
        for job in jobs:
            if job.id in faults:
                self._raised(job, faults[job.id])

    def _raised(self, job: Job, exc: Exception) -> None:
        """Record what a handler ran into."""
        if not isinstance(exc, DeliveryError):
            extra = {"topic": job.topic, "job": str(job.id), "attempts": job.attempts}
            log.error("job raised", extra=extra, exc_info=exc)
            # Its words may quote somebody's data, and administrators read this.
            self._not_done(job, kind_of(exc), permanent=False, wait=None)
        elif exc.tried:
            self._not_done(job, str(exc), permanent=exc.permanent, wait=exc.retry_after)
        else:
            self._not_begun(job, str(exc), exc.retry_after)

    def _not_done(self, job: Job, error: str, *, permanent: bool, wait: timedelta | None) -> None:
        now = utcnow()
        if permanent or job.attempts >= MAX_ATTEMPTS:
            bury(self.database, job, error, now=now)
            log.error("job given up", extra={"topic": job.topic, "job": str(job.id)})
            return
        delay = wait or backoff(job.attempts, self._jitter.random())
        postpone(self.database, job, error, at=now + delay)
        log.warning("job postponed", extra={"topic": job.topic, "job": str(job.id)})

    def _not_begun(self, job: Job, error: str, wait: timedelta | None) -> None:
        """Put off what waits for somebody else's recovery, however long that takes."""
        delay = wait or backoff(1, self._jitter.random())
        postpone(self.database, job, error, at=utcnow() + delay, counted=False)


def forget_done(database: Database, *, now: datetime) -> int:
    """Delete rows that were done more than 30 days ago; returns how many.

    What a person dropped stays, with the reason.
    """
    table = OutboxMessage.__table__
    with database.transaction() as session:
        result = session.connection().execute(
            delete(table).where(  # type: ignore[arg-type]
                table.c.state == "done",
                table.c.done_at < now - KEEP_DONE,
                table.c.dropped_at.is_(None),
            )
        )
        return int(result.rowcount)


class _Listener:
    """A PostgreSQL connection that waits for NOTIFY, made anew when it is lost."""

    def __init__(self, database: Database, stop: threading.Event) -> None:
        self.url = database.url.replace("postgresql+psycopg:", "postgresql:", 1)
        self.connection: psycopg.Connection[Any] | None = None
        self._stop = stop
        self._losses = 0
        self._next_try = 0.0

    def wait(self, timeout: float) -> None:
        """Return after a NOTIFY, after `timeout` seconds, or at once where it began to listen.

        At once, because what was written before that was not heard: it is to be looked for.
        """
        try:
            if self.connection is None and time.monotonic() >= self._next_try:
                self._connect()
                return
            if self.connection is not None:
                for _ in self.connection.notifies(timeout=timeout, stop_after=1):
                    break
                self._losses = 0
                return
        except psycopg.Error as exc:
            self.close()
            self._losses += 1
            self._next_try = time.monotonic() + min(2.0 ** (self._losses - 1), 30.0)
            log.warning("not listening for new work", extra={"reason": kind_of(exc)})
        self._stop.wait(timeout)

    def _connect(self) -> None:
        self.connection = psycopg.connect(self.url, autocommit=True, connect_timeout=10)
        self.connection.execute(f"LISTEN {CHANNEL}")

    def close(self) -> None:
        """Let go of the connection."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None
