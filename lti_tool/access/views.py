"""`/access/<token>`: a page with one button, and the button's way in."""

from __future__ import annotations

from flask import Response, render_template

from core.web.app import runtime
from lti_tool.access import service
from lti_tool.access.blueprint import come_in, doorstep, from_here

blueprint = doorstep("access")


@blueprint.get("/access/<token>")
def show(token: str) -> str:
    """What the link gives, and the one button that takes it."""
    shared = runtime()
    with shared.database.snapshot() as session:
        offer = service.find_offer(session, token, shared.now())
    return render_template("access/link.html", offer=offer, token=token)


@blueprint.post("/access/<token>")
def take(token: str) -> Response:
    """Come in: a session of one's own, on the page of connections."""
    from_here()
    shared = runtime()
    with shared.database.transaction() as session:
        started = service.take(session, token, hours=shared.config.session_hours, now=shared.now())
    return come_in(started, "admin.connections")
