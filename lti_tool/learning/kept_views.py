"""What is kept about you: the page that an LMS's data privacy launch opens."""

from __future__ import annotations

from flask import g, render_template

from core.identity import Role
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning import kept as keeping
from lti_tool.learning.blueprint import blueprint


@blueprint.get("/kept")
def kept() -> str:
    """One's own data in numbers; administrators see their organisation's below it."""
    who = principal()
    sees_summary = bool(who.data.get("sees_summary")) or who.has(Role.ADMINISTRATOR)
    with runtime().database.snapshot(who.scope) as session:
        found = keeping.about(session, who.person_id)
        whole = keeping.summary(session) if sees_summary else None
    return render_template(
        "learning/kept.html",
        kept=found,
        summary=whole,
        organisation=who.organisation_name,
        platform_name=who.data.get("platform_name"),
        contact=g.get("support_contact"),
        hours=runtime().config.session_hours,
    )
