"""The programme lead's first page."""

from __future__ import annotations

from flask import render_template

from core.identity import Role
from core.web.app import runtime
from core.web.sessions import SessionBlueprint, principal
from lti_tool.programme.today import today

blueprint = SessionBlueprint("programme", __name__)


@blueprint.get("/today")
def lead() -> str:
    """What waits for the lead: unfilled review seats, work in review, offers not yet taken."""
    who = principal()
    who.require(Role.LEAD, Role.ADMINISTRATOR)
    with runtime().database.snapshot(who.scope) as session:
        seen = today(session)
    return render_template("programme/today.html", today=seen)
