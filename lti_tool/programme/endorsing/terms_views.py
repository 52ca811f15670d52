"""The page of an issuer's terms of use."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from badges.achievements import issuers as profiles
from badges.achievements import terms
from badges.achievements.addresses import terms_url
from core.errors import ConflictError, UnprocessableError
from core.numbers import whole
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import authority


@blueprint.get("/issuers/<uuid:issuer_id>/terms")
def issuer_terms(issuer_id: uuid.UUID) -> str:
    """The terms that new badges name, to be read or replaced."""
    return _page(issuer_id, None, {})


@blueprint.post("/issuers/<uuid:issuer_id>/terms")
def publish_terms(issuer_id: uuid.UUID) -> ResponseReturnValue:
    """Publish the next terms; an empty text ends them."""
    who, shared = principal(), runtime()
    authority.require_lead(who)
    text = request.form.get("text", "")[: 2 * terms.MOST_LETTERS]
    seen = whole(request.form.get("seen", ""))
    try:
        with shared.database.transaction(who.scope) as session:
            issuer = profiles.find(session, issuer_id)
            authority.require_manager(who, issuer)
            made = terms.publish(
                session, issuer, text, seen=seen, actor_id=who.person_id, now=shared.now()
            )
    except UnprocessableError as error:
        faults = {name: str(said) for name, said in error.fields.items()}
        return _page(issuer_id, text, faults, seen), 422
    except ConflictError as error:
        return _page(issuer_id, text, {"": str(error.message)}), 409
    if made is None:
        flash(_("Nothing was different, so nothing was published."), "good")
    elif made.text:
        flash(_("Published. Badges accepted from now on name these terms."), "good")
    else:
        flash(_("Ended. Badges accepted from now on name no terms."), "good")
    return redirect(url_for("programme.issuer_terms", issuer_id=issuer_id), 303)


def _page(
    issuer_id: uuid.UUID, text: str | None, errors: dict[str, str], seen: int | None = None
) -> str:
    """`seen` is the version that the text was written over, where it is not the latest."""
    who, base = principal(), runtime().config.badge_url
    authority.require_lead(who)
    with runtime().database.snapshot(who.scope) as session:
        issuer = profiles.find(session, issuer_id)
        every = terms.every(session, issuer.id)
    latest = every[0] if every else None
    return render_template(
        "programme/endorsing/terms.html",
        issuer=issuer,
        latest=latest,
        seen=seen if seen is not None else (latest.number if latest else 0),
        text=text if text is not None else (latest.text if latest else ""),
        earlier=[(one, terms_url(base, issuer.slug, one.number)) for one in every if one.text],
        may_change=authority.manages(who, issuer),
        errors=errors,
    )
