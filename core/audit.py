"""Who looked at what, and who did what: append-only, from the first migration on."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, event
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Identified, Json
from core.identity import owner_like
from core.scope import Owned, OwnedByPeople


class AuditEvent(OwnedByPeople, Identified, Base):
    """Somebody (or the system) did `action` to the thing `subject_kind`/`subject_id`."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_subject", "subject_kind", "subject_id", "at"),)

    at: Mapped[datetime]
    actor_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    about_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[uuid.UUID]
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


def _refuse(*_args: Any) -> None:
    raise RuntimeError("what was noted stays as it was; note something new")


event.listen(AuditEvent, "before_update", _refuse)
event.listen(AuditEvent, "before_delete", _refuse)


def record(
    session: Session,
    *,
    owner: Owned,
    actor_id: uuid.UUID | None,
    action: str,
    subject: Any,
    now: datetime,
    about_id: uuid.UUID | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Note that `actor_id` did `action` to `subject` (a mapped row with an id).

    `about_id` is the person whose work or data it was; `owner` gives the place in the tree.
    `details` holds codes and identifiers, never what a person wrote.
    """
    session.add(
        AuditEvent(
            **owner_like(owner),
            at=now,
            actor_id=actor_id,
            about_id=about_id,
            action=action,
            subject_kind=type(subject).__tablename__,
            subject_id=subject.id,
            details=details or {},
        )
    )
