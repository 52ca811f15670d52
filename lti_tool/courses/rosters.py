"""Course lists as the LMS keeps them: what is due, what was read, who left.

The LMS's list decides who stands on it, and nothing else: people who came in by a launch and were
never listed (a site administrator) stay; whoever was listed and no longer is, is closed and not
deleted, and the news `course.left` tells whoever waits for them. Reading the list is the business
of `lti_tool.lti.rosters`; nothing here asks the network.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from core.errors import ConflictError, NotFoundError
from core.identity import Role, of_real_people, owner_like
from core.outbox import publish
from lti_tool.courses.models import NEVER_SEEN, Context, Membership

TOPIC: Final = "lti.roster"
LEFT_TOPIC: Final = "course.left"
EVERY: Final = timedelta(hours=12)
SPREAD: Final = timedelta(hours=2)
# A course that nobody has opened for so long is not read until somebody does.
LIVELY: Final = timedelta(days=45)
MOST_AT_ONCE: Final = 200
AT_A_TIME: Final = 500
_contexts: Any = Context.__table__
_memberships: Any = Membership.__table__


@dataclass(frozen=True)
class Listed:
    """Somebody on the platform's list, as one of our people."""

    person_id: uuid.UUID
    roles: frozenset[Role]
    lti_roles: tuple[str, ...]


@dataclass(frozen=True)
class CourseList:
    """A course's list as a page shows it. `never` have not come in yet."""

    context_id: uuid.UUID
    title: str | None
    people: int
    never: int
    synced_at: datetime | None
    note: str | None


def request_sync(session: Session, context: Context, now: datetime) -> bool:
    """Have the course's list read soon; False where that was asked a moment ago.

    Raises ConflictError where the LMS offers no list for this course.
    """
    if context.memberships_url is None:
        raise ConflictError(
            _("The LMS offers no list of people for this course."),
            code="roster_unavailable",
            advice=_(
                "An administrator of the LMS can allow Milepost to read names and roles; open an"
                " activity of the course once after that."
            ),
        )
    return publish(
        session,
        TOPIC,
        f"{context.id}:{int(now.timestamp() // 60)}",
        {"context_id": str(context.id)},
        organisation_id=context.owner_id,
    )


def request_due(session: Session, now: datetime, *, most: int = MOST_AT_ONCE) -> int:
    """Have every list read that is due, in courses where somebody was lately; returns how many.

    Each is due again in twelve hours and a bit that differs from course to course, so that they do
    not all ask at once.
    """
    lively = select(Membership.id).where(
        Membership.context_id == Context.id, Membership.last_seen_at > now - LIVELY
    )
    due = session.scalars(
        select(Context)
        .where(
            Context.memberships_url.is_not(None),
            or_(Context.roster_due_at.is_(None), Context.roster_due_at <= now),
            lively.exists(),
        )
        .order_by(Context.roster_due_at.is_not(None), Context.roster_due_at, Context.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    ).all()
    for context in due:
        share = (context.id.int % 1000) / 1000
        context.roster_due_at = now + EVERY + share * SPREAD
        publish(
            session,
            TOPIC,
            f"{context.id}:{int(context.roster_due_at.timestamp())}",
            {"context_id": str(context.id)},
            organisation_id=context.owner_id,
            # The first lists of many courses are spread as well.
            run_at=now + share * timedelta(minutes=10),
        )
    session.flush()
    return len(due)


def record_listed(
    session: Session,
    context: Context,
    listed: Sequence[Listed],
    now: datetime,
    *,
    roles_count: bool,
) -> None:
    """Note who stands on the list: new ones join, whoever had left is active again.

    `roles_count` says whether the list's roles replace those that a launch told.
    """
    known = {
        row.person_id: row
        for row in session.execute(
            select(_memberships).where(
                _memberships.c.context_id == context.id,
                _memberships.c.person_id.in_([one.person_id for one in listed]),
            )
        )
    }
    for one in listed:
        row = known.get(one.person_id)
        values: dict[str, Any] = {"rostered_at": now}
        if row is None or roles_count or not row.launched:
            values["roles"] = sorted(role.value for role in one.roles)
            values["lti_roles"] = list(one.lti_roles)
        if row is None:
            session.execute(
                insert(_memberships).values(
                    id=uuid.uuid4(),
                    **owner_like(context),
                    context_id=context.id,
                    person_id=one.person_id,
                    state="active",
                    first_seen_at=now,
                    last_seen_at=NEVER_SEEN,
                    launched=False,
                    **values,
                )
            )
            continue
        if row.state != "active":
            values |= {"state": "active", "left_at": None}
        session.execute(update(_memberships).where(_memberships.c.id == row.id).values(**values))


def close_missing(
    session: Session, context: Context, here: Collection[uuid.UUID], now: datetime
) -> list[uuid.UUID]:
    """Close whoever was listed before and is not among `here`, the whole list; returns them."""
    rows = session.execute(
        select(Membership.person_id).where(
            Membership.context_id == context.id,
            Membership.state == "active",
            Membership.rostered_at.is_not(None),
        )
    )
    standing = set(here)
    return close(session, context, [row[0] for row in rows if row[0] not in standing], now)


def close(
    session: Session, context: Context, people: Iterable[uuid.UUID], now: datetime
) -> list[uuid.UUID]:
    """Close these people's memberships and tell it; returns those who were active."""
    closed: list[uuid.UUID] = []
    for some in _some(people):
        rows = session.execute(
            update(_memberships)
            .where(
                _memberships.c.context_id == context.id,
                _memberships.c.person_id.in_(some),
                _memberships.c.state == "active",
            )
            .values(state="left", left_at=now)
            .returning(_memberships.c.person_id)
        )
        closed += [row[0] for row in rows]
    for some in _some(closed):
        publish(
            session,
            LEFT_TOPIC,
            str(uuid.uuid4()),
            {"context_id": str(context.id), "person_ids": [str(one) for one in some]},
            organisation_id=context.owner_id,
        )
    return closed


def record_read(
    session: Session,
    context_id: uuid.UUID,
    now: datetime,
    *,
    whole: bool,
    differences_url: str | None,
    note: str | None,
) -> None:
    """Note that the list was read; `whole` where everybody on it was seen."""
    values: dict[str, Any] = {"roster_synced_at": now, "roster_note": note}
    values |= {"roster_full_at": now} if whole else {}
    values["roster_differences_url"] = differences_url
    session.execute(update(_contexts).where(_contexts.c.id == context_id).values(**values))


def record_unread(session: Session, context_id: uuid.UUID, note: str) -> None:
    """Note why the list could not be read; what was read before stays."""
    session.execute(
        update(_contexts)
        .where(_contexts.c.id == context_id)
        .values(roster_note=note[:1000], roster_differences_url=None)
    )


def lists(session: Session, now: datetime, *, most: int = 20) -> list[CourseList]:
    """The lists of the scope's courses that an LMS offers one for, the liveliest first."""
    seen = func.max(Membership.last_seen_at)
    rows = session.execute(
        select(
            Context.id,
            Context.title,
            func.sum(case((Membership.state == "active", 1), else_=0)),
            func.sum(
                case(((Membership.state == "active") & Membership.launched.is_(False), 1), else_=0)
            ),
            Context.roster_synced_at,
            Context.roster_note,
        )
        .join(Membership, Membership.context_id == Context.id)
        .where(Context.memberships_url.is_not(None), of_real_people(Membership.person_id))
        .group_by(Context.id, Context.title, Context.roster_synced_at, Context.roster_note)
        .having(seen > now - LIVELY)
        .order_by(seen.desc())
        .limit(most)
    ).all()
    return [CourseList(*row) for row in rows]


def context_of_scope(session: Session, context_id: uuid.UUID) -> Context:
    """The course, if the session's scope sees it. Raises NotFoundError."""
    found = session.scalar(select(Context).where(Context.id == context_id))
    if found is None:
        raise NotFoundError(_("There is no such course here."))
    return found


def _some(people: Iterable[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    rest = iter(people)
    while some := list(islice(rest, AT_A_TIME)):
        yield some
