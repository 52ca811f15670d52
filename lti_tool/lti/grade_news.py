"""What news of decisions and of submissions says, checked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.outbox import DeliveryError


@dataclass(frozen=True)
class Decision:
    """A decision on somebody's work. `sent_at` is when the work was handed in."""

    decision_id: uuid.UUID
    person_id: uuid.UUID
    resource_link_id: uuid.UUID | None
    score: float
    maximum: float
    met: bool
    comment: str
    decided_at: datetime
    submission_id: uuid.UUID | None
    revision_id: uuid.UUID | None
    achievement_id: str | None
    title: str | None
    sent_at: datetime | None

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> Decision:
        """From an outbox payload. Raises DeliveryError for one that cannot be a decision."""
        try:
            return cls(
                decision_id=uuid.UUID(payload["decision_id"]),
                person_id=uuid.UUID(payload["person_id"]),
                resource_link_id=_uuid(payload, "resource_link_id"),
                score=float(payload["score"]),
                maximum=float(payload["max"]),
                met=payload["outcome"] == "met",
                comment=str(payload.get("comment") or ""),
                decided_at=_moment(payload["decided_at"]),
                submission_id=_uuid(payload, "submission_id"),
                revision_id=_uuid(payload, "revision_id"),
                achievement_id=_text(payload, "achievement_id"),
                title=_text(payload, "title"),
                sent_at=_moment(payload["sent_at"]) if payload.get("sent_at") else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DeliveryError("This is no decision that can be read.", permanent=True) from error


@dataclass(frozen=True)
class Sent:
    """Somebody handed in a revision of their work."""

    submission_id: uuid.UUID
    person_id: uuid.UUID
    resource_link_id: uuid.UUID | None
    achievement_id: str | None
    title: str | None
    maximum: float
    sent_at: datetime

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> Sent:
        """From an outbox payload. Raises DeliveryError for one that cannot be a submission."""
        try:
            return cls(
                submission_id=uuid.UUID(payload["submission_id"]),
                person_id=uuid.UUID(payload["person_id"]),
                resource_link_id=_uuid(payload, "resource_link_id"),
                achievement_id=_text(payload, "achievement_id"),
                title=_text(payload, "title"),
                maximum=float(payload["max"]),
                sent_at=_moment(payload["sent_at"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DeliveryError(
                "This is no submission that can be read.", permanent=True
            ) from error


def _uuid(payload: Mapping[str, Any], name: str) -> uuid.UUID | None:
    return uuid.UUID(payload[name]) if payload.get(name) else None


def _text(payload: Mapping[str, Any], name: str) -> str | None:
    return str(payload[name]) if payload.get(name) else None


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment
