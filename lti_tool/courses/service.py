"""Contexts and memberships: recorded at every launch, asked for by the features.

LTI 1.3 Core, section 5.4.1 (context).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.identity import Role
from core.prepared import Direct, Prepared
from lti_tool.courses.models import Context, Membership

# A launch a minute need not write "seen" a minute.
SEEN_EVERY = timedelta(minutes=5)
_contexts: Any = Context.__table__
_memberships: Any = Membership.__table__
_NEW_CONTEXT = Prepared.insert(_contexts)
_NEW_MEMBERSHIP = Prepared.insert(_memberships)


@dataclass(frozen=True)
class KnownContext:
    """What the database holds of a context."""

    id: uuid.UUID
    title: str | None
    label: str | None
    memberships_url: str | None = None


@dataclass(frozen=True)
class KnownMembership:
    """What the database holds of a membership."""

    id: uuid.UUID
    roles: Sequence[str]
    lti_roles: Sequence[str]
    state: str
    last_seen_at: datetime


def record_context(
    session: Session | Direct,
    known: KnownContext | None,
    *,
    owner: dict[str, Any],
    platform_id: uuid.UUID,
    deployment_id: uuid.UUID,
    lti_id: str,
    title: str | None,
    label: str | None,
    now: datetime,
    memberships_url: str | None = None,
) -> uuid.UUID:
    """Make the context, or note what has changed; what is no longer sent is kept.

    `known` is the row as just read in this transaction. Returns the context's id.
    """
    if known is None:
        new_id = uuid.uuid4()
        _NEW_CONTEXT.run(
            Direct.of(session),
            {
                "id": new_id,
                **owner,
                "platform_id": platform_id,
                "deployment_id": deployment_id,
                "lti_id": lti_id,
                "title": title,
                "label": label,
                "memberships_url": memberships_url,
                "created_at": now,
                "updated_at": now,
            },
        )
        return new_id
    wanted = {
        "title": title or known.title,
        "label": label or known.label,
        "memberships_url": memberships_url or known.memberships_url,
    }
    if any(getattr(known, name) != value for name, value in wanted.items()):
        Direct.of(session).run(
            update(_contexts).where(_contexts.c.id == known.id).values(**wanted, updated_at=now)
        )
    return known.id


def record_membership(
    session: Session | Direct,
    known: KnownMembership | None,
    *,
    owner: dict[str, Any],
    context_id: uuid.UUID,
    person_id: uuid.UUID,
    roles: frozenset[Role],
    lti_roles: Sequence[str],
    now: datetime,
) -> None:
    """Make the membership, or note what has changed: who comes in is active again.

    Whoever was closed because the platform's list no longer named them, and comes in all the same,
    does not stand on that list any more: the next reading of it does not close them again.
    """
    values = {
        "roles": sorted(role.value for role in roles),
        "lti_roles": list(lti_roles),
        "state": "active",
    }
    if known is None:
        _NEW_MEMBERSHIP.run(
            Direct.of(session),
            {
                **owner,
                "context_id": context_id,
                "person_id": person_id,
                "first_seen_at": now,
                "last_seen_at": now,
                "launched": True,
                **values,
            },
        )
        return
    same = values == {
        "roles": list(known.roles), "lti_roles": list(known.lti_roles), "state": known.state,
    }  # fmt: skip
    if same and now - known.last_seen_at < SEEN_EVERY:
        return
    back = {"left_at": None, "rostered_at": None} if known.state != "active" else {}
    Direct.of(session).run(
        update(_memberships)
        .where(_memberships.c.id == known.id)
        .values(**values, **back, last_seen_at=now, launched=True)
    )


def active_members(session: Session, context_id: uuid.UUID, role: Role) -> list[uuid.UUID]:
    """The people who hold `role` in the context now, in a stable order."""
    rows = session.execute(
        select(Membership.person_id, Membership.roles)
        .where(Membership.context_id == context_id, Membership.state == "active")
        .order_by(Membership.person_id)
    )
    return [person_id for person_id, roles in rows if role.value in roles]


def membership(session: Session, context_id: uuid.UUID, person_id: uuid.UUID) -> Membership | None:
    """The person's membership of the context, left or not; None if there never was one."""
    return session.scalar(
        select(Membership).where(
            Membership.context_id == context_id, Membership.person_id == person_id
        )
    )


def context(session: Session, context_id: uuid.UUID) -> Context | None:
    """The context, if the session's scope sees it."""
    return session.scalar(select(Context).where(Context.id == context_id))
