"""What was to leave the installation and has not: read, tried again, or dropped with a reason.

Whom it is for is told by the LMS's own id of the person: enough to look there, and no more.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from core import outbox
from core.errors import NotFoundError, UnprocessableError
from core.identity import Organisation, Person
from core.outbox import OutboxMessage
from core.scope import Scope, unscoped
from lti_tool.admin import changes
from lti_tool.admin.ourkeys import is_root
from lti_tool.courses.models import Context
from lti_tool.lti.grades import SENT_SUBSCRIBER, SENT_TOPIC, SUBSCRIBER, TOPIC
from lti_tool.lti.models import Platform, PlatformUser, ResourceLink

Show = Literal["open", "dead", "waiting", "dropped"]
SHOWS: tuple[Show, ...] = ("open", "dead", "waiting", "dropped")
A_PAGE = 25
MOST_COUNTED = 2000
LONGEST_REASON = 500

_GRADES = (f"{TOPIC}>{SUBSCRIBER}", f"{SENT_TOPIC}>{SENT_SUBSCRIBER}")
_DEAD = OutboxMessage.state == "dead"
_WAITING = OutboxMessage.state.in_(("ready", "leased")) & OutboxMessage.last_error.is_not(None)
_SHOWN: dict[str, ColumnElement[bool]] = {
    "open": or_(_DEAD, _WAITING),
    "dead": _DEAD,
    "waiting": _WAITING,
    "dropped": OutboxMessage.dropped_at.is_not(None),
}


@dataclass(frozen=True)
class Delivery:
    """One thing that has not arrived. `state` is dead, ready, leased or dropped."""

    id: uuid.UUID
    topic: str
    state: str
    attempts: int
    error: str | None
    created_at: datetime
    next_run_at: datetime
    ended_at: datetime | None
    dropped_by: uuid.UUID | None = None
    dropped_reason: str | None = None
    platform_id: uuid.UUID | None = None
    platform: str | None = None
    course: str | None = None
    link: str | None = None
    person: str | None = None


@dataclass(frozen=True)
class Page:
    """Some deliveries, and how many there are of each kind."""

    items: Sequence[Delivery]
    number: int
    pages: int
    counts: Mapping[str, int]


@dataclass
class Trouble:
    """Grades of one platform that have not arrived."""

    waiting: int = 0
    dead: int = 0
    last_error: str = field(default="")


def page(session: Session, scope: Scope, show: Show, number: int) -> Page:
    """One page of what is shown, oldest first (dropped: newest first)."""
    within = _within(scope)
    counts = {
        name: session.scalar(select(func.count(OutboxMessage.id)).where(within, wanted)) or 0
        for name, wanted in _SHOWN.items()
    }
    pages = max(1, -(-counts[show] // A_PAGE))
    number = min(max(number, 1), pages)
    order = OutboxMessage.dropped_at.desc() if show == "dropped" else OutboxMessage.created_at
    rows = session.scalars(
        select(OutboxMessage)
        .where(within, _SHOWN[show])
        .order_by(order, OutboxMessage.id)
        .limit(A_PAGE)
        .offset((number - 1) * A_PAGE)
    ).all()
    return Page(_placed(session, rows), number, pages, counts)


def one(session: Session, scope: Scope, message_id: uuid.UUID) -> Delivery:
    """One delivery with whom it is for. Raises NotFoundError outside the scope, and once it is
    done."""
    row = _find(session, scope, message_id)
    if row is None or (row.state == "done" and row.dropped_at is None):
        raise _unknown()
    [found] = _placed(session, [row])
    person_id = _id(row.payload.get("person_id"))
    if person_id and found.platform_id:
        sub = session.scalar(
            select(PlatformUser.sub)
            .where(
                PlatformUser.platform_id == found.platform_id, PlatformUser.person_id == person_id
            )
            .order_by(PlatformUser.created_at.desc())
            .limit(1)
        )
        found = replace(found, person=sub)
    return found


def troubles(session: Session, scope: Scope) -> dict[uuid.UUID, Trouble]:
    """Grades that have not arrived, by platform; the oldest `MOST_COUNTED` are counted."""
    rows = session.scalars(
        select(OutboxMessage)
        .where(_within(scope), _SHOWN["open"], OutboxMessage.topic.in_(_GRADES))
        .order_by(OutboxMessage.created_at)
        .limit(MOST_COUNTED)
    ).all()
    found: dict[uuid.UUID, Trouble] = {}
    for item in _placed(session, rows):
        if item.platform_id is None:
            continue
        trouble = found.setdefault(item.platform_id, Trouble())
        if item.state == "dead":
            trouble.dead += 1
        else:
            trouble.waiting += 1
        trouble.last_error = item.error or trouble.last_error
    return found


def retry(
    session: Session, scope: Scope, message_id: uuid.UUID, *, actor_id: uuid.UUID, now: datetime
) -> None:
    """Try a delivery again at once. Raises NotFoundError outside the scope, or on its way."""
    row = _find(session, scope, message_id)
    again = row is not None and (
        outbox.revive(session, message_id, now=now) or outbox.hurry(session, message_id, now=now)
    )
    if row is None or not again:
        raise _unknown()
    _note(session, scope, row, "delivery.retry", actor_id, now)


def drop(
    session: Session,
    scope: Scope,
    message_id: uuid.UUID,
    reason: str,
    *,
    actor_id: uuid.UUID,
    now: datetime,
) -> None:
    """Decide that a delivery is not to happen; of several at once one decides.

    Raises UnprocessableError without a reason, NotFoundError outside the scope, or on its way.
    """
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        fault = _l("Say in a sentence why it is dropped, in at most 500 characters.")
        raise UnprocessableError(fault, code="reason_invalid", fields={"reason": fault})
    row = _find(session, scope, message_id)
    if row is None or not outbox.drop(
        session, message_id, reason=reason, actor_id=actor_id, now=now
    ):
        raise _unknown()
    _note(session, scope, row, "delivery.drop", actor_id, now)


def name_of(session: Session, person_id: uuid.UUID | None) -> str | None:
    """What somebody is called, if the session's scope sees them."""
    if person_id is None:
        return None
    return session.scalar(select(Person.name).where(Person.id == person_id))


def _within(scope: Scope) -> ColumnElement[bool]:
    """Messages of the scope's organisations; what belongs to nobody is for the top of a tree."""
    below = select(Organisation.id).where(Organisation.path.startswith(scope.path))
    theirs = OutboxMessage.organisation_id.in_(below)
    return or_(theirs, OutboxMessage.organisation_id.is_(None)) if is_root(scope) else theirs


def _find(session: Session, scope: Scope, message_id: uuid.UUID) -> OutboxMessage | None:
    return session.scalar(
        select(OutboxMessage).where(OutboxMessage.id == message_id, _within(scope))
    )


def _placed(session: Session, rows: Sequence[OutboxMessage]) -> list[Delivery]:
    """Deliveries with their platform and course, as far as the session's scope sees them."""
    links = _by_id(session, ResourceLink, (row.payload.get("resource_link_id") for row in rows))
    named = [row.payload.get("context_id") for row in rows]
    contexts = _by_id(session, Context, [*named, *(link.context_id for link in links.values())])
    places = [*links.values(), *contexts.values()]
    with unscoped(session, "a school's deliveries may go through its district's platform"):
        platforms = _by_id(session, Platform, (place.platform_id for place in places))
    found = []
    for row in rows:
        link = links.get(_id(row.payload.get("resource_link_id")))
        context = contexts.get(link.context_id if link else _id(row.payload.get("context_id")))
        place = link or context
        platform = platforms.get(place.platform_id) if place else None
        found.append(
            Delivery(
                id=row.id,
                topic=row.topic,
                state="dropped" if row.dropped_at else row.state,
                attempts=row.attempts,
                error=row.last_error,
                created_at=row.created_at,
                next_run_at=row.next_run_at,
                ended_at=row.done_at,
                dropped_by=row.dropped_by,
                dropped_reason=row.dropped_reason,
                platform_id=platform.id if platform else None,
                platform=platform.name if platform else None,
                course=(context.title or context.lti_id) if context else None,
                link=link.title if link else None,
            )
        )
    return found


def _by_id(session: Session, kind: Any, ids: Iterable[Any]) -> dict[Any, Any]:
    wanted = {found for found in map(_id, ids) if found}
    if not wanted:
        return {}
    return {row.id: row for row in session.scalars(select(kind).where(kind.id.in_(wanted)))}


def _id(value: Any) -> uuid.UUID | None:
    try:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
    except (TypeError, ValueError, AttributeError):
        return None


def _note(
    session: Session,
    scope: Scope,
    row: OutboxMessage,
    action: str,
    actor_id: uuid.UUID,
    now: datetime,
) -> None:
    owner = session.get(Organisation, row.organisation_id) if row.organisation_id else None
    changes.note(
        session, owner.scope if owner else scope, row, action, actor_id=actor_id, now=now,
        topic=row.topic,
    )  # fmt: skip


def _unknown() -> NotFoundError:
    return NotFoundError(_l("There is no such delivery, or it is on its way already."))
