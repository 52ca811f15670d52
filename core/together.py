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

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.db import Database, utcnow
from core.outbox import (
    LEASE,
    MAX_ATTEMPTS,
    Job,
    OutboxMessage,
    end,
    insert_new,
    lease_due,
    new_row,
    wake,
)

_c: Any = OutboxMessage.__table__.c


def begin_alike(
    database: Database, job: Job, *, most: int, now: datetime, lease: timedelta = LEASE
) -> list[Job]:
    """Begin up to `most` further rows of the topic of `job`, which was begun: due, oldest first.

    They share its lease token. Rows that another worker holds are left alone.
    """
    if most < 1:
        return []
    due = (
        (_c.state == "ready")
        & (_c.topic == job.topic)
        & (_c.next_run_at <= now)
        & (_c.attempts < MAX_ATTEMPTS)
    )
    # As in `begin`: a power cut loses the count of an attempt, and nothing that was done.
    with database.transaction(durable=False) as session:
        return lease_due(
            session, due, _c.next_run_at,
            limit=most, lease_token=job.lease_token, lease_until=now + lease,
            attempts=_c.attempts + 1,
        )  # fmt: skip


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
        end(session, jobs, now)


def publish_all(
    session: Session, messages: Sequence[tuple[str, str, Any, uuid.UUID | None]]
) -> None:
    """As `core.outbox.publish`, for many at once: (topic, key, payload, organisation).

    What was written before under its topic and key stays as it was.
    """
    if not messages:
        return
    now = utcnow()
    session.connection().execute(
        insert_new(session), [new_row(*message, now) for message in messages]
    )
    wake(session)


def insert_rows(session: Session, model: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Write many rows of one table with one prepared statement."""
    if rows:
        session.connection().execute(insert(model.__table__), list(rows))
