"""Taking a review and giving it back: slots, leases, conflicts.

Every change locks the revision's row first; a course near its end is locked before it, for the tail
guard. The change of a slot itself is conditional, so a lease that its holder extends in the same
moment is not lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.orm import Session

from core.errors import ConflictError, NotAllowedError, NotFoundError
from core.identity import joined, joined_meanwhile, of_real_people, owner_like
from lti_tool.evidence.models import Assignment, Revision, Submission
from lti_tool.evidence.reading import lock_revision, note
from lti_tool.evidence.states import move
from lti_tool.review import guard, people
from lti_tool.review.models import ConflictOfInterest, ReviewSlot
from lti_tool.review.people import Reviewer, in_reach, kind_for, wanted_kind
from lti_tool.review.rules import (
    LEASE,
    Kind,
    Refusal,
    RevisionState,
    SlotState,
    claimable,
)

UNDECIDED: Final = ("submitted", "in_review", "adjudicating")
MOST_TRIED: Final = 50


def slots_of(session: Session, revision_id: uuid.UUID) -> list[ReviewSlot]:
    """The revision's slots, oldest first, freshly read."""
    return list(
        session.scalars(
            select(ReviewSlot)
            .where(ReviewSlot.revision_id == revision_id)
            .order_by(ReviewSlot.round, ReviewSlot.created_at, ReviewSlot.id)
            .execution_options(populate_existing=True)
        )
    )


def own_slot(slots: Sequence[ReviewSlot], person_id: uuid.UUID) -> ReviewSlot | None:
    """The live slot that the person holds or has submitted on."""
    return next(
        (one for one in slots if one.reviewer_id == person_id and one.state in people.LIVE), None
    )


def not_found() -> NotFoundError:
    """The one answer for what is not there or not this reviewer's to know of."""
    return NotFoundError(
        _("There is nothing to review at this address, or it is not yours to see."),
        advice=_("Your queue shows what you can read."),
    )


def claim(session: Session, who: Reviewer, revision_id: uuid.UUID, now: datetime) -> ReviewSlot:
    """Take one slot of the revision, for 72 hours; again by its holder: the same slot.

    A slot whose lease has run out may be taken like an open one. Raises NotFoundError out of reach,
    NotAllowedError with the reason where this person may not read it, ConflictError when a
    colleague was faster, when this reviewer holds too many, or when another revision needs them.
    """
    guard.lock_course(session, who)
    return _claim(session, who, revision_id, now)


def _claim(session: Session, who: Reviewer, revision_id: uuid.UUID, now: datetime) -> ReviewSlot:
    revision = lock_revision(session, revision_id)
    if joined(session, who.person_id, lock=True) is not None:
        raise joined_meanwhile()
    slots = slots_of(session, revision.id)
    mine = own_slot(slots, who.person_id)
    if mine is not None and mine.state == "leased":
        return _renew(session, mine, now)
    if not any(
        in_reach(who, revision.submission.assignment, wanted_kind(slot, revision)) for slot in slots
    ):
        raise not_found()
    if revision.state not in UNDECIDED:
        raise _over()
    candidates = [
        slot
        for slot in slots
        if claimable(SlotState(slot.state), slot.lease_until, now)
        and in_reach(who, revision.submission.assignment, wanted_kind(slot, revision))
    ]
    if not candidates:
        if mine is not None:
            raise people.refuse(Refusal.ALREADY_REVIEWING)
        raise _taken()
    short = guard.peers_short(session, revision, slots, now)
    slot, kind = _pick(session, who, revision, slots, candidates, short)
    guard.check(session, who, revision, now)
    if not _take(session, slot, who, kind, now):
        raise _taken()
    if revision.state == "submitted":
        move(revision, RevisionState.IN_REVIEW)
    note(session, revision, "review.begun", actor_id=who.person_id, now=now, role=kind.value)
    session.flush()
    return slot


def claim_next(session: Session, who: Reviewer, now: datetime) -> ReviewSlot | None:
    """Take the slot that has waited longest among those this reviewer may take; None without any.

    First reviews come before second ones. Nobody is given a test student's work: who wants to read
    that takes it from the queue. Rows that a colleague is just taking are skipped at first
    (PostgreSQL: SKIP LOCKED; SQLite has one writer at a time).
    """
    guard.lock_course(session, who)
    tried: set[uuid.UUID] = set()
    for skip_locked in (True, False):
        while len(tried) < MOST_TRIED:
            try:
                # A refusal rolls back to here and gives up the row's lock: who kept the locks of
                # what they may not take, and then waited, would hold up others who do the same.
                with session.begin_nested():
                    revision_id = session.scalar(_oldest(who, tried, now, skip_locked=skip_locked))
                    if revision_id is None:
                        break
                    tried.add(revision_id)
                    return _claim(session, who, revision_id, now)
            except (ConflictError, NotAllowedError, NotFoundError):
                continue
    return None


def _oldest(
    who: Reviewer, tried: set[uuid.UUID], now: datetime, *, skip_locked: bool
) -> Select[uuid.UUID]:
    reach = Assignment.context_id == who.context_id
    own = select(ReviewSlot.revision_id).where(
        ReviewSlot.reviewer_id == who.person_id, ReviewSlot.state.in_(people.LIVE)
    )
    return (
        select(Revision.id)
        .join(Submission, Submission.id == Revision.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .join(ReviewSlot, ReviewSlot.revision_id == Revision.id)
        .where(
            Revision.state.in_(UNDECIDED),
            Revision.id.not_in(tried),
            Revision.id.not_in(own),
            Submission.person_id != who.person_id,
            of_real_people(Submission.person_id),
            _claimable(now),
            or_(reach, ReviewSlot.kind == "adjudicator"),
        )
        .order_by(Revision.state.desc(), Revision.submitted_at, Revision.id)
        .with_for_update(of=Revision, key_share=True, skip_locked=skip_locked)
        .limit(1)
    )


def _claimable(now: datetime) -> ColumnElement[bool]:
    return or_(
        ReviewSlot.state == "open",
        and_(ReviewSlot.state == "leased", ReviewSlot.lease_until <= now),
    )


def _pick(
    session: Session,
    who: Reviewer,
    revision: Revision,
    slots: Sequence[ReviewSlot],
    candidates: Sequence[ReviewSlot],
    peers_short: bool,
) -> tuple[ReviewSlot, Kind]:
    why: Refusal | None = None
    for slot in candidates:
        kind = kind_for(who, wanted_kind(slot, revision), peers_short=peers_short)
        why = people.refusal(session, who, revision, slots, kind)
        if why is None:
            return slot, kind
    assert why is not None  # noqa: S101 - there was a candidate, and it was refused
    raise people.refuse(why)


def _take(session: Session, slot: ReviewSlot, who: Reviewer, kind: Kind, now: datetime) -> bool:
    taken = session.execute(
        update(ReviewSlot)
        .where(ReviewSlot.id == slot.id, _claimable(now))
        .values(
            state="leased",
            kind=kind.value,
            reviewer_id=who.person_id,
            leased_at=now,
            lease_until=now + LEASE,
            lease_token=uuid.uuid4(),
        )
        .execution_options(synchronize_session=False)
    )
    session.refresh(slot)
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def _renew(session: Session, slot: ReviewSlot, now: datetime) -> ReviewSlot:
    slot.lease_until = now + LEASE
    session.flush()
    return slot


def give_back(session: Session, who: Reviewer, revision_id: uuid.UUID, now: datetime) -> None:
    """Put the reviewer's slot back into the queue; the draft is kept. Idempotent."""
    revision = lock_revision(session, revision_id)
    slot = own_slot(slots_of(session, revision.id), who.person_id)
    if slot is None:
        return
    if slot.state != "leased":
        raise ConflictError(
            _("This review is finished, so it can no longer be given back."),
            code="review_finished",
        )
    reopen(session, revision, slot, "review.returned", now)


def declare_conflict(
    session: Session, who: Reviewer, revision_id: uuid.UUID, now: datetime
) -> None:
    """The reviewer knows whose work this is: noted for all its revisions, the slot reopened.

    Raises NotFoundError for who holds no slot here, ConflictError after the review was finished.
    """
    revision = lock_revision(session, revision_id)
    slot = own_slot(slots_of(session, revision.id), who.person_id)
    if slot is None:
        if people.has_conflict(session, who.person_id, revision):
            return
        raise not_found()
    if slot.state != "leased":
        raise ConflictError(
            _("This review is finished. Tell your programme lead that you know whose work it is."),
            code="review_finished",
        )
    session.add(
        ConflictOfInterest(
            **owner_like(revision),
            reviewer_id=who.person_id,
            submission_id=revision.submission_id,
            declared_at=now,
        )
    )
    reopen(session, revision, slot, "review.conflict", now)


def reopen(
    session: Session, revision: Revision, slot: ReviewSlot, kind: str, now: datetime
) -> None:
    """Make a held slot open again (its revision is locked), and say why in an event."""
    actor = slot.reviewer_id
    slot.state, slot.reviewer_id, slot.lease_until, slot.lease_token = "open", None, None, None
    slot.leased_at = None
    slot.kind = wanted_kind(slot, revision).value
    session.flush()
    note(session, revision, kind, actor_id=actor, now=now)
    session.flush()


def why_ended(
    session: Session, who: Reviewer, revision: Revision, slot: ReviewSlot | None
) -> Refusal | None:
    """Why the holder of a slot may not go on, as their role where the work is has ended; or None.

    From which course they came in just now does not matter. Changes nothing.
    """
    if slot is None or slot.state != "leased":
        return None
    there = people.where_the_work_is(session, who, revision.submission.assignment)
    return people.refusal(session, there, revision, (), Kind(slot.kind))


def still_allowed(
    session: Session, who: Reviewer, revision_id: uuid.UUID, now: datetime
) -> Refusal | None:
    """Whether a holder may go on; if their role is gone the slot reopens and the reason comes back.

    The caller commits, then raises: a refusal raised in here would undo the reopening.
    """
    revision = lock_revision(session, revision_id)
    slot = own_slot(slots_of(session, revision.id), who.person_id)
    why = why_ended(session, who, revision, slot)
    if why is not None and slot is not None:
        reopen(session, revision, slot, "review.role_ended", now)
    return why


def _taken() -> ConflictError:
    return ConflictError(
        _("A colleague has just taken this one."),
        code="slot_taken",
        advice=_("Your queue shows what is still waiting."),
    )


def _over() -> ConflictError:
    return ConflictError(
        _("This no longer waits for reviews: it was decided, or its author took it back."),
        code="review_over",
        advice=_("Your queue shows what is still waiting."),
    )
