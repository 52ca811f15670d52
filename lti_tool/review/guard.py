"""Who is left to read what: too few peers, too many reviews in one hand, and the tail guard."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import ConflictError
from core.identity import of_real_people
from lti_tool.courses.models import Context
from lti_tool.evidence.models import Assignment, Revision, Submission
from lti_tool.review.models import ConflictOfInterest, ReviewSlot
from lti_tool.review.people import LIVE, Reviewer, members_by_role, wanted_kind
from lti_tool.review.rules import KIND_ROLES, Kind, SlotState, claimable
from lti_tool.review.tail import Person, Work, may_claim

HELD_AT_ONCE: Final = 5
FEW_OPEN: Final = 30


def lock_course(session: Session, who: Reviewer) -> None:
    """Let claims in a course with few open slots meet one after the other (no-op on SQLite)."""
    if (
        who.context_id is not None
        and len(_open_slots(session, who, limit=FEW_OPEN + 1)) <= FEW_OPEN
    ):
        session.execute(
            select(Context.id).where(Context.id == who.context_id).with_for_update(key_share=True)
        )


def check(session: Session, who: Reviewer, revision: Revision, now: datetime) -> None:
    """Refuse a claim that takes too much, or takes the only reader of another revision.

    Raises ConflictError. Leases that have run out do not count against their holder.
    """
    held = session.scalar(
        select(func.count())
        .select_from(ReviewSlot)
        .where(
            ReviewSlot.reviewer_id == who.person_id,
            ReviewSlot.state == "leased",
            ReviewSlot.lease_until > now,
        )
    )
    if (held or 0) >= HELD_AT_ONCE:
        raise ConflictError(
            _(
                "You hold %(count)s reviews already. Finish one or give one back, then take the"
                " next.",
                count=HELD_AT_ONCE,
            ),
            code="too_many_held",
        )
    slots = _open_slots(session, who, limit=FEW_OPEN + 1)
    if len(slots) > FEW_OPEN or len({slot.revision_id for slot in slots}) < 2:
        return
    members = members_by_role(session, who.context_id)
    work = _work(session, who, slots, members)
    capacity = _capacity(session, {p for item in work for p in item.eligible}, now)
    here = next((item for item in work if item.revision == revision.id), None)
    if here is None or who.person_id not in here.eligible:
        return  # a coach who stands in, or an expired slot: outside this reckoning
    if not may_claim(work, capacity, revision.id, who.person_id):
        raise ConflictError(
            _("Another colleague can read this one; one of the others can only be read by you."),
            code="needed_elsewhere",
            advice=_("Please take one that has waited longer from your queue."),
        )


def peers_short(
    session: Session, revision: Revision, slots: Iterable[ReviewSlot], now: datetime
) -> bool:
    """Whether fewer colleagues are left who may read it than it has open seats for peers."""
    conflicted = _conflicted(session, [revision.submission_id]).get(revision.submission_id, set())
    members = members_by_role(session, revision.submission.assignment.context_id)
    return _short(revision, list(slots), members["teacher"] - conflicted, now)


def short_of_peers(session: Session, context_id: uuid.UUID | None, now: datetime) -> set[uuid.UUID]:
    """The undecided revisions of a course that have fewer colleagues left than seats for peers."""
    rows = session.scalars(
        select(ReviewSlot)
        .join(Revision, Revision.id == ReviewSlot.revision_id)
        .join(Submission, Submission.id == Revision.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(
            Assignment.context_id == context_id,
            Revision.state.in_(("submitted", "in_review")),
            Revision.policy["kind"].as_string() == Kind.PEER.value,
        )
    ).unique()
    by_revision: dict[uuid.UUID, list[ReviewSlot]] = {}
    for slot in rows:
        by_revision.setdefault(slot.revision_id, []).append(slot)
    teachers = members_by_role(session, context_id)["teacher"]
    conflicts = _conflicted(session, [s[0].revision.submission_id for s in by_revision.values()])
    return {
        revision_id
        for revision_id, slots in by_revision.items()
        if _short(
            slots[0].revision,
            slots,
            teachers - conflicts.get(slots[0].revision.submission_id, set()),
            now,
        )
    }


def _short(
    revision: Revision, slots: Sequence[ReviewSlot], teachers: set[uuid.UUID], now: datetime
) -> bool:
    seats = sum(
        1
        for slot in slots
        if wanted_kind(slot, revision) is Kind.PEER
        and claimable(SlotState(slot.state), slot.lease_until, now)
    )
    busy = {
        slot.reviewer_id
        for slot in slots
        if slot.state in LIVE and not claimable(SlotState(slot.state), slot.lease_until, now)
    }
    return len(teachers - busy - {revision.submission.person_id}) < seats


def _open_slots(session: Session, who: Reviewer, limit: int) -> list[ReviewSlot]:
    query = (
        select(ReviewSlot)
        .join(Revision, Revision.id == ReviewSlot.revision_id)
        .join(Submission, Submission.id == Revision.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(
            ReviewSlot.state == "open",
            Assignment.context_id == who.context_id,
            of_real_people(Submission.person_id),
        )
        .limit(limit)
    )
    return list(session.scalars(query))


def _work(
    session: Session,
    who: Reviewer,
    slots: Sequence[ReviewSlot],
    members: dict[str, set[uuid.UUID]],
) -> list[Work]:
    by_revision: dict[uuid.UUID, list[ReviewSlot]] = {}
    for slot in slots:
        by_revision.setdefault(slot.revision_id, []).append(slot)
    conflicts = _conflicted(session, [s[0].revision.submission_id for s in by_revision.values()])
    taken: dict[uuid.UUID, set[uuid.UUID]] = {}
    rows = session.execute(
        select(ReviewSlot.revision_id, ReviewSlot.reviewer_id).where(
            ReviewSlot.revision_id.in_(list(by_revision)), ReviewSlot.state.in_(LIVE)
        )
    )
    for revision_id, reviewer_id in rows:
        if reviewer_id is not None:
            taken.setdefault(revision_id, set()).add(reviewer_id)
    found = []
    for revision_id, seats in by_revision.items():
        revision = seats[0].revision
        people: set[uuid.UUID] = set()
        for role in KIND_ROLES[wanted_kind(seats[0], revision)]:
            people |= members.get(role, set())
            if role in who.roles:
                people.add(who.person_id)
        people -= conflicts.get(revision.submission_id, set())
        people -= taken.get(revision_id, set()) | {revision.submission.person_id}
        found.append(Work(revision_id, len(seats), frozenset(people)))
    return found


def _capacity(session: Session, persons: set[Person], now: datetime) -> dict[Person, int]:
    rows = session.execute(
        select(ReviewSlot.reviewer_id, func.count())
        .where(
            ReviewSlot.reviewer_id.in_(persons),
            ReviewSlot.state == "leased",
            ReviewSlot.lease_until > now,
        )
        .group_by(ReviewSlot.reviewer_id)
    )
    held: dict[Any, int] = {row[0]: row[1] for row in rows}
    return {person: max(HELD_AT_ONCE - held.get(person, 0), 0) for person in persons}


def _conflicted(
    session: Session, submission_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, set[uuid.UUID]]:
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    rows = session.execute(
        select(ConflictOfInterest.submission_id, ConflictOfInterest.reviewer_id).where(
            ConflictOfInterest.submission_id.in_(submission_ids)
        )
    )
    for submission_id, reviewer_id in rows:
        found.setdefault(submission_id, set()).add(reviewer_id)
    return found
