"""`/access/invitations/<token>`: what waits behind an invitation, and the one button that opens it.

Looking at it takes nothing, so that a mail programme's preview does not use it up.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core.errors import NotAllowedError
from core.web.app import runtime
from core.web.sessions import set_session_cookie
from lti_tool.access import inviting

blueprint = Blueprint("inviting", __name__)


@blueprint.after_request
def _keep_the_address_here(response: Response) -> Response:
    # The address is a secret until it is used: no other site learns where one came from.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@blueprint.get("/access/invitations/<token>")
def show(token: str) -> str:
    """Who invites to which badge, and the button."""
    shared = runtime()
    with shared.database.snapshot() as session:
        door = inviting.find(session, token, shared.now())
    g.timezone = door.person.timezone or door.organisation.timezone
    return render_template("access/invitation.html", door=door, token=token)


@blueprint.post("/access/invitations/<token>")
def take(token: str) -> ResponseReturnValue:
    """Come in: a visit of one's own, on the page of badges."""
    shared = runtime()
    if request.headers.get("Origin") not in (None, shared.config.base_url):
        raise NotAllowedError(
            _("This form was sent from another site, so nothing was changed."),
            code="csrf_invalid",
            advice=_("Open the link itself and press the button there."),
        )
    with shared.database.transaction() as session:
        started = inviting.take(session, shared.config, token, now=shared.now())
    response = make_response(redirect(url_for("learning.badges", sid=started.id), 303))
    set_session_cookie(response, started)
    return response
