"""Deliveries: read, tried again, dropped with a reason."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core.errors import UnprocessableError
from core.numbers import page_number
from core.web.app import runtime
from lti_tool.admin import changes, deliveries, wording
from lti_tool.admin.blueprint import administrator, blueprint


@blueprint.get("/deliveries", endpoint="deliveries")
def list_deliveries() -> str:
    """What has not left the installation, and why."""
    who = administrator()
    asked = request.args.get("show", "open")
    show: deliveries.Show = next((known for known in deliveries.SHOWS if known == asked), "open")
    number = page_number(request.args.get("page", "1"))
    with runtime().database.snapshot(who.scope) as session:
        found = deliveries.page(session, who.scope, show, number)
    return render_template("admin/deliveries.html", found=found, show=show, words=wording)


@blueprint.get("/deliveries/<uuid:message_id>")
def delivery(message_id: uuid.UUID) -> str:
    """One delivery: what, for whom, what the other side said, and what can be done."""
    return _delivery_page(message_id, {}, "")


@blueprint.post("/deliveries/<uuid:message_id>/retry")
def retry(message_id: uuid.UUID) -> Response:
    """Try it once more, now."""
    who = administrator()
    with runtime().database.transaction(who.scope) as session:
        deliveries.retry(
            session, who.scope, message_id, actor_id=who.person_id, now=runtime().now()
        )
    flash(_("It will be tried again within seconds."), "good")
    return redirect(url_for("admin.deliveries"), 303)


@blueprint.post("/deliveries/<uuid:message_id>/drop")
def drop(message_id: uuid.UUID) -> ResponseReturnValue:
    """Decide that it is not to happen."""
    who = administrator()
    reason = request.form.get("reason", "")
    try:
        with runtime().database.transaction(who.scope) as session:
            deliveries.drop(
                session, who.scope, message_id, reason, actor_id=who.person_id, now=runtime().now()
            )
    except UnprocessableError as error:
        return _delivery_page(message_id, error.fields, reason), 422
    flash(_("It is dropped, and your reason is kept with it."), "good")
    return redirect(url_for("admin.deliveries"), 303)


def _delivery_page(message_id: uuid.UUID, errors: dict[str, object], reason: str) -> str:
    who = administrator()
    with runtime().database.snapshot(who.scope) as session:
        item = deliveries.one(session, who.scope, message_id)
        dropped_by = deliveries.name_of(session, item.dropped_by)
        told = changes.of(session, "outbox_messages", item.id)
    return render_template(
        "admin/delivery.html",
        item=item,
        dropped_by=dropped_by,
        told=told,
        words=wording,
        reason=reason,
        errors={name: str(text) for name, text in errors.items()},
    )
