"""Whoever leaves a course gives back what they hold there: their seats are open again at once."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.scope import Scope
from lti_tool.courses.models import Context
from lti_tool.evidence.models import Assignment, Revision, Submission
from lti_tool.review import desk
from lti_tool.review.models import ReviewSlot
from lti_tool.review.people import Reviewer


def release(
    session: Session, context_id: uuid.UUID, person_ids: Collection[uuid.UUID], now: datetime
) -> int:
    """Reopen the seats that these people hold in the course; returns how many.

    Drafts are kept, finished reviews stay. Who may go on reading by a grant, or has come back in
    the meantime, keeps their seat.
    """
    context = session.get(Context, context_id)
    if context is None:
        return 0
    held = session.execute(
        select(ReviewSlot.revision_id, ReviewSlot.reviewer_id)
        .join(Revision, Revision.id == ReviewSlot.revision_id)
        .join(Submission, Submission.id == Revision.submission_id)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(
            Assignment.context_id == context_id,
            ReviewSlot.state == "leased",
            ReviewSlot.reviewer_id.in_(person_ids),
        )
        .order_by(ReviewSlot.revision_id)
    ).all()
    scope = Scope(context.owner_id, context.owner_path)
    released = 0
    for revision_id, person_id in held:
        if person_id is None:
            continue
        who = Reviewer(person_id, scope, context_id, frozenset())
        if desk.still_allowed(session, who, revision_id, now) is not None:
            released += 1
    return released
