"""Two people turn out to be one: everything that names the second moves to the first, or nothing.

Locks, in the order that reviews, signing and the ledger take them: the undecided revisions of both,
the badges of the second, both people in id order, their enrolments. So a submission, a claim, a
decision, a signature or another connection of the same moment comes wholly before or wholly after.
What was written is not touched: reviews, decisions, facts and credentials keep every word.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from badges.awards import published_evidence
from badges.awards.models import Award, Credential
from badges.pathways.ledger import lock_enrolments
from badges.pathways.service import evaluate_person
from core import audit, outbox
from core.errors import ConflictError
from core.identity import Person
from core.scope import unscoped
from lti_tool.evidence.models import LIVE_STATES, Revision, Submission
from lti_tool.learning.accounts import moving, obstacles
from lti_tool.learning.accounts.locks import Turn, await_turn
from lti_tool.learning.accounts.places import AccountsOf
from lti_tool.review import desk
from lti_tool.review.models import Review, ReviewSlot

SETTLE: Final = "accounts.settle"
# Longer than a launch takes that began before: what it still wrote about the second is moved then.
SETTLED_AFTER: Final = timedelta(minutes=2)
_REASON = "both people have confirmed that they are one, whichever schools they came in through"
_FILLED = ("name", "given_name", "locale", "timezone")


class ChangedMeanwhileError(ConflictError):
    """Something was begun while the locks were taken; the caller tries the whole again."""

    default_code = "accounts_busy"

    def __init__(self) -> None:
        super().__init__(
            _("Something of yours was being saved at this very moment, so nothing was changed."),
            advice=_("Please confirm once more."),
        )


@dataclass(frozen=True)
class Merged:
    """What came of it: rows by table, and the awards that all facts together led to."""

    moved: dict[str, int]
    awards: tuple[Award, ...]


def merge(
    session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID, *, accounts_of: AccountsOf,
    now: datetime,
) -> Merged:  # fmt: skip
    """Join `gone_id` to `kept_id`, in this transaction; afterwards the former is a pointer.

    Raises KeptApartError with what is in the way, ChangedMeanwhileError to be tried again,
    ConflictError where either was joined to somebody already. Nothing is half-moved.
    """
    await_turn(session, Turn.MERGING)
    with unscoped(session, _REASON):
        kept, gone = _lock(session, kept_id, gone_id)
        found = obstacles.find(session, kept_id, gone_id, accounts_of(session, [kept_id, gone_id]))
        if found:
            raise obstacles.KeptApartError(found)
        _end_mutual_reading(session, kept_id, gone_id, now)
        moving.leave_doubled_enrolments(session, kept_id, gone_id)
        # Shown under an account that ends: whoever it is now looks at it again, and says so again.
        published_evidence.close_all(session, gone_id, kept_id, now)
        session.flush()
        moved = moving.move(session, kept_id, gone_id)
        _hand_over(session, kept, gone, now)
        session.flush()
        session.expire_all()
        awards = evaluate_person(session, kept_id, now)
        _note(session, kept, gone, moved, now)
    return Merged(moved, tuple(awards))


def settle(session: Session, gone_id: uuid.UUID) -> dict[str, int]:
    """Move what a launch under way still wrote about a person who was joined; by rows of tables."""
    with unscoped(session, _REASON):
        gone = session.scalar(
            select(Person).where(Person.id == gone_id).with_for_update(key_share=True)
        )
        if gone is None or gone.merged_into_id is None:
            return {}
        moved = moving.move(session, gone.merged_into_id, gone_id)
        _empty(gone)
        session.flush()
    return moved


def _lock(session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID) -> tuple[Person, Person]:
    pair = (kept_id, gone_id)
    undecided = (
        select(Revision.id)
        .join(Submission, Submission.id == Revision.submission_id)
        .where(Submission.person_id.in_(pair), Revision.state.in_(LIVE_STATES))
        .order_by(Revision.id)
    )
    locked = set(session.scalars(undecided.with_for_update(of=Revision, key_share=True)))
    session.execute(
        select(Credential.id)
        .where(Credential.person_id == gone_id)
        .order_by(Credential.id)
        .with_for_update(of=Credential)
    )
    people = {
        person.id: person
        for person in session.scalars(
            select(Person)
            .where(Person.id.in_(pair))
            .order_by(Person.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    }
    if len(people) < len(pair) or any(one.merged_into_id for one in people.values()):
        raise ConflictError(
            _("One of these accounts was connected meanwhile, so nothing was changed."),
            code="account_joined",
            advice=_("“My accounts” shows which accounts are yours now."),
        )
    if not set(session.scalars(undecided)) <= locked:
        raise ChangedMeanwhileError
    for person_id in sorted(pair):
        lock_enrolments(session, person_id)
    return people[kept_id], people[gone_id]


def _end_mutual_reading(
    session: Session, kept_id: uuid.UUID, gone_id: uuid.UUID, now: datetime
) -> None:
    """Nobody reads their own work: what one began to read of the other goes back to the queue.

    The draft of such a review goes with it; a finished one has kept the accounts apart before.
    """

    def of_the_other(reviewer: Any) -> Any:
        return or_(
            and_(reviewer == kept_id, Submission.person_id == gone_id),
            and_(reviewer == gone_id, Submission.person_id == kept_id),
        )

    slots = session.scalars(
        select(ReviewSlot)
        .join(Revision, Revision.id == ReviewSlot.revision_id)
        .join(Submission, Submission.id == Revision.submission_id)
        .where(ReviewSlot.state == "leased", of_the_other(ReviewSlot.reviewer_id))
        .order_by(ReviewSlot.id)
    ).unique()
    for slot in slots:
        desk.reopen(session, slot.revision, slot, "review.returned", now)
    drafts = session.scalars(
        select(Review.id)
        .join(Revision, Revision.id == Review.revision_id)
        .join(Submission, Submission.id == Revision.submission_id)
        .where(Review.submitted_at.is_(None), of_the_other(Review.reviewer_id))
    ).all()
    moving.drop_drafts(session, drafts)


def _hand_over(session: Session, kept: Person, gone: Person, now: datetime) -> None:
    """What the first account did not tell is taken from the second; the second keeps nothing."""
    for name in _FILLED:
        if getattr(kept, name) is None:
            setattr(kept, name, getattr(gone, name))
    if kept.email is None:
        kept.email, kept.email_verified_at = gone.email, gone.email_verified_at
    kept.updated_at = gone.updated_at = now
    gone.merged_into_id = kept.id
    _empty(gone)
    moving.readdress_jobs(session, kept.id, gone.id)
    outbox.publish(
        session,
        SETTLE,
        str(gone.id),
        {"gone": str(gone.id)},
        organisation_id=kept.owner_id,
        run_at=now + SETTLED_AFTER,
    )


def _empty(gone: Person) -> None:
    for name in (*_FILLED, "email", "email_verified_at"):
        setattr(gone, name, None)


def _note(
    session: Session, kept: Person, gone: Person, moved: dict[str, int], now: datetime
) -> None:
    """For both: each tree and each person finds it in their own history."""
    for person, action, other in (
        (kept, "account.took_over", gone),
        (gone, "account.joined", kept),
    ):
        audit.record(
            session,
            owner=person,
            actor_id=kept.id,
            action=action,
            subject=person,
            about_id=person.id,
            now=now,
            details={"other": str(other.id), "rows": moved},
        )
