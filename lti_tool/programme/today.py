"""What waits for a programme lead today, counted from the rows that say so."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from badges.achievements.models import AchievementVersion
from badges.achievements.service import published
from badges.awards.models import Award
from core.identity import of_real_people
from lti_tool.evidence.models import Assignment, Revision, Submission
from lti_tool.review.models import ReviewSlot


@dataclass(frozen=True)
class WaitingWork:
    """One micro-credential's unfilled review seats: how many, and since when the oldest."""

    achievement_id: uuid.UUID
    name: str
    kind: str
    open_slots: int
    oldest: datetime


@dataclass(frozen=True)
class Today:
    """Everything the page shows."""

    waiting: tuple[WaitingWork, ...]
    in_review: int
    offers: int
    catalogue: tuple[AchievementVersion, ...]

    @property
    def open_slots(self) -> int:
        """All seats without a reviewer."""
        return sum(item.open_slots for item in self.waiting)


def today(session: Session) -> Today:
    """Count, within the session's scope; test students of an LMS are left out."""
    rows = session.execute(
        select(
            Assignment.achievement_id,
            ReviewSlot.kind,
            func.count(ReviewSlot.id),
            func.min(Revision.submitted_at),
        )
        .select_from(ReviewSlot)
        .join(Revision, Revision.id == ReviewSlot.revision_id)
        .join(Submission, Submission.id == Revision.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(ReviewSlot.state == "open", of_real_people(Submission.person_id))
        .group_by(Assignment.achievement_id, ReviewSlot.kind)
        .order_by(func.min(Revision.submitted_at))
    ).all()
    catalogue = tuple(published(session))
    names = {version.achievement_id: str(version.document["name"]) for version in catalogue}
    waiting = tuple(
        WaitingWork(achievement_id, names.get(achievement_id, "-"), kind, number, oldest)
        for achievement_id, kind, number, oldest in rows
        if oldest is not None
    )
    in_review = session.scalar(
        select(func.count(Revision.id))
        .join(Submission, Submission.id == Revision.submission_id)
        .where(
            Revision.state.in_(("in_review", "adjudicating")),
            of_real_people(Submission.person_id),
        )
    )
    offers = session.scalar(
        select(func.count(Award.id)).where(
            Award.state == "offered", of_real_people(Award.person_id)
        )
    )
    return Today(waiting, in_review or 0, offers or 0, catalogue)
