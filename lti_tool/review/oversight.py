"""Who may open a colleague's sent work without reviewing it: coaches of its course, and leads.

Drafts are nobody's but their author's, and so is what was taken back. Work whose reviewers may not
know its author is closed to whoever could still review it or its next revision, until it is met:
they see where it stands, and may open it by leaving its review to others.
"""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from core.errors import NotAllowedError
from core.identity import Role, owner_like
from lti_tool.evidence.models import Assignment, Revision
from lti_tool.evidence.reading import lock_revision, revisions
from lti_tool.review import blind, desk, people
from lti_tool.review.models import ConflictOfInterest
from lti_tool.review.people import Reviewer


def oversees(who: Reviewer, assignment: Assignment) -> bool:
    """Whether the assignment is of a course that this person coaches, or below a lead's place."""
    here = assignment.context_id is not None and assignment.context_id == who.context_id
    if Role.LEAD.value in who.roles:
        return here or assignment.owner_path.startswith(who.scope.path)
    return here and Role.COACH.value in who.roles


def require(who: Reviewer, assignment: Assignment) -> None:
    """Raise NotAllowedError for who oversees no such work."""
    if not oversees(who, assignment):
        raise foreign()


def foreign() -> NotAllowedError:
    """The one answer for work of another course, and for colleagues."""
    return NotAllowedError(
        _("This is work of somebody whom you do not coach here."),
        code="review_foreign",
        advice=_("Open it from the gradebook of the course in which it was sent."),
    )


def is_closed(session: Session, who: Reviewer, revision: Revision) -> bool:
    """Whether knowing the author would spoil a review that this person may still give."""
    return (
        blind.hides_author(revision)
        and revisions(session, revision.submission_id)[0].state != "met"
        and not people.has_conflict(session, who.person_id, revision)
    )


def may_open(session: Session, who: Reviewer, revision: Revision) -> bool:
    """Whether this person may read what was sent."""
    return (
        revision.state not in ("draft", "withdrawn")
        and oversees(who, revision.submission.assignment)
        and not is_closed(session, who, revision)
    )


def step_aside(session: Session, who: Reviewer, revision: Revision, now: datetime) -> None:
    """Leave the review of this work, in all its revisions, to others. Idempotent.

    A slot that is held goes back into the queue. Raises NotAllowedError for who oversees it not.
    """
    require(who, revision.submission.assignment)
    locked = lock_revision(session, revision.id)
    if people.has_conflict(session, who.person_id, locked):
        return
    slot = desk.own_slot(desk.slots_of(session, locked.id), who.person_id)
    if slot is not None and slot.state == "leased":
        desk.declare_conflict(session, who, locked.id, now)
        return
    session.add(
        ConflictOfInterest(
            **owner_like(locked),
            reviewer_id=who.person_id,
            submission_id=locked.submission_id,
            declared_at=now,
        )
    )
    session.flush()
