"""The reviewer's pages: queue and scoring. Importing this completes `bp`."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core.errors import ConflictError, NotAllowedError
from core.identity import Role
from core.numbers import page_number
from core.web.app import runtime
from core.web.errors import wants_json
from core.web.sessions import principal
from lti_tool.review import desk, people, score_views  # noqa: F401 - its views register
from lti_tool.review.access import reviewer_of
from lti_tool.review.blueprint import bp
from lti_tool.review.queue import queue as read_queue

REVIEWERS = (Role.TEACHER, Role.COACH, Role.LEAD)


@bp.get("/queue")
def queue() -> ResponseReturnValue:
    """What waits to be read, oldest first; one's own begun reviews at the top."""
    return _page()


@bp.post("/queue/next")
def take_next() -> ResponseReturnValue:
    """Take the one that has waited longest."""
    principal().require(*REVIEWERS)
    with runtime().database.transaction(principal().scope) as session:
        slot = desk.claim_next(session, reviewer_of(session, principal()), runtime().now())
    if slot is None:
        return _page({"": _("There is nothing left that you can take just now.")}, 409)
    return redirect(url_for("review.score", revision_id=slot.revision_id), 303)


@bp.post("/queue/<uuid:revision_id>/claim")
def claim(revision_id: uuid.UUID) -> ResponseReturnValue:
    """Take this one; of two who press at once one gets it, and the other is told."""
    principal().require(*REVIEWERS)
    try:
        with runtime().database.transaction(principal().scope) as session:
            desk.claim(session, reviewer_of(session, principal()), revision_id, runtime().now())
    except (ConflictError, NotAllowedError) as exc:
        if wants_json():
            raise
        return _page({"": str(exc.message)}, exc.status)
    return redirect(url_for("review.score", revision_id=revision_id), 303)


def _page(errors: dict[str, str] | None = None, status: int = 200) -> ResponseReturnValue:
    who = principal()
    who.require(*REVIEWERS)
    chosen = request.args.get("for", "")
    try:
        achievement_id = uuid.UUID(chosen) if chosen else None
    except ValueError:
        achievement_id = None
    with runtime().database.snapshot(who.scope) as session:
        found = read_queue(
            session,
            reviewer_of(session, who),
            runtime().now(),
            page=page_number(request.args.get("page", "1")),
            achievement_id=achievement_id,
        )
    page = render_template(
        "review/queue.html",
        queue=found,
        chosen=str(achievement_id) if achievement_id else "",
        reason=people.reason,
        peer=not who.has(Role.COACH, Role.LEAD),
        errors=errors or {},
        thanks=request.args.get("thanks") == "1",
    )
    return page, status


__all__ = ["bp"]
