"""From the person of a visit to the reviewer they are."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.web.sessions import Principal
from lti_tool.review.people import Reviewer, reviewer


def reviewer_of(session: Session, who: Principal) -> Reviewer:
    """The visit's person as a reviewer."""
    return reviewer(
        session,
        person_id=who.person_id,
        scope=who.scope,
        context_id=who.context_id,
        roles=who.roles,
    )
