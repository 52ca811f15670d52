"""A learner's sent work as a coach or lead may see it, and who looked.

Submission Review 1.0 leads here, and so does the address of one submission (Canvas' SpeedGrader).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from core import audit
from core.errors import NotFoundError
from core.identity import Person, Role
from core.scope import unscoped
from core.web.calling import teacher
from lti_tool.courses import service as courses
from lti_tool.evidence import reading
from lti_tool.evidence.models import Assignment, Revision, Submission
from lti_tool.review import deciding, feedback, oversight
from lti_tool.review.feedback import Feedback, Waiting
from lti_tool.review.people import Reviewer

OPENED, LOOKED = "evidence.viewed", "submission.state_viewed"


@dataclass(frozen=True)
class SeenRevision:
    """One sent revision: what was sent and said where it is `open`, else where it stands alone."""

    revision: Revision
    open: bool
    waiting: Waiting | None
    feedback: Feedback | None


@dataclass(frozen=True)
class SeenWork:
    """A submission: whose, for what, and its sent revisions, newest first."""

    submission: Submission
    title: str
    name: str
    is_test: bool
    revisions: tuple[SeenRevision, ...]


@dataclass(frozen=True)
class SentWork:
    """One line of a learner's work in a course."""

    submission_id: uuid.UUID
    title: str
    state: str
    submitted_at: datetime


def submission(session: Session, submission_id: uuid.UUID) -> Submission:
    """The submission with that id. Raises NotFoundError."""
    found = session.scalar(select(Submission).where(Submission.id == submission_id))
    if found is None:
        raise NotFoundError(_("There is no such work here."))
    return found


def name_of(session: Session, person_id: uuid.UUID) -> str:
    """What the person is called; a mark that stays with them where the LMS sent no name."""
    return teacher(_person(session, person_id).name, person_id)


def is_test_student(session: Session, person_id: uuid.UUID) -> bool:
    """Whether an LMS invented this learner."""
    return _person(session, person_id).is_test


def _person(session: Session, person_id: uuid.UUID) -> Person:
    with unscoped(session, "a learner of the course, who may belong above it"):
        found = session.get(Person, person_id)
    if found is None:
        raise NotFoundError(_("There is no such person here."))
    return found


def check_learner(session: Session, who: Reviewer, person_id: uuid.UUID) -> None:
    """Refuse to show anybody who is not of this person's course. Raises NotAllowedError."""
    if not who.roles & {Role.COACH.value, Role.LEAD.value}:
        raise oversight.foreign()
    if who.context_id is None:
        if Role.LEAD.value not in who.roles:
            raise oversight.foreign()
    elif courses.membership(session, who.context_id, person_id) is None:
        raise oversight.foreign()


def of_learner(
    session: Session,
    who: Reviewer,
    person_id: uuid.UUID,
    achievement_id: uuid.UUID | None = None,
) -> list[SentWork]:
    """What the learner has sent in this course, or for one of its micro-credentials alone."""
    query = (
        select(Submission)
        .join(Assignment, Assignment.id == Submission.assignment_id)
        .where(Submission.person_id == person_id)
    )
    if who.context_id is not None:
        query = query.where(Assignment.context_id == who.context_id)
    if achievement_id is not None:
        query = query.where(Assignment.achievement_id == achievement_id)
    found = []
    for one in session.scalars(query.order_by(Submission.created_at)):
        sent = _sent(session, one)
        if sent and oversight.oversees(who, one.assignment) and sent[0].submitted_at is not None:
            title = achievements.micro_credential(sent[0].achievement_version).name
            found.append(SentWork(one.id, title, sent[0].state, sent[0].submitted_at))
    return found


def open_work(session: Session, who: Reviewer, seen: Submission, now: datetime) -> SeenWork:
    """The work as `who` may see it; every look is noted, for its author to read.

    Raises NotAllowedError for who does not oversee it, NotFoundError while nothing was sent.
    """
    oversight.require(who, seen.assignment)
    revisions = tuple(_seen(session, who, one) for one in _sent(session, seen))
    if not revisions:
        raise NotFoundError(
            _("Nothing has been sent here yet."),
            advice=_("Drafts stay with their author. What is sent appears here."),
        )
    for one in revisions:
        audit.record(
            session,
            owner=one.revision,
            actor_id=who.person_id,
            action=OPENED if one.open else LOOKED,
            subject=one.revision,
            about_id=seen.person_id,
            now=now,
        )
    title = achievements.micro_credential(revisions[0].revision.achievement_version).name
    return SeenWork(
        seen,
        title,
        name_of(session, seen.person_id),
        is_test_student(session, seen.person_id),
        revisions,
    )


def _sent(session: Session, seen: Submission) -> list[Revision]:
    return [one for one in reading.revisions(session, seen.id) if one.state != "draft"]


def _seen(session: Session, who: Reviewer, revision: Revision) -> SeenRevision:
    is_open = oversight.may_open(session, who, revision)
    undecided = revision.decided_at is None and revision.state != "withdrawn"
    decided = deciding.live_decision(session, revision.id) is not None
    return SeenRevision(
        revision,
        is_open,
        feedback.waiting(session, revision) if undecided else None,
        feedback.of_revision(session, revision) if is_open and decided else None,
    )
