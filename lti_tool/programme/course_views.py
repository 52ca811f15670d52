"""Reading a course's list from the LMS when a lead asks for it."""

from __future__ import annotations

import uuid

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug import Response

from core.identity import Role
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.courses import rosters
from lti_tool.programme.blueprint import blueprint


@blueprint.post("/courses/<uuid:context_id>/list")
def read_list(context_id: uuid.UUID) -> Response:
    """Have the list read by a worker; the page shows it once that is done."""
    who = principal()
    who.require(Role.LEAD, Role.ADMINISTRATOR)
    shared = runtime()
    with shared.database.transaction(who.scope) as session:
        context = rosters.context_of_scope(session, context_id)
        rosters.request_sync(session, context, shared.now())
    flash(_("The list is being read. In a moment this page shows what it says."), "good")
    return redirect(url_for("programme.lead") + "#course-lists", 303)
