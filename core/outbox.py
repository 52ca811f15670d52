"""Durable side effects: a row written in the transaction, carried out later by a worker.

A row is a *job* (one handler for its topic) or *news* (any number of subscribers, each of which
gets a job of its own). Delivery is at least once; the key makes writing it idempotent.

A worker *claims* several jobs under one lease and *begins* each right before it carries it out:
that renews the lease, counts the attempt, and fails where another worker has taken the job over.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Database, Identified, Json, utcnow

CHANNEL = "milepost_outbox"
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 24  # about three days with the waits of `backoff`
State = Literal["ready", "leased", "done", "dead"]


class OutboxMessage(Identified, Base):
    """One thing to be done outside the transaction that decided it.

    A person may drop what cannot be done: it is `done` like the rest, and `dropped_*` say that it
    never happened, who decided so and why. Such rows are kept.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        UniqueConstraint("topic", "key"),
        CheckConstraint("state in ('ready','leased','done','dead')", name="state"),
        Index("ix_outbox_messages_due", "state", "next_run_at"),
    )

    topic: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(8), default="ready")
    attempts: Mapped[int] = mapped_column(default=0)
    next_run_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[uuid.UUID | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    dropped_by: Mapped[uuid.UUID | None]
    dropped_reason: Mapped[str | None] = mapped_column(Text)


class DeliveryError(Exception):
    """A handler could not do its job. `permanent` means: do not try again, tell a person.

    `tried` is False where it was not even begun, as while the other side is known to be down: that
    is no attempt.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        tried: bool = True,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.tried = tried


@dataclass(frozen=True)
class Job:
    """What a handler is given."""

    id: uuid.UUID
    topic: str
    key: str
    payload: Mapping[str, Any]
    attempts: int
    organisation_id: uuid.UUID | None
    lease_token: uuid.UUID
    created_at: datetime


_table: Any = OutboxMessage.__table__
_c = _table.c
_OF_A_JOB = [_c[one.name] for one in fields(Job)]
_LET_GO: dict[str, Any] = {"lease_until": None, "lease_token": None}
Handler = Callable[[Job], None]
Together = Callable[[Sequence[Job]], Mapping[uuid.UUID, Exception]]


@dataclass
class Registry:
    """Which handler does which topic, who wants which news, and what recurs."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    subscribers: dict[str, dict[str, Handler]] = field(default_factory=dict)
    recurring: dict[str, timedelta] = field(default_factory=dict)
    together: dict[str, tuple[Together, int]] = field(default_factory=dict)

    def handle(self, topic: str, handler: Handler) -> None:
        """`handler` carries out jobs of `topic`."""
        if topic in self.handlers:
            raise ValueError(f"{topic} already has a handler")
        self.handlers[topic] = handler

    def news(self, topic: str) -> None:
        """Declare a topic that is told to whoever subscribes, and to nobody if nobody does."""
        self.subscribers.setdefault(topic, {})

    def subscribe(self, topic: str, name: str, handler: Handler) -> None:
        """`handler`, under `name`, is told news of `topic`, independently of other subscribers."""
        self.subscribers.setdefault(topic, {})[name] = handler
        self.handle(f"{topic}>{name}", handler)

    def take_along(self, topic: str, handler: Together, most: int) -> None:
        """`handler` carries out up to `most` jobs of `topic` at once; it returns what went wrong.

        If it raises, each is done alone by the topic's own handler (see `core.together`).
        """
        self.together[topic] = (handler, most)

    def every(self, topic: str, interval: timedelta, handler: Handler) -> None:
        """`handler` runs about every `interval`, on one worker at a time."""
        self.handle(topic, handler)
        self.recurring[topic] = interval


def publish(
    session: Session,
    topic: str,
    key: str,
    payload: Mapping[str, Any],
    *,
    organisation_id: uuid.UUID | None = None,
    run_at: datetime | None = None,
) -> bool:
    """Write a job or news in this transaction; False if `topic` and `key` were written before."""
    row = new_row(topic, key, payload, organisation_id, utcnow(), run_at)
    statement = insert_new(session).returning(OutboxMessage.id)
    written = session.connection().execute(statement, row).first() is not None
    if written:
        wake(session)
    return written


def new_row(
    topic: str,
    key: str,
    payload: Mapping[str, Any],
    organisation_id: uuid.UUID | None,
    now: datetime,
    run_at: datetime | None = None,
) -> dict[str, Any]:
    """The columns of a row that is written now, due at `run_at` or at once."""
    return {
        "id": uuid.uuid4(),
        "topic": topic,
        "key": key,
        "payload": dict(payload),
        "organisation_id": organisation_id,
        "state": "ready",
        "attempts": 0,
        "next_run_at": run_at or now,
        "created_at": now,
    }


def insert_new(session: Session) -> Any:
    """The statement that writes rows; what was written before stays as it was."""
    make = postgres_insert if _on_postgres(session) else sqlite_insert
    return make(OutboxMessage).on_conflict_do_nothing(index_elements=["topic", "key"])


def wake(session: Session) -> None:
    """Let workers that listen know, once this transaction commits, that something is due."""
    if _on_postgres(session):
        session.connection().execute(text(f"NOTIFY {CHANNEL}"))


def claim(database: Database, *, limit: int, now: datetime, lease: timedelta = LEASE) -> list[Job]:
    """Lease up to `limit` due jobs, oldest first; rows whose lease ran out are due again.

    A job that was begun MAX_ATTEMPTS times and is still due ended the process of whoever tried it:
    it is given up here, because nobody lives to do it afterwards.
    """
    due = ((_c.state == "ready") & (_c.next_run_at <= now)) | (
        (_c.state == "leased") & (_c.lease_until <= now)
    )
    with database.transaction() as session:
        _bury_worn_out(session, due, now)
        return lease_due(
            session, due, _c.next_run_at, _c.created_at,
            limit=limit, lease_token=uuid.uuid4(), lease_until=now + lease,
        )  # fmt: skip


def lease_due(
    session: Session, due: ColumnElement[bool], *order: Any, limit: int, **values: Any
) -> list[Job]:
    """Lease the first `limit` rows that are `due`; the jobs, in the order they were written.

    PostgreSQL skips rows locked by other workers; SQLite's immediate transaction has no others.
    """
    wanted = _free(session, due).order_by(*order).limit(limit)
    rows = session.connection().execute(
        update(_table)
        .where(_c.id.in_(wanted.scalar_subquery()))
        .values(state="leased", **values)
        .returning(*_OF_A_JOB)
    )
    return sorted((Job(*row) for row in rows), key=lambda job: job.created_at)


def _free(session: Session, due: ColumnElement[bool]) -> Select[tuple[uuid.UUID]]:
    found = select(_c.id).where(due)
    return found.with_for_update(skip_locked=True) if _on_postgres(session) else found


def _bury_worn_out(session: Session, due: ColumnElement[bool], now: datetime) -> None:
    worn = _free(session, due & (_c.attempts >= MAX_ATTEMPTS))
    session.connection().execute(
        update(_table)
        .where(_c.id.in_(worn.scalar_subquery()))
        .values(
            state="dead",
            done_at=now,
            last_error=f"It was begun {MAX_ATTEMPTS} times and never came to an end.",
            **_LET_GO,
        )
    )


def begin(database: Database, job: Job, *, now: datetime, lease: timedelta = LEASE) -> Job | None:
    """Count an attempt and renew the lease right before `job` is carried out.

    Returns the job with its new number of attempts; None where its lease was lost meanwhile.
    """
    # Lost in a power cut is only the count of an attempt that the power cut ended.
    with database.transaction(durable=False) as session:
        attempts = session.connection().scalar(
            update(_table)
            .where(_c.id == job.id, _c.lease_token == job.lease_token)
            .values(lease_until=now + lease, attempts=_c.attempts + 1)
            .returning(_c.attempts)
        )
    return None if attempts is None else replace(job, attempts=attempts)


def renew(database: Database, job: Job, *, now: datetime, lease: timedelta = LEASE) -> bool:
    """Keep `job` while it takes long; False if its lease was lost meanwhile."""
    with database.transaction(durable=False) as session:
        return _change(session, [job], lease_until=now + lease) == 1


def give_back(database: Database, job: Job) -> bool:
    """Let another worker take a job that was claimed and not begun."""
    return _settle(database, job, state="ready")


def finish(database: Database, *jobs: Job, now: datetime) -> int:
    """Record that `jobs`, of one lease, are done; returns how many were still this worker's."""
    with database.transaction() as session:
        return end(session, jobs, now)


def end(session: Session, jobs: Sequence[Job], now: datetime) -> int:
    """As `finish`, with what else is decided in this transaction."""
    return _change(session, jobs, state="done", done_at=now, last_error=None, **_LET_GO)


def postpone(
    database: Database, job: Job, error: str, *, at: datetime, counted: bool = True
) -> bool:
    """Record why `job` did not succeed and when it is tried again; `counted` as an attempt."""
    attempts = job.attempts if counted else max(job.attempts - 1, 0)
    return _settle(
        database, job, state="ready", next_run_at=at, last_error=error[:2000], attempts=attempts
    )


def bury(database: Database, job: Job, error: str, *, now: datetime) -> bool:
    """Give `job` up until a person retries it."""
    return _settle(database, job, state="dead", done_at=now, last_error=error[:2000])


def revive(session: Session, message_id: uuid.UUID, *, now: datetime) -> bool:
    """A person asks for a dead job to be tried again."""
    result = session.connection().execute(
        update(_table)
        .where(_c.id == message_id, _c.state == "dead")
        .values(state="ready", attempts=0, next_run_at=now, done_at=None)
    )
    return _woken(session, result)


def hurry(session: Session, message_id: uuid.UUID, *, now: datetime) -> bool:
    """A person does not want to wait for the next try of a job that did not succeed."""
    result = session.connection().execute(
        update(_table)
        .where(_c.id == message_id, _c.state == "ready", _c.last_error.is_not(None))
        .values(next_run_at=now)
    )
    return _woken(session, result)


def drop(
    session: Session,
    message_id: uuid.UUID,
    *,
    reason: str,
    actor_id: uuid.UUID | None,
    now: datetime,
) -> bool:
    """A person decides that a job which did not succeed is not to be done at all.

    False where nothing was dropped: it is on its way just now, was done, or was dropped before.
    Raises ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("say why it is dropped")
    tried = (_c.state == "ready") & _c.last_error.is_not(None)
    result = session.connection().execute(
        update(_table)
        .where(_c.id == message_id, (_c.state == "dead") | tried)
        .values(
            state="done",
            done_at=now,
            dropped_at=now,
            dropped_by=actor_id,
            dropped_reason=reason.strip(),
        )
    )
    return bool(result.rowcount)


def _woken(session: Session, result: CursorResult[Any]) -> bool:
    """Whether a row is due now; if so, workers that listen hear of it."""
    if result.rowcount:
        wake(session)
    return bool(result.rowcount)


def backoff(attempts: int, jitter: float) -> timedelta:
    """The wait after `attempts` tries: doubling from 5 s to 6 h; `jitter` 0..1 adds up to 25 %."""
    seconds = min(5.0 * 2.0 ** max(attempts - 1, 0), 6 * 3600.0)
    return timedelta(seconds=seconds * (1 + jitter / 4))


def _settle(database: Database, job: Job, **values: Any) -> bool:
    with database.transaction() as session:
        return _change(session, [job], **values, **_LET_GO) == 1


def _change(session: Session, jobs: Sequence[Job], **values: Any) -> int:
    """Change what is still held of `jobs`, which share one lease; returns how many were."""
    if not jobs:
        return 0
    ids, token = [job.id for job in jobs], jobs[0].lease_token
    result = session.connection().execute(
        update(_table).where(_c.id.in_(ids), _c.lease_token == token).values(values)
    )
    return int(result.rowcount)


def _on_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


__all__ = [
    "DeliveryError", "Handler", "Job", "OutboxMessage", "Registry", "backoff", "begin", "bury",
    "claim", "drop", "finish", "give_back", "hurry", "postpone", "publish", "renew", "revive",
]  # fmt: skip
