"""Renewals: what holders asked, granted or declined by a lead."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from badges import ends
from badges.awards import renewing
from core.errors import UnprocessableError
from core.web.app import runtime
from core.web.buttons import pressed
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.issued import reading, words
from lti_tool.programme.issued.views import badge_page, leading


@blueprint.get("/issued/renewals")
def renewals() -> str:
    """What waits for an answer, the longest waiting first."""
    return _page(None, "", "", {})


@blueprint.post("/issued/renewals/<uuid:request_id>")
def answer_renewal(request_id: uuid.UUID) -> ResponseReturnValue:
    """Renew the badge, or say what is needed first."""
    who, now = leading(), runtime().now()
    answer, until = request.form.get("answer", ""), request.form.get("until", "").strip()
    granted = pressed("grant", "decline") == "grant"
    try:
        end = ends.read(until)
        with runtime().database.transaction(who.scope) as session:
            if granted:
                renewing.grant(
                    session, request_id, until=end, answer=answer, actor_id=who.person_id,
                    badge_url=runtime().config.badge_url, now=now,
                )  # fmt: skip
            else:
                renewing.decline(
                    session, request_id, answer=answer, actor_id=who.person_id, now=now
                )
    except UnprocessableError as error:
        return _page(request_id, answer, until, error.fields), 422
    flash(
        _("The badge is renewed and is being signed; its holder is told.")
        if granted
        else _("Your answer is kept, and its holder is told."),
        "good",
    )
    return redirect(url_for("programme.renewals"), 303)


@blueprint.post("/issued/<uuid:credential_id>/renew")
def renew_badge(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Renew a badge that nobody asked for."""
    who, until = leading(), request.form.get("until", "").strip()
    try:
        with runtime().database.transaction(who.scope) as session:
            renewing.renew(
                session, credential_id, until=ends.read(until), actor_id=who.person_id,
                badge_url=runtime().config.badge_url, now=runtime().now(),
            )  # fmt: skip
    except UnprocessableError as error:
        return badge_page(credential_id, until=until, errors=error.fields), 422
    flash(_("The badge is renewed and is being signed; its holder is told."), "good")
    return redirect(url_for("programme.issued_badge", credential_id=credential_id), 303)


def _page(about: uuid.UUID | None, answer: str, until: str, errors: dict[str, object]) -> str:
    who, now = leading(), runtime().now()
    with runtime().database.snapshot(who.scope) as session:
        asked = renewing.requests(session)
        rows = reading.rows_of(session, [credential for _request, credential in asked], now)
        ends = [renewing.next_end(credential, now) for _request, credential in asked]
    waiting = [
        (one, row, end) for (one, _credential), row, end in zip(asked, rows, ends, strict=True)
    ]
    return render_template(
        "programme/issued/renewals.html",
        waiting=waiting,
        about=about,
        answer=answer,
        until=until,
        own=who.person_id,
        words=words,
        errors={f"{name}-{about}": str(text) for name, text in errors.items()},
    )
