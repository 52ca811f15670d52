"""Putting one's own badge into a wallet: the link and the code, and what became of them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from flask import redirect, render_template, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from badges.achievements import service as achievements
from badges.achievements.addresses import credential_url
from badges.awards.models import Credential
from badges.wallets import qr
from badges.wallets import service as wallets
from badges.wallets.addresses import (
    LEARNER_WALLET_SITE,
    exchange_url,
    interaction_url,
    learner_wallet_link,
)
from core.web.app import runtime
from core.web.i18n import datetime_abs
from core.web.sessions import principal
from keys.shared import ring_of
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.own import own_signed


@blueprint.get("/badges/<uuid:award_id>/wallet")
def wallet(award_id: uuid.UUID) -> str | Response:
    """The ways into a wallet, and how far the last link has come."""
    who, shared = principal(), runtime()
    with shared.database.snapshot(who.scope) as session:
        credential = own_signed(session, award_id, who.person_id)
        if credential.state != "signed":
            # The badge's own page says what is the matter.
            return redirect(url_for("learning.claim", award_id=award_id), 303)
        offer = wallets.latest(session, shared, credential.id)
    return render_template(
        "learning/wallet.html",
        award_id=award_id,
        name=achievements.micro_credential(credential.version).name,
        published=credential.published_at is not None,
        json_address=f"{credential_url(shared.config.badge_url, credential.id)}.json",
        wallet_site=LEARNER_WALLET_SITE,
        holder=_holder(credential),
        **_shown(offer, credential),
    )


@blueprint.post("/badges/<uuid:award_id>/wallet")
def wallet_offer(award_id: uuid.UUID) -> Response:
    """Make a link; the one before ends."""
    who, shared = principal(), runtime()
    with shared.database.transaction(who.scope) as session:
        credential = own_signed(session, award_id, who.person_id)
        wallets.start(session, shared, credential, who.person_id)
    return redirect(url_for("learning.wallet", award_id=award_id), 303)


@blueprint.post("/badges/<uuid:award_id>/wallet/stop")
def wallet_stop(award_id: uuid.UUID) -> Response:
    """End the link that waits."""
    who, shared = principal(), runtime()
    with shared.database.transaction(who.scope) as session:
        credential = own_signed(session, award_id, who.person_id)
        wallets.stop(session, credential.id, shared.now())
    return redirect(url_for("learning.wallet", award_id=award_id), 303)


@blueprint.post("/badges/<uuid:award_id>/wallet/release")
def wallet_release(award_id: uuid.UUID) -> Response:
    """Take the wallet's key out of the badge again."""
    who, shared = principal(), runtime()
    with shared.database.snapshot(who.scope) as session:
        credential = own_signed(session, award_id, who.person_id)
    wallets.release(shared, ring_of(shared), credential.id, who.person_id)
    return redirect(url_for("learning.wallet", award_id=award_id), 303)


def _shown(offer: wallets.Offer | None, credential: Credential) -> dict[str, Any]:
    """How far the last link has come, and while it waits all that a wallet needs."""
    if offer is None:
        return {"state": ""}
    exchange, base = offer.exchange, runtime().config.badge_url
    shown: dict[str, Any] = {"state": exchange.state(runtime().now())}
    if shown["state"] == "taken":
        return {**shown, "taken_at": datetime_abs(exchange.used_at or exchange.expires_at)}
    if shown["state"] == "expired":
        return shown
    interaction = interaction_url(base, offer.secret)
    return {
        **shown,
        "until": datetime_abs(exchange.expires_at),
        "interaction": interaction,
        "qr": Markup(qr.drawing(interaction)),  # noqa: S704 - drawn just now
        "link": learner_wallet_link(
            exchange_url(base, offer.secret),
            issuer=credential.issuer.did,
            challenge=offer.challenge,
        ),
    }


def _holder(credential: Credential) -> str:
    """The DID that the badge is bound to; empty for one that is bound to nobody."""
    subject = json.loads(credential.document or "{}").get("credentialSubject", {})
    named = str(subject.get("id", ""))
    return named if named.startswith("did:") else ""
