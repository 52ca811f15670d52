"""What the pages at secret addresses have in common, whichever way in they are.

Looking at one takes nothing, so that a mail programme's preview does not use a link up; its one
button does.
"""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, redirect, request, url_for
from flask_babel import gettext as _

from core.errors import NotAllowedError
from core.identity import Organisation, Person
from core.web.app import runtime
from core.web.sessions import StartedSession, set_session_cookie


def doorstep(name: str) -> Blueprint:
    """The blueprint of one way in."""
    made = Blueprint(name, __name__)
    made.after_request(_keep_the_address_here)
    return made


def from_here() -> None:
    """Raise NotAllowedError for a form that another site sent."""
    if request.headers.get("Origin") not in (None, runtime().config.base_url):
        raise NotAllowedError(
            _("This form was sent from another site, so nothing was changed."),
            code="csrf_invalid",
            advice=_("Open the link itself and press the button there."),
        )


def come_in(started: StartedSession, endpoint: str) -> Response:
    """Go to the page of the visit that a link has begun."""
    response = make_response(redirect(url_for(endpoint, sid=started.id), 303))
    set_session_cookie(response, started)
    return response


def in_the_zone_of(person: Person, place: Organisation) -> None:
    """Show times as the person reads them elsewhere; there is no visit yet that says it."""
    g.timezone = person.timezone or place.timezone


def _keep_the_address_here(response: Response) -> Response:
    # The address is a secret until it is used: no other site learns where one came from.
    # Not "no-referrer", which would take the Origin from our own form.
    response.headers["Referrer-Policy"] = "same-origin"
    return response
