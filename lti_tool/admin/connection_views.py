"""The list of connections, and the page of each: its health, deployments, keys and switches."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.errors import ConflictError, UnprocessableError
from core.web.app import runtime
from keys.shared import ring_of
from lti_tool.admin import changes, connections, deliveries, health, ourkeys, wording
from lti_tool.admin.blueprint import administrator, blueprint, given_id, lti_tool
from lti_tool.lti.deployments import deployments_of
from lti_tool.lti.registering import links

# A check waits for somebody else's server: never with more than one of this process's threads.
_CHECKING = threading.BoundedSemaphore(1)


@blueprint.get("/connections", endpoint="connections")
def list_connections() -> str:
    """The platforms that may launch, and how they are."""
    who = administrator()
    with runtime().database.snapshot(who.scope) as session:
        found = connections.connections(session)
        from_above = connections.served_from_above(session)
        troubles = deliveries.troubles(session, who.scope)
        counts = deliveries.page(session, who.scope, "open", 1).counts
        keys = ourkeys.state(session, who.scope)
        opened = links.of_organisation(session, runtime().now())
    return render_template(
        "admin/connections.html",
        connections=found,
        from_above=from_above,
        troubles=troubles,
        undelivered=counts["open"],
        keys=keys,
        links=opened,
        words=wording,
    )


@blueprint.get("/connections/<uuid:platform_id>")
def connection(platform_id: uuid.UUID) -> str:
    """One platform: how it is and what it is set to."""
    return _connection_page(platform_id)


@blueprint.post("/connections/<uuid:platform_id>/check")
def check(platform_id: uuid.UUID) -> Response:
    """Ask the platform for its keys and for a token, and keep what it answers."""
    who, shared = administrator(), runtime()
    with shared.database.snapshot(who.scope) as session:
        platform = connections.find(session, platform_id)
        scopes = health.known_scopes(session, platform)
    known = lti_tool().platforms.get(platform_id, fresh=True)
    back = redirect(url_for("admin.connection", platform_id=platform_id, _anchor="health"), 303)
    if known is None or not _CHECKING.acquire(blocking=False):
        flash(_("Another check is running. Try again in a moment."), "warn")
        return back
    try:
        findings = health.probe(shared, known, scopes)
    finally:
        _CHECKING.release()
    with shared.database.transaction(who.scope) as session:
        kept = health.keep(session, platform_id, findings, actor_id=who.person_id, now=shared.now())
    word, kind = wording.check_tag(kept.state)
    flash(_("Checked. %(word)s.", word=word), kind)
    return back


@blueprint.post("/connections/<uuid:platform_id>/switch")
def switch(platform_id: uuid.UUID) -> Response:
    """Disable the platform, or enable it again."""
    who = administrator()
    disabled = request.form.get("to") == "off"
    with runtime().database.transaction(who.scope) as session:
        platform = connections.switch(
            session, platform_id, disabled=disabled, actor_id=who.person_id, now=runtime().now()
        )
    lti_tool().platforms.forget()
    flash(
        _("%(name)s is disabled. Nothing was deleted.", name=platform.name)
        if disabled
        else _("%(name)s may launch again.", name=platform.name),
        "good",
    )
    return redirect(url_for("admin.connection", platform_id=platform_id), 303)


@blueprint.post("/connections/<uuid:platform_id>/deployments")
def add_deployment(platform_id: uuid.UUID) -> ResponseReturnValue:
    """Let the platform launch under a deployment id that was typed."""
    who = administrator()
    typed = request.form.get("deployment_id", "").strip()
    try:
        with runtime().database.transaction(who.scope) as session:
            connections.add_deployment(
                session, who.scope, platform_id, typed,
                organisation_id=given_id(request.form.get("organisation", "")),
                actor_id=who.person_id, now=runtime().now(),
            )  # fmt: skip
    except ConflictError as error:
        return _connection_page(platform_id, {"deployment_id": error.message}, typed), 422
    except UnprocessableError as error:
        return _connection_page(platform_id, error.fields, typed), 422
    lti_tool().platforms.forget()
    flash(_("The deployment was added. Launches from it are taken."), "good")
    return _to_deployments(platform_id)


@blueprint.post("/connections/<uuid:platform_id>/deployments/<uuid:row_id>/approve")
def approve(platform_id: uuid.UUID, row_id: uuid.UUID) -> Response:
    """Let a deployment launch for the organisation that was chosen."""
    who = administrator()
    chosen = given_id(request.form.get("organisation", "")) or who.organisation_id
    with runtime().database.transaction(who.scope) as session:
        connections.approve(
            session, who.scope, platform_id, row_id, organisation_id=chosen,
            actor_id=who.person_id, now=runtime().now(),
        )  # fmt: skip
    lti_tool().platforms.forget()
    flash(_("The deployment may launch now."), "good")
    return _to_deployments(platform_id)


@blueprint.post("/connections/<uuid:platform_id>/deployments/<uuid:row_id>/refuse")
def refuse(platform_id: uuid.UUID, row_id: uuid.UUID) -> Response:
    """Do not let a deployment launch."""
    who = administrator()
    with runtime().database.transaction(who.scope) as session:
        connections.refuse(
            session, platform_id, row_id, actor_id=who.person_id, now=runtime().now()
        )
    lti_tool().platforms.forget()
    flash(_("The deployment is refused. You can approve it later."), "good")
    return _to_deployments(platform_id)


@blueprint.post("/keys/rotate")
def rotate() -> Response:
    """Make a new key of our own; the old one stays published."""
    who, shared = administrator(), runtime()
    with shared.database.transaction(who.scope) as session:
        ourkeys.rotate(
            session, who.scope, ring_of(shared), request.form.get("kid", ""),
            actor_id=who.person_id, now=shared.now(),
        )  # fmt: skip
    flash(_("There is a new key. The old one stays published."), "good")
    return redirect(url_for("admin.connections", _anchor="keys"), 303)


def _to_deployments(platform_id: uuid.UUID) -> Response:
    return redirect(
        url_for("admin.connection", platform_id=platform_id, _anchor="deployments"), 303
    )


def _connection_page(
    platform_id: uuid.UUID, errors: dict[str, object] | None = None, typed: str = ""
) -> str:
    who = administrator()
    with runtime().database.snapshot(who.scope) as session:
        platform = connections.find(session, platform_id)
        checked = connections.last_check(session, platform)
        below = connections.places(session, platform.owner_path)
        found: dict[str, Any] = {
            "platform": platform,
            "deployments": deployments_of(session, platform),
            "checked": checked,
            "findings": health.read(checked.findings) if checked else [],
            "places": below,
            "place_names": {place.id: place.name for place in below},
            "visits": connections.visits(session, platform),
            "roster": connections.rosters(session, platform),
            "gradebook": connections.gradebook(session, platform),
            "trouble": deliveries.troubles(session, who.scope).get(platform.id),
            "keys": ourkeys.state(session, who.scope),
            "told": changes.of(session, "lti_platforms", platform.id),
        }
    since = [item.facts["since"] for item in found["findings"] if "since" in item.facts]
    return render_template(
        "admin/connection.html",
        **found,
        their_keys_since=datetime.fromisoformat(since[0]) if since else None,
        words=wording,
        typed=typed,
        errors={name: str(text) for name, text in (errors or {}).items()},
    )
