"""An issuer's logo: the picture that wallets and pages show beside its name."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from badges.achievements import issuers as profiles
from badges.achievements.images.uploads import LEAST_LOGO
from badges.achievements.models import Issuer
from core.web.app import runtime
from core.web.sessions import principal
from lti_tool.programme.blueprint import blueprint
from lti_tool.programme.catalogue import authority
from lti_tool.programme.images.picture_views import kept_picture, take_in, told


@blueprint.get("/issuers/<uuid:issuer_id>/image")
def issuer_image(issuer_id: uuid.UUID) -> str:
    """The logo as it is, and one that was just taken in."""
    issuer = _issuer(issuer_id)
    own, left = request.args.get("own", ""), request.args.get("left", "")
    return _page(issuer, own=own if kept_picture(own) else "", left_out=tuple(left.split(",")))


@blueprint.post("/issuers/<uuid:issuer_id>/image/own")
def own_issuer_image(issuer_id: uuid.UUID) -> ResponseReturnValue:
    """Take in a picture, clean it and show it. It is used by the next step."""
    issuer = _issuer(issuer_id)
    here = url_for("programme.issuer_image", issuer_id=issuer_id)
    return take_in(
        here, lambda faults: _page(issuer, faults=faults), least=LEAST_LOGO, square=False
    )


@blueprint.post("/issuers/<uuid:issuer_id>/image")
def save_issuer_image(issuer_id: uuid.UUID) -> ResponseReturnValue:
    """Use the picture that was shown, or none (`do` is `remove`)."""
    _issuer(issuer_id)
    who, shared = principal(), runtime()
    removes = request.form.get("do") == "remove"
    picture = None if removes else kept_picture(request.form.get("own", ""), required=True)
    with shared.database.transaction(who.scope) as session:
        profiles.set_picture(session, issuer_id, picture, actor_id=who.person_id, now=shared.now())
    if removes:
        flash(_("The logo is taken away. Badges signed before keep naming its address."))
    else:
        flash(
            _("Saved. Badges signed from now on carry it; earlier ones stay as they are."), "good"
        )
    return redirect(url_for("programme.issuer_image", issuer_id=issuer_id), 303)


def _issuer(issuer_id: uuid.UUID) -> Issuer:
    who = principal()
    authority.require_lead(who)
    with runtime().database.snapshot(who.scope) as session:
        found = profiles.find(session, issuer_id)
    authority.require_manager(who, found)
    return found


def _page(
    issuer: Issuer,
    *,
    own: str = "",
    left_out: tuple[str, ...] = (),
    faults: dict[str, str] | None = None,
) -> str:
    return render_template(
        "programme/images/issuer.html",
        issuer=issuer,
        own=own,
        left_out=told(left_out),
        errors=faults or {},
    )
