"""The evidence pages: a micro-credential, one's evidence, receipts. Importing it completes `bp`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from core.errors import NotFoundError
from core.identity import Person, Role
from core.scope import unscoped
from core.web.app import runtime
from core.web.sessions import Principal, principal
from lti_tool.courses.models import Context
from lti_tool.evidence import (  # noqa: F401 - the views register themselves
    assignments,
    draft_views,
    drafts,
    file_views,
    pages,
    reading,
    sending,
)
from lti_tool.evidence.blueprint import bp, dates, resource_link
from lti_tool.evidence.models import Event, Revision
from lti_tool.review import feedback, intake
from lti_tool.review.feedback import Feedback, Waiting


@bp.get("/micro-credential/<uuid:achievement_id>")
def overview(achievement_id: uuid.UUID) -> ResponseReturnValue:
    """What the micro-credential is and asks, with its rubric: before anybody starts."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        version = achievements.current(session, achievement_id)
        revision = _live(session, who, achievement_id)
        if revision is not None and revision.state == "draft":
            version = revision.achievement_version
    document = achievements.micro_credential(version)
    return render_template(
        "evidence/overview.html",
        version=version,
        document=document,
        revision=revision,
        learner=who.has(Role.TEACHER),
        rubric=pages.rubric_table(document),
        hours=_hours(document.minutes),
        dates=dates(who, achievement_id),
        pages=pages,
    )


@bp.post("/micro-credential/<uuid:achievement_id>/start")
def start(achievement_id: uuid.UUID) -> ResponseReturnValue:
    """Begin a draft, or go on with what there is."""
    who = principal()
    who.require(Role.TEACHER)
    link, now = resource_link(who, achievement_id), runtime().now()
    with runtime().database.transaction(who.scope) as session:
        assignment = assignments.assignment_for(
            session,
            achievement_id=achievement_id,
            context=_context(session, who),
            scope=who.scope,
            now=now,
            resource_link_id=link,
        )
        with unscoped(session, "the person of this session"):
            person = session.get_one(Person, who.person_id)
        revision = drafts.start(session, assignment, person, now, resource_link_id=link)
    if revision.state == "draft":
        return redirect(url_for("evidence.draft", revision_id=revision.id), 303)
    return redirect(url_for("evidence.submission", submission_id=revision.submission_id), 303)


@bp.get("/evidence")
def index() -> ResponseReturnValue:
    """Everything of one's own: drafts, what reviewers have, what is decided."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        found = reading.latest_of(session, who.person_id)
        rows = [_Row.of(session, one) for one in found]
        begun = {one.submission.assignment.achievement_id for one in found}
        offered = [
            version
            for version in achievements.published(session)
            if version.achievement_id not in begun
        ]
    return render_template(
        "evidence/index.html",
        rows=rows,
        offered=[(one, achievements.micro_credential(one)) for one in offered],
        learner=who.has(Role.TEACHER),
        pages=pages,
    )


@bp.get("/evidence/<uuid:submission_id>")
def submission(submission_id: uuid.UUID) -> ResponseReturnValue:
    """The receipt, where it stands, the feedback after a decision, and earlier revisions."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        _found, revisions = reading.own_submission(session, submission_id, who.person_id)
        sent = [_Sent.of(session, one) for one in revisions if one.state != "draft"]
        steps = timeline(list(reading.events(session, submission_id)))
    newest = revisions[0]
    if not sent:
        return redirect(url_for("evidence.draft", revision_id=newest.id), 303)
    current = sent[0]
    return render_template(
        "evidence/submission.html",
        current=current,
        earlier=sent[1:],
        draft=newest if newest.state == "draft" else None,
        document=achievements.micro_credential(current.revision.achievement_version),
        timeline=steps,
        rubric=pages.rubric_table(
            achievements.micro_credential(current.revision.achievement_version),
            dict(current.feedback.decision.levels) if current.feedback else None,
        ),
        pages=pages,
    )


@bp.post("/evidence/<uuid:revision_id>/withdraw")
def withdraw(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Take a sent revision back before its decision."""
    with runtime().database.transaction(principal().scope) as session:
        revision = intake.withdraw(session, revision_id, principal().person_id, runtime().now())
    return redirect(url_for("evidence.submission", submission_id=revision.submission_id), 303)


@bp.post("/evidence/<uuid:submission_id>/revise")
def revise(submission_id: uuid.UUID) -> ResponseReturnValue:
    """Begin the next revision with everything of the last one."""
    with runtime().database.transaction(principal().scope) as session:
        revision = sending.revise(session, submission_id, principal().person_id, runtime().now())
    return redirect(url_for("evidence.draft", revision_id=revision.id), 303)


@dataclass(frozen=True)
class _Row:
    """A submission in the list: its newest revision, and how far reviewers are."""

    revision: Revision
    title: str
    waiting: Waiting | None

    @classmethod
    def of(cls, session: Session, revision: Revision) -> _Row:
        document = achievements.micro_credential(revision.achievement_version)
        undecided = revision.state in ("submitted", "in_review", "adjudicating")
        return cls(
            revision, document.name, feedback.waiting(session, revision) if undecided else None
        )


@dataclass(frozen=True)
class _Sent:
    """A sent revision with what its author may see of the reviews."""

    revision: Revision
    waiting: Waiting | None
    feedback: Feedback | None

    @classmethod
    def of(cls, session: Session, revision: Revision) -> _Sent:
        return cls(
            revision,
            feedback.waiting(session, revision)
            if revision.state in ("submitted", "in_review", "adjudicating")
            else None,
            feedback.of_revision(session, revision),
        )


def timeline(events: list[Event]) -> list[tuple[str, str, datetime, str]]:
    """What happened, for the author: (state, sentence, when, receipt), oldest first.

    Who reads, returns or declines is the reviewers' business and is not told.
    """
    steps: list[tuple[str, str, datetime, str]] = []
    finished: dict[Any, int] = {}
    for one in events:
        n = one.data.get("n", 1)
        if one.kind == "review.submitted" and one.data.get("role") != "adjudicator":
            finished[n] = finished.get(n, 0) + 1
        text = _sentence(one, n, finished.get(n, 0))
        if text:
            state = "no" if one.kind == "withdrawn" else "done"
            steps.append((state, text, one.at, str(one.data.get("receipt", ""))))
    if steps:
        steps[-1] = ("here", *steps[-1][1:]) if steps[-1][0] == "done" else steps[-1]
    return steps


def _sentence(event: Event, n: int, finished: int) -> str:
    if event.kind == "decided":
        met = event.data.get("outcome") == "met"
        return str(_("Revision %(n)s: met", n=n) if met else _("Revision %(n)s: not yet", n=n))
    if event.kind == "review.submitted":
        if event.data.get("role") == "adjudicator":
            return str(_("The third reviewer has finished"))
        return str(ngettext("%(num)s review is finished", "%(num)s reviews are finished", finished))
    sentences = {
        "sent": _("Revision %(n)s sent", n=n),
        "draft.begun": _("Revision %(n)s begun", n=n) if n > 1 else "",
        "adjudication.asked": _("Your reviewers see it differently, so a third one is asked"),
        "withdrawn": _("Revision %(n)s taken back by you", n=n),
        "grade.kept": _("The grade in your course was left as it was set there"),
    }
    return str(sentences.get(event.kind, ""))


def _hours(minutes: int) -> str:
    if minutes < 90:
        return str(_("about %(minutes)s minutes", minutes=minutes))
    return str(_("about %(hours)s hours", hours=round(minutes / 60)))


def _context(session: Session, who: Principal) -> Context | None:
    if who.context_id is None:
        return None
    found = session.scalar(select(Context).where(Context.id == who.context_id))
    if found is None:
        raise NotFoundError(_("This course is not known here any more."))
    return found


def _live(session: Session, who: Principal, achievement_id: uuid.UUID) -> Revision | None:
    """The person's newest revision of the micro-credential in this course, if begun."""
    assignment = assignments.find(session, achievement_id, _context(session, who), who.scope)
    if assignment is None:
        return None
    begun = reading.submission_of(session, assignment.id, who.person_id)
    return reading.revisions(session, begun.id)[0] if begun else None


__all__ = ["bp"]
