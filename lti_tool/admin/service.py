"""Platforms and deliveries as an administrator sees them, within their organisation."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.identity import Organisation
from core.outbox import OutboxMessage, revive
from core.scope import Scope
from lti_tool.lti.models import Deployment, Platform


@dataclass(frozen=True)
class Connection:
    """A platform and how many deployments it has."""

    platform: Platform
    deployments: int


@dataclass(frozen=True)
class Delivery:
    """Something that was to leave the installation and has not."""

    id: uuid.UUID
    topic: str
    state: str
    attempts: int
    error: str | None
    created_at: datetime
    next_run_at: datetime


def connections(session: Session) -> list[Connection]:
    """Every platform of the scope, by name."""
    rows = session.execute(
        select(Deployment.platform_id, func.count(Deployment.id)).group_by(Deployment.platform_id)
    )
    counted: dict[uuid.UUID, int] = {row[0]: row[1] for row in rows}
    platforms = session.scalars(select(Platform).order_by(Platform.name))
    return [Connection(platform, counted.get(platform.id, 0)) for platform in platforms]


def deliveries(session: Session, scope: Scope) -> list[Delivery]:
    """What waits after a fault or was given up, in the scope's organisations, oldest first."""
    rows = session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.organisation_id.in_(_organisations(session, scope)),
            (OutboxMessage.state == "dead")
            | (
                OutboxMessage.state.in_(("ready", "leased")) & OutboxMessage.last_error.is_not(None)
            ),
        )
        .order_by(OutboxMessage.created_at)
        .limit(200)
    )
    return [
        Delivery(r.id, r.topic, r.state, r.attempts, r.last_error, r.created_at, r.next_run_at)
        for r in rows
    ]


def retry(session: Session, scope: Scope, message_id: uuid.UUID, now: datetime) -> None:
    """Try a delivery that was given up again. Raises NotFoundError outside the scope."""
    found = session.scalar(
        select(OutboxMessage.id).where(
            OutboxMessage.id == message_id,
            OutboxMessage.organisation_id.in_(_organisations(session, scope)),
        )
    )
    if found is None or not revive(session, message_id, now=now):
        raise NotFoundError("There is no such delivery, or it is on its way already.")


def _organisations(session: Session, scope: Scope) -> Sequence[uuid.UUID]:
    return session.scalars(
        select(Organisation.id).where(Organisation.path.startswith(scope.path))
    ).all()
