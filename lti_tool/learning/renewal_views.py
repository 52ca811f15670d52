"""The versions of one's own badge, and asking for its renewal."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from badges.achievements import service as achievements
from badges.awards import renewing, versions
from badges.awards.models import Credential
from core.errors import UnprocessableError
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.own import own_badge


def versions_of(credential: Credential) -> dict[str, Any]:
    """What one's own badge page says of its versions: `history`, `waits` and `renewal`."""
    with runtime().database.snapshot(principal().scope) as session:
        history = versions.history(session, credential.id)
        renewal = renewing.standing(session, credential, runtime().now())
    waits = any(one.signed_at is None and one.replaced_at is None for one in history)
    return {"history": history, "waits": waits, "renewal": renewal}


@blueprint.get("/badges/<uuid:award_id>/renewal")
def renewal(award_id: uuid.UUID) -> str:
    """Ask for another while, or read what was answered."""
    return _page(award_id, "", {})


@blueprint.post("/badges/<uuid:award_id>/renewal")
def ask_renewal(award_id: uuid.UUID) -> ResponseReturnValue:
    """Ask, or take back what was asked."""
    who, now = principal(), runtime().now()
    words = request.form.get("words", "")
    with runtime().database.snapshot(who.scope) as session:
        _award, credential = own_badge(session, award_id, who.person_id)
    if request.form.get("do") == "withdraw":
        with runtime().database.transaction(who.scope) as session:
            asked = renewing.standing(session, credential, now).asked
            if asked is not None:
                renewing.withdraw(session, asked.id, who.person_id, now)
        flash(_("You have taken it back."), "good")
        return redirect(url_for("learning.claim", award_id=award_id), 303)
    try:
        with runtime().database.transaction(who.scope) as session:
            made = renewing.ask(
                session, credential.id, who.person_id, words,
                badge_url=runtime().config.badge_url, now=now,
            )  # fmt: skip
    except UnprocessableError as error:
        return _page(award_id, words, error.fields), 422
    flash(
        _("Your badge is renewed: what you did since meets all that it asks for.")
        if made.state == "granted"
        else _("You have asked. Your programme lead answers, and you are told."),
        "good",
    )
    return redirect(url_for("learning.claim", award_id=award_id), 303)


def _page(award_id: uuid.UUID, typed: str, errors: dict[str, object]) -> str:
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        award, credential = own_badge(session, award_id, who.person_id)
    return render_template(
        "learning/renewal.html",
        award=award,
        credential=credential,
        title=achievements.micro_credential(credential.version).name,
        words=typed,
        errors={name: str(text) for name, text in errors.items()},
        **versions_of(credential),
    )
