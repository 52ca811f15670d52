"""A learner's work, opened from a gradebook by a coach or lead."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from badges.achievements import service as achievements
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.evidence import pages, reading
from lti_tool.programme import work
from lti_tool.programme.blueprint import blueprint
from lti_tool.review import oversight
from lti_tool.review.access import reviewer_of


@blueprint.get("/work/<uuid:submission_id>")
def learner_work(submission_id: uuid.UUID) -> ResponseReturnValue:
    """What was sent, where it stands and what was decided; to its author, their own page of it."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        found = work.submission(session, submission_id)
        if found.person_id == who.person_id:
            return redirect(url_for("evidence.submission", submission_id=found.id), 303)
        reviewer = reviewer_of(session, who)
        seen = work.open_work(session, reviewer, found, runtime().now())
    document = achievements.micro_credential(seen.revisions[0].revision.achievement_version)
    return render_template("programme/work.html", seen=seen, document=document, pages=pages)


@blueprint.post("/work/<uuid:revision_id>/step-aside")
def step_aside(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Leave the review of this work to others, and open it."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        revision = reading.lock_revision(session, revision_id)
        if revision.state == "draft":
            raise reading.not_found()
        oversight.step_aside(session, reviewer_of(session, who), revision, runtime().now())
        submission_id = revision.submission_id
    return redirect(url_for("programme.learner_work", submission_id=submission_id), 303)


@blueprint.get("/learners/<uuid:person_id>/work")
def learner(person_id: uuid.UUID) -> ResponseReturnValue:
    """What a learner of this course has sent; the one micro-credential that was asked for, at once.

    Nothing sent yet is no error: the gradebook has a row for everybody.
    """
    who = principal()
    wanted = _wanted()
    with runtime().database.snapshot(who.scope) as session:
        if person_id == who.person_id:
            return redirect(_own(wanted), 303)
        reviewer = reviewer_of(session, who)
        work.check_learner(session, reviewer, person_id)
        found = work.of_learner(session, reviewer, person_id, wanted)
        name = work.name_of(session, person_id)
        is_test = work.is_test_student(session, person_id)
    if wanted is not None and len(found) == 1:
        return redirect(
            url_for("programme.learner_work", submission_id=found[0].submission_id), 303
        )
    return render_template(
        "programme/learner.html", found=found, name=name, is_test=is_test, pages=pages
    )


@blueprint.get("/learners/unknown")
def unknown_learner() -> ResponseReturnValue:
    """Somebody of the gradebook who has never come in."""
    return render_template("programme/learner_unknown.html")


def _wanted() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args.get("for", ""))
    except ValueError:
        return None


def _own(achievement_id: uuid.UUID | None) -> str:
    if achievement_id is None:
        return url_for("evidence.index")
    return url_for("evidence.overview", achievement_id=achievement_id)
