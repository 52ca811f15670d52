"""The worker: claims outbox rows and carries them out, on any number of machines.

Woken by LISTEN/NOTIFY on PostgreSQL and by a short poll on SQLite. Stops cleanly on request:
what it has begun is finished, what it has only claimed is left to its lease.
"""

from __future__ import annotations

import logging
import random
import threading
from datetime import datetime, timedelta

from sqlalchemy import delete

from core.db import Database, utcnow
from core.outbox import (
    CHANNEL,
    MAX_ATTEMPTS,
    DeliveryError,
    Job,
    OutboxMessage,
    Registry,
    backoff,
    bury,
    claim,
    fan_out,
    finish,
    postpone,
    publish,
)

log = logging.getLogger("milepost.worker")
KEEP_DONE = timedelta(days=30)


class Worker:
    """Carries out the jobs of `registry` from `database`."""

    def __init__(self, database: Database, registry: Registry, *, batch: int = 10) -> None:
        self.database = database
        self.registry = registry
        self.batch = batch
        self._stop = threading.Event()
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing

    def stop(self) -> None:
        """Ask the loop to end after the job in hand."""
        self._stop.set()

    def run(self, *, poll: float = 0.5) -> None:
        """Work until stopped; `poll` seconds between looks when there is nothing to do."""
        listener = _Listener(self.database) if not self.database.is_sqlite else None
        try:
            while not self._stop.is_set():
                try:
                    busy = self.run_due()
                except Exception:
                    log.exception("the database could not be asked for work")
                    busy = 0
                if not busy and not self._stop.is_set():
                    if listener:
                        listener.wait(max(poll, 1.0))
                    else:
                        self._stop.wait(poll)
        finally:
            if listener:
                listener.close()

    def drain(self, *, limit: int = 1000) -> int:
        """Carry out everything that is due now, news included; for tests and commands."""
        total = 0
        while total < limit and (done := self.run_due()):
            total += done
        return total

    def run_due(self) -> int:
        """Carry out one batch; returns how many jobs were tried."""
        now = utcnow()
        self.schedule_recurring(now)
        jobs = claim(self.database, limit=self.batch, now=now)
        for job in jobs:
            if self._stop.is_set():
                break
            self.carry_out(job)
        return len(jobs)

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
        """Run the handler and record how it went. Never raises for a handler's error."""
        names = self.registry.subscribers.get(job.topic)
        handler = self.registry.handlers.get(job.topic)
        if names is not None and handler is None:
            fan_out(self.database, job, sorted(names))
            return
        extra = {"topic": job.topic, "job": str(job.id), "attempts": job.attempts}
        if handler is None:
            bury(self.database, job, "nothing here handles this topic", now=utcnow())
            log.error("no handler", extra=extra)
            return
        try:
            handler(job)
        except DeliveryError as exc:
            self._not_done(job, str(exc), permanent=exc.permanent, wait=exc.retry_after)
        except Exception as exc:
            log.exception("job raised", extra=extra)
            self._not_done(job, f"{type(exc).__name__}: {exc}", permanent=False, wait=None)
        else:
            finish(self.database, job, now=utcnow())
            log.info("job done", extra=extra)

    def _not_done(self, job: Job, error: str, *, permanent: bool, wait: timedelta | None) -> None:
        now = utcnow()
        if permanent or job.attempts >= MAX_ATTEMPTS:
            bury(self.database, job, error, now=now)
            log.error("job given up", extra={"topic": job.topic, "job": str(job.id)})
            return
        delay = wait or backoff(job.attempts, self._jitter.random())
        postpone(self.database, job, error, at=now + delay)
        log.warning("job postponed", extra={"topic": job.topic, "job": str(job.id)})


def forget_done(database: Database, *, now: datetime) -> int:
    """Delete rows that were done more than 30 days ago; returns how many."""
    table = OutboxMessage.__table__
    with database.transaction() as session:
        result = session.connection().execute(
            delete(table).where(  # type: ignore[arg-type]
                table.c.state == "done", table.c.done_at < now - KEEP_DONE
            )
        )
        return int(result.rowcount)


class _Listener:
    """A PostgreSQL connection that waits for NOTIFY."""

    def __init__(self, database: Database) -> None:
        import psycopg

        url = database.url.replace("postgresql+psycopg:", "postgresql:", 1)
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(f"LISTEN {CHANNEL}")

    def wait(self, timeout: float) -> None:
        for _ in self.connection.notifies(timeout=timeout, stop_after=1):
            break

    def close(self) -> None:
        self.connection.close()
