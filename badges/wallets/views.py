"""`/exchanges/<secret>`: where a wallet fetches a badge, and a page for whoever opens it by hand.

VC-API exchanges as Learner Credential Wallet and others speak them (R51, R52): an interaction
address answers with the protocols it offers; an empty POST with what is asked for; a POST with a
presentation with the badge. No session: the address is the secret.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from badges.achievements.service import micro_credential
from badges.openbadges.baking import bakeable_json
from badges.openbadges.contexts import CREDENTIALS_V2
from badges.openbadges.documents import JsonObject, as_list, parse_object
from badges.openbadges.errors import DocumentError
from badges.public.limits import RateLimit, Turns
from badges.public.mounting import shared
from badges.public.negotiation import allow_other_sites, wants_html
from badges.public.own_documents import OwnDocuments
from badges.public.verification import GuardedResolver
from badges.wallets import service
from badges.wallets.addresses import LEARNER_WALLET_SITE, exchange_url, learner_wallet_link
from core.errors import MilepostError, TooLargeError, UnprocessableError
from core.runtime import Runtime
from core.web.app import runtime
from core.web.errors import refusal
from core.web.i18n import filesize

pages = Blueprint("wallets", __name__, url_prefix="/exchanges")
pages.after_request(allow_other_sites)

MAX_BYTES = 64 * 1024
PER_MINUTE = 30


class ExchangeLimit(RateLimit):
    """How often anybody may talk to one exchange: a school's wallets share a network address."""

    @classmethod
    def of(cls, found: Runtime) -> ExchangeLimit:
        """The process's own."""
        return found.part(cls, lambda _runtime: cls(PER_MINUTE, seconds=60.0))


@pages.get("/<secret>")
def show(secret: str) -> Response | str:
    """The protocols for a wallet, a page for a browser."""
    settings = runtime()
    ExchangeLimit.of(settings).take(secret[:100])
    with settings.database.snapshot() as session:
        offer = service.find(session, settings, secret)
        badge = service.badge_of(session, offer.exchange)
    address = exchange_url(settings.config.badge_url, secret)
    taken = offer.exchange.state(settings.now()) == "taken"
    machine = not wants_html(("application/json",))
    if machine or not taken:
        service.ask(offer, address, settings.now())  # raises where it is over
    if machine:
        return _json({"protocols": {"vcapi": address}})
    made = micro_credential(badge.version)
    left = offer.exchange.expires_at - settings.now()
    page = Response(
        render_template(
            "wallets/exchange.html",
            taken=taken,
            name=made.name,
            image=url_for("achievements.image_svg", version_id=badge.achievement_version_id),
            issuer=badge.issuer.name,
            issuer_page=url_for("issuers.show", slug=badge.issuer.slug),
            link=learner_wallet_link(address, issuer=badge.issuer.did, challenge=offer.challenge),
            address=f"{address}?iuv=1",
            wallet_site=LEARNER_WALLET_SITE,
            minutes=max(1, round(left.total_seconds() / 60)),
            bar={
                "organisation": badge.issuer.name,
                "home": url_for("issuers.show", slug=badge.issuer.slug),
            },
            verify_url=url_for("verify.form"),
        ),
        mimetype="text/html",
    )
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


@pages.post("/<secret>")
def talk(secret: str) -> Response:
    """What is asked for, or for a presentation the badge.

    A presentation inside `verifiablePresentation` is answered with one (VC-API); one that is the
    whole body, with the credential itself.
    """
    settings = runtime()
    ExchangeLimit.of(settings).take(secret[:100])
    body = _body()
    wrapped = body.get("verifiablePresentation")
    bare = "VerifiablePresentation" in as_list(body.get("type"))
    if wrapped is None and not bare:
        with settings.database.snapshot() as session:
            offer = service.find(session, settings, secret)
        address = exchange_url(settings.config.badge_url, secret)
        asked = service.ask(offer, address, settings.now())
        return _json({"verifiablePresentationRequest": asked})
    presentation = body if bare else wrapped
    if not isinstance(presentation, dict):
        raise UnprocessableError(
            _("What was sent is not a presentation of a wallet."), code="presentation_invalid"
        )
    with Turns.of(settings).taken():
        credential = service.take(
            settings,
            shared().ring,
            secret,
            presentation,
            resolver=GuardedResolver(OwnDocuments(settings, shared().ring)),
            domain_required=not bare,
        )
    if bare:
        return _json(credential, "application/vc+ld+json")
    answer = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [credential],
    }
    return _json({"verifiablePresentation": answer})


@pages.errorhandler(MilepostError)
def refused(error: MilepostError) -> Response:
    """Wallets read problems as JSON (RFC 9457); browsers get a page."""
    if request.method != "POST" and wants_html(("application/json",)):
        return refusal(error)
    answer = _json(
        {
            "type": f"urn:milepost:{error.code}",
            "title": str(error.title or error.message),
            "status": error.status,
            "detail": str(error.message),
        },
        "application/problem+json",
    )
    answer.status_code = error.status
    answer.headers.update(error.headers)
    return answer


def _body() -> JsonObject:
    """The JSON object that was posted; nothing at all is an empty one."""
    if (request.content_length or 0) > MAX_BYTES:
        raise TooLargeError(
            _(
                "What was sent is %(size)s; at most %(limit)s are read here.",
                size=filesize(request.content_length or 0),
                limit=filesize(MAX_BYTES),
            ),
            code="request_too_large",
            advice=_("Send the presentation alone: the empty object asks what is wanted."),
        )
    data = request.get_data(cache=False)
    if not data.strip():
        return {}
    try:
        return parse_object(data, limit=MAX_BYTES)
    except DocumentError as error:
        raise UnprocessableError(
            _("What was sent could not be read."), code="bad_request"
        ) from error


def _json(body: JsonObject, media_type: str = "application/json") -> Response:
    # One wallet replaces HTML entities before it reads JSON, so none may stand in it.
    answer = Response(bakeable_json(body), content_type=media_type)
    answer.headers["Cache-Control"] = "no-store"
    return answer
