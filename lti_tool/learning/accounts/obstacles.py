"""What keeps two accounts apart: found before anything is moved, and said in words on the page.

A person's work on a micro-credential is one story. Where both accounts have their own, joining them
would have to choose between two, and history is not edited; so people sort it out first.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from badges.achievements.models import Achievement, AchievementVersion
from badges.awards.models import Award
from core.errors import ConflictError
from core.scope import unscoped
from lti_tool.evidence.models import Assignment, EvidenceItem, Revision, Submission
from lti_tool.learning.accounts.places import Account
from lti_tool.review.models import Review, ReviewSlot

_REASON = "two accounts of one person, who has confirmed both or is about to"
_HOLDING = ("leased", "submitted", "released")


@dataclass(frozen=True)
class Obstacle:
    """One reason: `kind` is same_lms, own_work, own_reviews or both_read; `about` what it is of."""

    kind: str
    about: str


class KeptApartError(ConflictError):
    """The accounts cannot be joined as they are; `obstacles` says why. Nothing was changed."""

    default_code = "accounts_kept_apart"

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(
            _("These accounts cannot be connected yet, so nothing was changed."),
            advice=_("Your page “My accounts” says what is in the way."),
        )
        self.obstacles = tuple(obstacles)


def find(
    session: Session, first: uuid.UUID, second: uuid.UUID, accounts: Iterable[Account]
) -> list[Obstacle]:
    """Everything that keeps the two apart; empty where they can be joined."""
    with unscoped(session, _REASON):
        found = [Obstacle("same_lms", name) for name in _shared_platforms(first, second, accounts)]
        both = own(session, first) & own(session, second)
        both |= _same_assignment(session, first, second)
        for kind, achievements in (
            ("own_work", both),
            ("own_reviews", _reviewed(session, first, second)),
            ("both_read", _both_read(session, first, second)),
        ):
            found += [Obstacle(kind, name) for name in _names(session, achievements)]
    return found


def own(session: Session, person_id: uuid.UUID) -> set[uuid.UUID]:
    """Micro-credentials (by achievement) that the person has work on, or the badge or offer of.

    A draft with nothing in it is no work yet, and neither is what was taken back undecided.
    """
    rows = session.execute(
        select(Assignment.achievement_id, Revision.id, Revision.state, Revision.texts)
        .select_from(Revision)
        .join(Submission, Submission.id == Revision.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(Submission.person_id == person_id, Revision.state != "withdrawn")
    ).all()
    blank = {
        row.id
        for row in rows
        if row.state == "draft" and not any(str(text).strip() for text in row.texts.values())
    }
    filled = set(
        session.scalars(
            select(EvidenceItem.revision_id).where(EvidenceItem.revision_id.in_(blank)).distinct()
        )
    )
    work = {row.achievement_id for row in rows if row.id not in blank - filled}
    return work | set(
        session.scalars(select(Award.achievement_id).where(Award.person_id == person_id))
    )


def _shared_platforms(
    first: uuid.UUID, second: uuid.UUID, accounts: Iterable[Account]
) -> list[str]:
    names: dict[uuid.UUID, dict[uuid.UUID, str]] = {first: {}, second: {}}
    for account in accounts:
        names[account.person_id][account.platform_id] = account.platform
    return sorted(names[first][one] for one in names[first].keys() & names[second].keys())


def _same_assignment(session: Session, first: uuid.UUID, second: uuid.UUID) -> set[uuid.UUID]:
    """One person has one submission on an assignment, however little is in it."""
    rows = session.execute(
        select(Submission.assignment_id, Assignment.achievement_id, Submission.person_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(Submission.person_id.in_((first, second)))
    ).all()
    theirs = {row.assignment_id for row in rows if row.person_id == first}
    return {
        row.achievement_id
        for row in rows
        if row.person_id == second and row.assignment_id in theirs
    }


def _reviewed(session: Session, first: uuid.UUID, second: uuid.UUID) -> set[uuid.UUID]:
    """Where one of them has reviewed the other: a decision that rests on it cannot be undone."""
    return set(
        session.scalars(
            select(Assignment.achievement_id)
            .select_from(Review)
            .join(Revision, Revision.id == Review.revision_id)
            .join(Submission, Submission.id == Revision.submission_id)
            .join(Assignment, Assignment.id == Submission.assignment_id)
            .where(
                Review.submitted_at.is_not(None),
                or_(
                    and_(Review.reviewer_id == first, Submission.person_id == second),
                    and_(Review.reviewer_id == second, Submission.person_id == first),
                ),
            )
        )
    )


def _both_read(session: Session, first: uuid.UUID, second: uuid.UUID) -> set[uuid.UUID]:
    """Where both have read, or are reading, the same work: two reviews by one person are one."""
    readers: dict[uuid.UUID, set[Any]] = {}
    slots = select(ReviewSlot.revision_id, ReviewSlot.reviewer_id).where(
        ReviewSlot.reviewer_id.in_((first, second)), ReviewSlot.state.in_(_HOLDING)
    )
    reviews = select(Review.revision_id, Review.reviewer_id).where(
        Review.reviewer_id.in_((first, second))
    )
    for query in (slots, reviews):
        for row in session.execute(query):
            readers.setdefault(row.revision_id, set()).add(row.reviewer_id)
    twice = [revision_id for revision_id, who in readers.items() if len(who) > 1]
    return set(
        session.scalars(
            select(Assignment.achievement_id)
            .select_from(Revision)
            .join(Submission, Submission.id == Revision.submission_id)
            .join(Assignment, Assignment.id == Submission.assignment_id)
            .where(Revision.id.in_(twice))
        )
    )


def _names(session: Session, achievements: set[uuid.UUID]) -> list[str]:
    documents = session.scalars(
        select(AchievementVersion.document)
        .join(Achievement, Achievement.current_version_id == AchievementVersion.id)
        .where(Achievement.id.in_(achievements))
    )
    return sorted(str(document["name"]) for document in documents)
