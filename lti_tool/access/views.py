"""`/access/<token>`: a page with one button, and the button's way in."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from core.errors import NotAllowedError
from core.web.app import runtime
from core.web.sessions import set_session_cookie
from lti_tool.access import service

blueprint = Blueprint("access", __name__)


@blueprint.after_request
def _keep_the_address_here(response: Response) -> Response:
    # The address is a secret until it is used: no other site learns where one came from.
    # Not "no-referrer", which would take the Origin from our own form.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@blueprint.get("/access/<token>")
def show(token: str) -> Response:
    """What the link gives, and the one button that takes it."""
    shared = runtime()
    with shared.database.snapshot() as session:
        offer = service.find_offer(session, token, shared.now())
    return make_response(render_template("access/link.html", offer=offer, token=token))


@blueprint.post("/access/<token>")
def take(token: str) -> Response:
    """Come in: a session of one's own, on the page of connections."""
    shared = runtime()
    if request.headers.get("Origin") not in (None, shared.config.base_url):
        raise NotAllowedError(
            _("This form was sent from another site, so nothing was changed."),
            code="csrf_invalid",
            advice=_("Open the link itself and press the button there."),
        )
    with shared.database.transaction() as session:
        started = service.take(session, token, hours=shared.config.session_hours, now=shared.now())
    response = make_response(redirect(url_for("admin.connections", sid=started.id), 303))
    set_session_cookie(response, started)
    return response
