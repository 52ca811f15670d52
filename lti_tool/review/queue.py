"""The queue: what waits for this reviewer, oldest first, and what they have begun."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from core.identity import Role, of_real_people
from lti_tool.evidence.models import Assignment, Revision, Submission
from lti_tool.review import blind, desk, guard, people
from lti_tool.review.models import Review, ReviewSlot
from lti_tool.review.people import Reviewer, in_reach, kind_for, wanted_kind
from lti_tool.review.rules import Kind, Refusal, SlotState, claimable
from lti_tool.review.scoring import scored

PAGE: Final = 25
_AUTHOR: Final = Submission.person_id


@dataclass(frozen=True)
class Entry:
    """One revision in the queue, as this reviewer may know it.

    `state` is mine, open, needs_coach, disputed (an adjudicator is asked), held or closed; `until`
    is when a lease ends; `why` says why they may not take it. `scored` of `criteria` are in their
    draft. `test` marks the work of a test student, which nobody has to read.
    """

    revision_id: uuid.UUID
    label: str
    blind: bool
    title: str
    n: int
    since: datetime
    state: str
    until: datetime | None = None
    expired: bool = False
    why: Refusal | None = None
    scored: int = 0
    criteria: int = 0
    test: bool = False


@dataclass(frozen=True)
class Queue:
    """A page of the queue: what is begun, what waits, and how many people wait in all.

    `total`, `takeable` and `done` leave out test students, whose work stands last.
    """

    mine: tuple[Entry, ...]
    waiting: tuple[Entry, ...]
    total: int
    takeable: int
    page: int
    pages: int
    choices: tuple[tuple[uuid.UUID, str], ...]
    done: int


def queue(
    session: Session,
    who: Reviewer,
    now: datetime,
    *,
    page: int = 1,
    achievement_id: uuid.UUID | None = None,
) -> Queue:
    """The reviewer's queue. Their own work and what they finished are not in it."""
    mine = _mine(session, who)
    short: set[uuid.UUID] = set()
    if Role.COACH.value in who.roles:
        short = guard.short_of_peers(session, who.context_id, now)
    base = _waiting(who, short).where(Revision.id.not_in([one.id for one in mine]))
    choices = _choices(session, base)
    if achievement_id is not None:
        base = base.where(Assignment.achievement_id == achievement_id)
    listed = _count(session, base)
    total = _count(session, base.where(of_real_people(_AUTHOR)))
    last = max(1, -(-listed // PAGE))
    page = min(max(page, 1), last)
    rows = session.scalars(
        select(Revision)
        .join(Submission, Submission.id == Revision.submission_id)
        .where(Revision.id.in_(base))
        .order_by(of_real_people(_AUTHOR).desc(), Revision.submitted_at, Revision.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).unique()
    waiting = [_entry(session, who, one, now) for one in rows]
    return Queue(
        mine=tuple(_entry(session, who, one, now) for one in mine),
        waiting=tuple(waiting),
        total=total,
        takeable=sum(
            1
            for one in waiting
            if one.state in ("open", "needs_coach", "disputed") and not one.test
        ),
        page=page,
        pages=last,
        choices=choices,
        done=_done(session, who),
    )


def _count(session: Session, base: Select[uuid.UUID]) -> int:
    return session.scalar(select(func.count()).select_from(base.subquery())) or 0


def _mine(session: Session, who: Reviewer) -> list[Revision]:
    """What the reviewer holds, the lease that ends first at the top."""
    query = (
        select(Revision)
        .join(ReviewSlot, ReviewSlot.revision_id == Revision.id)
        .where(ReviewSlot.reviewer_id == who.person_id, ReviewSlot.state == "leased")
        .order_by(ReviewSlot.lease_until)
    )
    return list(session.scalars(query).unique())


def _waiting(who: Reviewer, short: set[uuid.UUID]) -> Select[uuid.UUID]:
    """Ids of undecided revisions in reach that still have a seat for this reviewer."""
    reach: ColumnElement[bool] = Assignment.context_id == who.context_id
    if who.context_id is None:
        reach = and_(
            Assignment.context_id.is_(None), Assignment.owner_id == who.scope.organisation_id
        )
    elsewhere: ColumnElement[bool] = false()
    if Role.LEAD.value in who.roles:
        elsewhere = ReviewSlot.kind == Kind.ADJUDICATOR.value
    return (
        select(Revision.id)
        .join(Submission, Submission.id == Revision.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .join(ReviewSlot, ReviewSlot.revision_id == Revision.id)
        .where(
            Revision.state.in_(desk.UNDECIDED),
            Submission.person_id != who.person_id,
            ReviewSlot.state.in_(("open", "leased")),
            or_(reach, elsewhere),
            or_(_seats(who, short), elsewhere),
        )
        .distinct()
    )


def _seats(who: Reviewer, short: set[uuid.UUID]) -> ColumnElement[bool]:
    """The seats that are this reviewer's to take: coaches also where peers are too few (`short`).

    What the policy asks for counts, not who holds the seat: a coach may stand in for a peer.
    """
    asked = Revision.policy["kind"].as_string()
    regular = ReviewSlot.kind != Kind.ADJUDICATOR.value
    found: list[ColumnElement[bool]] = [false()]
    if Role.TEACHER.value in who.roles:
        found.append(and_(regular, asked == Kind.PEER.value))
    if Role.COACH.value in who.roles:
        found.append(and_(regular, or_(asked == Kind.COACH.value, Revision.id.in_(short))))
        found.append(ReviewSlot.kind == Kind.ADJUDICATOR.value)
    return or_(*found)


def _choices(session: Session, base: Select[uuid.UUID]) -> tuple[tuple[uuid.UUID, str], ...]:
    """The micro-credentials that something waits for, for the filter."""
    rows = session.scalars(
        select(Revision.achievement_version_id).where(Revision.id.in_(base)).distinct()
    )
    found: dict[uuid.UUID, str] = {}
    for version_id in rows:
        version = achievements.version(session, version_id)
        found[version.achievement_id] = achievements.micro_credential(version).name
    return tuple(sorted(found.items(), key=lambda pair: pair[1]))


def _entry(session: Session, who: Reviewer, revision: Revision, now: datetime) -> Entry:
    slots = desk.slots_of(session, revision.id)
    document = achievements.micro_credential(revision.achievement_version)
    mine = desk.own_slot(slots, who.person_id)
    draft = session.scalar(
        select(Review).where(
            Review.revision_id == revision.id,
            Review.reviewer_id == who.person_id,
            Review.submitted_at.is_(None),
        )
    )
    facts: dict[str, Any] = {
        "revision_id": revision.id,
        "label": blind.name(session, revision),
        "blind": blind.hides_author(revision),
        "title": document.name,
        "n": revision.n,
        "since": revision.submitted_at,
        "scored": scored(draft, document.rubric.criteria),
        "criteria": len(document.rubric.criteria),
        "test": blind.of_test_student(session, revision),
    }
    if mine is not None and mine.state == "leased":
        expired = mine.lease_until is not None and mine.lease_until <= now
        return Entry(**facts, state="mine", until=mine.lease_until, expired=expired)
    free = [
        one
        for one in slots
        if claimable(SlotState(one.state), one.lease_until, now)
        and in_reach(who, revision.submission.assignment, wanted_kind(one, revision))
    ]
    if not free:
        ends = [one.lease_until for one in slots if one.state == "leased" and one.lease_until]
        return Entry(**facts, state="held", until=min(ends, default=None))
    return _free_entry(session, who, revision, slots, free, facts, now)


def _free_entry(
    session: Session,
    who: Reviewer,
    revision: Revision,
    slots: Sequence[ReviewSlot],
    free: Sequence[ReviewSlot],
    facts: dict[str, Any],
    now: datetime,
) -> Entry:
    short = guard.peers_short(session, revision, slots, now)
    why: Refusal | None = None
    for slot in free:
        wanted = wanted_kind(slot, revision)
        kind = kind_for(who, wanted, peers_short=short)
        why = people.refusal(session, who, revision, slots, kind)
        if why is None:
            disputed = wanted is Kind.ADJUDICATOR
            stands_in = kind is not wanted
            state = "disputed" if disputed else "needs_coach" if stands_in else "open"
            return Entry(**facts, state=state)
    return Entry(**facts, state="closed", why=why)


def _done(session: Session, who: Reviewer) -> int:
    """How many reviews of people's work this person has finished."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Review)
            .join(Revision, Revision.id == Review.revision_id)
            .join(Submission, Submission.id == Revision.submission_id)
            .where(
                of_real_people(_AUTHOR),
                Review.reviewer_id == who.person_id,
                Review.submitted_at.is_not(None),
            )
        )
        or 0
    )
