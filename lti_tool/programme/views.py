"""The programme lead's first page. Importing this completes `blueprint`."""

from __future__ import annotations

from flask import render_template

from core.identity import Role
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.programme import course_views, work_views  # noqa: F401 - they register themselves
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.from_lms import from_lms
from lti_tool.programme.today import today


@blueprint.get("/today")
def lead() -> str:
    """What waits for the lead: unfilled review seats, work in review, offers not yet taken."""
    who = principal()
    who.require(Role.LEAD, Role.ADMINISTRATOR)
    with runtime().database.snapshot(who.scope) as session:
        seen, lms = today(session), from_lms(session, runtime().now())
    return render_template("programme/today.html", today=seen, lms=lms)


__all__ = ["blueprint"]
