"""`/access/invitations/<token>`: what waits behind an invitation, and the button that opens it."""

from __future__ import annotations

from flask import Response, render_template

from core.web.app import runtime
from lti_tool.access import inviting
from lti_tool.access.blueprint import come_in, doorstep, from_here, in_the_zone_of

blueprint = doorstep("inviting")


@blueprint.get("/access/invitations/<token>")
def show(token: str) -> str:
    """Who invites to which badge, and the button."""
    shared = runtime()
    with shared.database.snapshot() as session:
        door = inviting.find(session, token, shared.now())
    in_the_zone_of(door.person, door.organisation)
    return render_template("access/invitation.html", door=door, token=token)


@blueprint.post("/access/invitations/<token>")
def take(token: str) -> Response:
    """Come in: a visit of one's own, on the page of badges."""
    from_here()
    shared = runtime()
    with shared.database.transaction() as session:
        started = inviting.take(session, shared.config, token, now=shared.now())
    return come_in(started, "learning.badges")
