"""Connections and deliveries."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.identity import Role
from core.web.app import runtime
from core.web.sessions import SessionBlueprint, principal
from lti_tool.admin import service

blueprint = SessionBlueprint("admin", __name__)


@blueprint.get("/connections")
def connections() -> str:
    """The platforms that may launch, and how they are."""
    who = principal()
    who.require(Role.ADMINISTRATOR)
    with runtime().database.snapshot(who.scope) as session:
        found = service.connections(session)
        waiting = service.deliveries(session, who.scope)
    base = runtime().config.base_url
    values = {
        _("Login address"): f"{base}/lti/login",
        _("Redirect address"): f"{base}/lti/launch",
        _("Key set address"): f"{base}/.well-known/jwks.json",
        _("Link for a menu entry"): f"{base}/to/home",
    }
    return render_template(
        "admin/connections.html", connections=found, deliveries=waiting, values=values
    )


@blueprint.get("/deliveries")
def deliveries() -> str:
    """What has not left the installation, and why."""
    who = principal()
    who.require(Role.ADMINISTRATOR)
    with runtime().database.snapshot(who.scope) as session:
        found = service.deliveries(session, who.scope)
    return render_template("admin/deliveries.html", deliveries=found)


@blueprint.post("/deliveries/<uuid:message_id>/retry")
def retry(message_id: uuid.UUID) -> Response:
    """Try one that was given up once more."""
    who = principal()
    who.require(Role.ADMINISTRATOR)
    with runtime().database.transaction(who.scope) as session:
        service.retry(session, who.scope, message_id, runtime().now())
    flash(_("It will be tried again within seconds."), "good")
    return redirect(url_for("admin.deliveries"), 303)
