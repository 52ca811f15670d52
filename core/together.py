"""Outbox rows that are carried out together: begun, and settled, in one transaction each.

What a worker is to do for one row costs less for fifty at once where its handler says so, and news
is only copied to those who want it. A worker that has begun one such row *takes along* others of
its topic that are due. Each stays a row of its own: it is tried, counted and given up by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from core.db import Database, utcnow
from core.outbox import CHANNEL, LEASE, MAX_ATTEMPTS, Job, OutboxMessage

_table: Any = OutboxMessage.__table__


def begin_alike(
    database: Database, job: Job, *, most: int, now: datetime, lease: timedelta = LEASE
) -> list[Job]:
    """Begin up to `most` further rows of the topic of `job`, which was begun: due, oldest first.

    They share its lease token. Rows that another worker holds are left alone.
    """
    if most < 1:
        return []
    due = (
        select(_table.c.id)
        .where(
            _table.c.state == "ready",
            _table.c.topic == job.topic,
            _table.c.next_run_at <= now,
            _table.c.attempts < MAX_ATTEMPTS,
        )
        .order_by(_table.c.next_run_at)
        .limit(most)
    )
    if not database.is_sqlite:
        due = due.with_for_update(skip_locked=True)
    statement = (
        update(_table)
        .where(_table.c.id.in_(due.scalar_subquery()))
        .values(
            state="leased",
            lease_token=job.lease_token,
            lease_until=now + lease,
            attempts=_table.c.attempts + 1,
        )
        .returning(*_table.c)
    )
    # As in `begin`: a power cut loses the count of an attempt, and nothing that was done.
    with database.transaction(durable=False) as session:
        rows = session.connection().execute(statement).all()
    jobs = [
        Job(
            r.id, r.topic, r.key, r.payload, r.attempts, r.organisation_id, job.lease_token,
            r.created_at,
        )
        for r in rows
    ]  # fmt: skip
    return sorted(jobs, key=lambda one: one.created_at)


def finish_all(database: Database, jobs: Sequence[Job], *, now: datetime) -> int:
    """Record that `jobs` are done; returns how many were still this worker's."""
    with database.transaction() as session:
        return _done(session, jobs, now)


def fan_out_all(database: Database, jobs: Sequence[Job], names: Sequence[str]) -> None:
    """Turn news of one topic into one job per subscriber, and be done with it all at once."""
    now = utcnow()
    with database.transaction() as session:
        if names:
            publish_all(
                session,
                [
                    (f"{job.topic}>{name}", job.key, job.payload, job.organisation_id)
                    for job in jobs
                    for name in names
                ],
            )
        _done(session, jobs, now)


def publish_all(
    session: Session, messages: Sequence[tuple[str, str, Any, uuid.UUID | None]]
) -> None:
    """As `core.outbox.publish`, for many at once: (topic, key, payload, organisation).

    What was written before under its topic and key stays as it was.
    """
    if not messages:
        return
    now = utcnow()
    postgres = session.get_bind().dialect.name == "postgresql"
    make = postgres_insert if postgres else sqlite_insert
    connection = session.connection()
    connection.execute(
        make(OutboxMessage).on_conflict_do_nothing(index_elements=["topic", "key"]),
        [
            {
                "id": uuid.uuid4(),
                "topic": topic,
                "key": key,
                "payload": dict(payload),
                "organisation_id": organisation_id,
                "state": "ready",
                "attempts": 0,
                "next_run_at": now,
                "created_at": now,
            }
            for topic, key, payload, organisation_id in messages
        ],
    )
    if postgres:
        connection.execute(text(f"NOTIFY {CHANNEL}"))


def _done(session: Session, jobs: Sequence[Job], now: datetime) -> int:
    """Mark what is still held; the jobs share one token."""
    if not jobs:
        return 0
    result = session.connection().execute(
        update(_table)
        .where(
            _table.c.id.in_([job.id for job in jobs]),
            _table.c.lease_token == jobs[0].lease_token,
        )
        .values(state="done", done_at=now, last_error=None, lease_until=None, lease_token=None)
    )
    return int(result.rowcount)


def insert_rows(session: Session, model: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Write many rows of one table with one prepared statement."""
    if rows:
        session.connection().execute(insert(model.__table__), list(rows))
