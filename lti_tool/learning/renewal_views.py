"""The versions of one's own badge, and asking for its renewal."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from badges.achievements import service as achievements
from badges.awards import renewing, versions
from badges.awards import service as awards
from badges.awards.models import Award, Credential
from core.errors import NotFoundError, UnprocessableError
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.learning.blueprint import blueprint


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
    _award, credential = _own(award_id)
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


def _own(award_id: uuid.UUID) -> tuple[Award, Credential]:
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        award = awards.award(session, award_id, who.person_id)
        credential = awards.credential_of(session, award)
    if credential is None:
        raise NotFoundError(
            _("There is no badge of yours at this address."), code="credential_unknown"
        )
    return award, credential


def _page(award_id: uuid.UUID, typed: str, errors: dict[str, object]) -> str:
    award, credential = _own(award_id)
    return render_template(
        "learning/renewal.html",
        award=award,
        credential=credential,
        title=achievements.micro_credential(credential.version).name,
        words=typed,
        errors={name: str(text) for name, text in errors.items()},
        **versions_of(credential),
    )
