"""Connecting pages: choose the LMS, then do what its page says."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core.errors import ConflictError, MilepostError, NotFoundError, UnprocessableError
from core.web.app import runtime
from lti_tool.admin import connecting, connections, wording
from lti_tool.admin.blueprint import administrator, blueprint, given_id, lti_tool
from lti_tool.lti.families import known_endpoints
from lti_tool.lti.registering import exchange, links, values


@blueprint.get("/connections/new")
def connect() -> str:
    """Which LMS is it?"""
    administrator()
    return render_template("admin/connect.html", words=wording)


@blueprint.get("/connections/new/<family>")
def connect_family(family: str) -> str:
    """How to connect this LMS."""
    return _family_page(family, {}, {})


@blueprint.post("/connections/new/<family>")
def add_platform(family: str) -> ResponseReturnValue:
    """Register what was typed."""
    who = administrator()
    _check_family(family)
    given = {name: request.form.get(name, "") for name in connecting.ASKED[family]}
    try:
        with runtime().database.transaction(who.scope) as session:
            made = connecting.add(
                session, who.scope, family, given,
                organisation_id=given_id(request.form.get("organisation", "")),
                actor_id=who.person_id, now=runtime().now(),
            )  # fmt: skip
    except (ConflictError, UnprocessableError) as error:
        return _family_page(family, given, _faults(error)), error.status
    return _added(made.id, made.name)


@blueprint.post("/connections/links")
def make_link() -> str:
    """A registration address, shown this once."""
    who = administrator()
    with runtime().database.transaction(who.scope) as session:
        place = connections.place(
            session, who.scope, given_id(request.form.get("organisation", ""))
        )
        link, path = links.create(
            session, place, actor_id=who.person_id, now=runtime().now(),
            platform_id=given_id(request.form.get("platform", "")),
        )  # fmt: skip
    family = request.form.get("family", "")
    return render_template(
        "admin/link.html",
        address=f"{runtime().config.base_url}{path}",
        link=link,
        organisation=place,
        family=family if family in connecting.ASKED else "generic",
        words=wording,
    )


@blueprint.post("/connections/links/<uuid:link_id>/withdraw")
def withdraw_link(link_id: uuid.UUID) -> ResponseReturnValue:
    """Make a registration address useless."""
    who = administrator()
    with runtime().database.transaction(who.scope) as session:
        connecting.withdraw(session, link_id, actor_id=who.person_id, now=runtime().now())
    flash(_("The address is withdrawn. Nothing can be registered with it any more."), "good")
    return redirect(url_for("admin.connections"), 303)


@blueprint.post("/connections/import")
def import_platform() -> ResponseReturnValue:
    """Register the platform in a file, or in what was pasted."""
    who = administrator()
    upload = request.files.get("file")
    sent = upload.read(connecting.LARGEST_FILE + 1) if upload and upload.filename else b""
    text = sent.decode("utf-8", "replace") if sent else request.form.get("document", "")
    try:
        if len(text) > connecting.LARGEST_FILE:
            fault = _("This file is larger than a connection ever is.")
            raise UnprocessableError(fault, fields={"document": fault})
        with runtime().database.transaction(who.scope) as session:
            made = connecting.bring_in(
                session, who.scope, text,
                organisation_id=given_id(request.form.get("organisation", "")),
                actor_id=who.person_id, now=runtime().now(),
            )  # fmt: skip
    except (ConflictError, UnprocessableError) as error:
        faults = _faults(error)
        told = " ".join(
            text if name in ("", "document") else f"{name}: {text}" for name, text in faults.items()
        )
        kept = {"document": text[: connecting.LARGEST_FILE]}
        return _family_page("generic", kept, {"document": told}), error.status
    return _added(made.id, made.name)


@blueprint.get("/connections/<uuid:platform_id>/export.json")
def export(platform_id: uuid.UUID) -> Response:
    """The connection as a file for another installation; it holds no secret."""
    who = administrator()
    with runtime().database.snapshot(who.scope) as session:
        document = exchange.export_platform(session, platform_id)
    return Response(
        json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        mimetype="application/json",
        headers={"Content-Disposition": 'attachment; filename="milepost-platform.json"'},
    )


def _added(platform_id: uuid.UUID, name: str) -> ResponseReturnValue:
    lti_tool().platforms.forget()
    flash(_("%(name)s is registered. Check the connection, then open it once from a course.",
            name=name), "good")  # fmt: skip
    return redirect(url_for("admin.connection", platform_id=platform_id), 303)


def _faults(error: MilepostError) -> dict[str, str]:
    """Faults by field; what concerns no field stands for the whole form."""
    fields = getattr(error, "fields", {})
    return {name: str(text) for name, text in fields.items()} or {"": str(error.message)}


def _check_family(family: str) -> None:
    if family not in connecting.ASKED:
        raise NotFoundError(_("There is nothing at this address."))


def _family_page(family: str, given: dict[str, Any], errors: dict[str, str]) -> str:
    who = administrator()
    _check_family(family)
    base = runtime().config.base_url
    with runtime().database.snapshot(who.scope) as session:
        below = connections.places(session, who.scope.path)
    return render_template(
        f"admin/connect_{family}.html",
        family=family,
        title=wording.family_name(family),
        asked=connecting.ASKED[family],
        values=values.for_family(base, family),
        known=known_endpoints(family),
        places=below,
        chosen=request.form.get("organisation", str(who.organisation_id)),
        given=given,
        errors=errors,
    )
