"""What an account holds, in numbers, before it is joined to another."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from badges.awards.models import Award
from core.identity import Role, RoleGrant
from core.scope import unscoped
from lti_tool.courses.models import Membership
from lti_tool.evidence.models import Submission
from lti_tool.review.models import Review


@dataclass(frozen=True)
class Holdings:
    """How many of each; `roles` are those granted beyond courses."""

    courses: int
    evidence: int
    reviews: int
    badges: int
    roles: tuple[Role, ...]


def holdings(session: Session, person_id: uuid.UUID) -> Holdings:
    """Count what names the person."""
    with unscoped(session, "one's own rows, or those of the account that is being connected"):
        roles = session.scalars(
            select(RoleGrant.role)
            .where(RoleGrant.person_id == person_id, RoleGrant.ended_at.is_(None))
            .distinct()
        ).all()
        return Holdings(
            courses=_count(
                session,
                select(func.count(Membership.id)).where(
                    Membership.person_id == person_id, Membership.state == "active"
                ),
            ),
            evidence=_count(
                session, select(func.count(Submission.id)).where(Submission.person_id == person_id)
            ),
            reviews=_count(
                session,
                select(func.count(Review.id)).where(
                    Review.reviewer_id == person_id, Review.submitted_at.is_not(None)
                ),
            ),
            badges=_count(
                session, select(func.count(Award.id)).where(Award.person_id == person_id)
            ),
            roles=tuple(sorted(Role(role) for role in roles)),
        )


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(query) or 0
