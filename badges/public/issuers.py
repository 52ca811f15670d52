"""Issuers, their keys and their status lists: what a verifier asks an issuer for.

`did:web` (did.json), one JWK per address (R27), Bitstring Status List 1.0 (R30, R31).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.addresses import issuer_url, terms_url
from badges.achievements.models import Achievement, AchievementVersion, Issuer
from badges.achievements.service import (
    issuer_by_slug,
    issuer_document,
    issuer_keys,
    micro_credential,
)
from badges.achievements.terms import in_force
from badges.awards.status import signed_list
from badges.endorsements.additions import of_issuer, shown
from badges.endorsements.models import Endorsement
from badges.public.mounting import shared
from badges.public.negotiation import (
    DID_TYPES,
    LD_TYPES,
    VC_LD_JSON,
    VC_TYPES,
    allow_other_sites,
    chosen,
    document,
    named,
    page,
    prepared,
    to_json,
    wants_html,
)
from badges.public.own_documents import profile
from badges.public.pictures import logo
from badges.public.praise import praise_of
from badges.public.reading import domain_of
from core.errors import NotFoundError
from core.scope import unscoped
from core.web.app import runtime

pages = Blueprint("issuers", __name__)
pages.after_request(allow_other_sites)

PICTURE_AGE = 3600


@pages.get("/issuers/<slug>")
def show(slug: str) -> Response:
    """The page where Accept names HTML, else the Profile."""
    base = runtime().config.badge_url
    with runtime().database.snapshot() as session:
        issuer = issuer_by_slug(session, slug)
        if not wants_html(LD_TYPES):
            praise = of_issuer(session, issuer, runtime().now())
            return document(to_json(profile(issuer, base, praise)), chosen(LD_TYPES))
        context = _context(session, issuer, base)
    return page(render_template("public/issuer.html", **context), max_age=300)


@pages.get("/issuers/<slug>/image")
def image(slug: str) -> Response:
    """The issuer's logo, as badges and profiles name it."""
    with runtime().database.snapshot() as session:
        issuer = issuer_by_slug(session, slug)
    found = logo(shared().images, issuer)
    if found is None:
        raise NotFoundError(_("This issuer has no logo."), code="picture_unknown")
    return prepared(lambda: found, "image/png", tag=issuer.image or "", max_age=PICTURE_AGE)


@pages.get("/issuers/<slug>/did.json")
def did(slug: str) -> Response:
    """The issuer's DID document: every key that ever signed for it and was not withdrawn."""
    with runtime().database.snapshot() as session:
        body = to_json(issuer_document(session, issuer_by_slug(session, slug)))
    return document(body, chosen(DID_TYPES), max_age=60)


@pages.get("/keys/<kid>")
def key(kid: str) -> Response:
    """One public JWK, as the `kid` of a VC-JWT names it."""
    return document(to_json(shared().ring.jwk(kid)), "application/json", max_age=60)


@pages.get("/status/<uuid:list_id>")
def status(list_id: uuid.UUID) -> Response:
    """A signed status list: JSON with an embedded proof, or a JWT where Accept asks for one.

    Caches ask every time whether theirs still holds: a revocation shows within a second.
    """
    found = signed_list(runtime(), shared().ring, list_id)
    _token, token_wanted = named(request.accept_mimetypes, ("application/vc+jwt",))
    _json, json_wanted = named(request.accept_mimetypes, VC_TYPES)
    if token_wanted > json_wanted:
        return document(found.jwt, "application/vc+jwt", changed_at=found.signed_at, max_age=0)
    return document(
        found.document, chosen(VC_TYPES) or VC_LD_JSON, changed_at=found.signed_at, max_age=0
    )


def offered(session: Session, issuer: Issuer) -> Sequence[AchievementVersion]:
    """What an issuer offers now, as its public page lists it."""
    with unscoped(session, "what an issuer offers now is on its public page"):
        return session.scalars(
            select(AchievementVersion)
            .join(Achievement, Achievement.current_version_id == AchievementVersion.id)
            .where(Achievement.issuer_id == issuer.id)
            .order_by(AchievementVersion.published_at, AchievementVersion.id)
        ).all()


def _context(session: Session, issuer: Issuer, base: str) -> dict[str, Any]:
    offers = [
        {
            "title": micro_credential(version).name,
            "level": micro_credential(version).level,
            "minutes": micro_credential(version).minutes,
            "page": url_for("achievements.show", version_id=version.id),
            "image": url_for("achievements.image_svg", version_id=version.id),
        }
        for version in offered(session, issuer)
    ]
    home, terms = issuer_url(base, issuer.slug), in_force(session, issuer.id)
    return {
        "issuer": issuer,
        "domain": domain_of(issuer.did),
        "site": domain_of(issuer.url or ""),
        "keys": issuer_keys(session, issuer),
        "offers": offers,
        "address": home,
        "did_address": f"{home}/did.json",
        "praise": praise_of(
            shown(session, Endorsement.about_issuer_id == issuer.id, runtime().now()), base
        ),
        "terms": terms_url(base, issuer.slug, terms.number) if terms else "",
        "bar": {"organisation": issuer.name, "home": home},
        "verify_url": url_for("verify.form"),
    }
