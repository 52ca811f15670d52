"""Who changed what, as a page tells it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.audit import AuditEvent
from core.identity import Person
from core.scope import Scope

MOST_SHOWN = 20


@dataclass(frozen=True)
class Change:
    """One change. `who` is None for somebody whom the reader may not know; `by_command` says that
    it was nobody in the pages."""

    at: datetime
    action: str
    who: str | None
    by_command: bool
    details: Mapping[str, Any]


def note(
    session: Session,
    scope: Scope,
    subject: Any,
    action: str,
    *,
    actor_id: uuid.UUID,
    now: datetime,
    **details: Any,
) -> None:
    """Note a change of something that no organisation owns, where it was made (`scope`)."""
    session.add(
        AuditEvent(
            owner_id=scope.organisation_id,
            owner_path=scope.path,
            at=now,
            actor_id=actor_id,
            action=action,
            subject_kind=type(subject).__tablename__,
            subject_id=subject.id,
            details=details,
        )
    )


def of(session: Session, kind: str, subject_id: uuid.UUID) -> list[Change]:
    """The latest changes of one thing (`kind` is its table), newest first."""
    events = session.scalars(
        select(AuditEvent)
        .where(AuditEvent.subject_kind == kind, AuditEvent.subject_id == subject_id)
        .order_by(AuditEvent.at.desc(), AuditEvent.id)
        .limit(MOST_SHOWN)
    ).all()
    return told(session, list(events))


def told(session: Session, events: list[AuditEvent]) -> list[Change]:
    """Events with the names of those whom the session's scope sees."""
    actors = {event.actor_id for event in events if event.actor_id}
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(actors))).all()
    names: dict[uuid.UUID, str | None] = {row.id: row.name for row in rows}
    return [
        Change(
            event.at,
            event.action,
            names.get(event.actor_id) if event.actor_id else None,
            event.actor_id is None,
            event.details,
        )
        for event in events
    ]
