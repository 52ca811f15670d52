"""What a lead needs to know of the LMS: its course lists, and grades that it kept as they were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lti_tool.courses import rosters
from lti_tool.courses.rosters import CourseList
from lti_tool.evidence.models import Event
from lti_tool.review.jobs import GRADE_KEPT

KEPT_DAYS: Final = 30


@dataclass(frozen=True)
class FromLms:
    """Course lists of the scope, and how many scores of the last month a gradebook did not take
    because somebody had changed the grade there.
    """

    lists: tuple[CourseList, ...]
    kept: int


def from_lms(session: Session, now: datetime) -> FromLms:
    """Count and list, within the session's scope."""
    kept = session.scalar(
        select(func.count(Event.id)).where(
            Event.kind == GRADE_KEPT, Event.at > now - timedelta(days=KEPT_DAYS)
        )
    )
    return FromLms(tuple(rosters.lists(session, now)), kept or 0)
