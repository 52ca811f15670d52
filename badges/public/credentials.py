"""`/credentials/<id>`: a published badge as a page, and as every document it can be.

A badge that its holder has not published answers exactly as one that does not exist.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import get_locale

from badges.achievements.addresses import achievement_image_url, credential_url, issuer_url
from badges.achievements.service import micro_credential
from badges.awards.models import Credential
from badges.awards.reading import SignedForm
from badges.awards.service import public_credential
from badges.public import words
from badges.public.mounting import shared
from badges.public.negotiation import (
    DRAWING_POLICY,
    JWT_TYPES,
    VC_TYPES,
    allow_other_sites,
    chosen,
    document,
    named,
    page,
    prepared,
    wants_html,
)
from badges.public.pictures import badge_png, badge_svg, drawing, tag
from badges.public.reading import ShownBadge, read_badge
from badges.public.sharing import linkedin_address
from core.web.app import runtime

pages = Blueprint("credentials", __name__, url_prefix="/credentials")
pages.after_request(allow_other_sites)
words.install(pages)

MAX_AGE = 60


@pages.get("/<uuid:credential_id>")
def show(credential_id: uuid.UUID) -> Response:
    """The page where Accept names HTML, else the signed document."""
    if wants_html():
        return page(_kept_page(_published(credential_id)), max_age=MAX_AGE)
    _jwt, token_wanted = named(request.accept_mimetypes, JWT_TYPES)
    _json, json_wanted = named(request.accept_mimetypes, VC_TYPES)
    if token_wanted > json_wanted:
        return _token(credential_id)
    return _signed(credential_id)


@pages.get("/<uuid:credential_id>.json")
def show_json(credential_id: uuid.UUID) -> Response:
    """The signed document."""
    return _signed(credential_id)


@pages.get("/<uuid:credential_id>.jwt")
def show_jwt(credential_id: uuid.UUID) -> Response:
    """The badge as a VC-JWT; as plain text, which every known reader takes (R35)."""
    return _token(credential_id)


@pages.get("/<uuid:credential_id>.png")
def show_png(credential_id: uuid.UUID) -> Response:
    """The picture with the signed document inside."""
    credential = _published(credential_id)
    return prepared(
        lambda: badge_png(shared().images, credential),
        "image/png",
        tag=tag("png", credential.document, drawing(credential.version)),
        changed_at=credential.signed_at,
        max_age=MAX_AGE,
        filename=f"badge-{credential.id}.png",
    )


@pages.get("/<uuid:credential_id>.svg")
def show_svg(credential_id: uuid.UUID) -> Response:
    """The drawing with the signed document inside."""
    credential = _published(credential_id)
    return prepared(
        lambda: badge_svg(credential),
        "image/svg+xml",
        tag=tag("svg", credential.document, drawing(credential.version)),
        changed_at=credential.signed_at,
        max_age=MAX_AGE,
        policy=DRAWING_POLICY,
        filename=f"badge-{credential.id}.svg",
    )


@dataclass(frozen=True)
class Standing:
    """How a badge stands now, from our own records: valid, revoked, expired or early."""

    state: str
    at: datetime
    reason: str | None = None


def standing(credential: Credential, shown: ShownBadge, now: datetime) -> Standing:
    """What the page says of the badge's validity."""
    if credential.state == "revoked":
        return Standing("revoked", credential.revoked_at or now, credential.revocation_reason)
    if shown.valid_until is not None and shown.valid_until <= now:
        return Standing("expired", shown.valid_until)
    if shown.valid_from is not None and shown.valid_from > now:
        return Standing("early", shown.valid_from)
    return Standing("valid", now)


def _kept_page(credential: Credential) -> str:
    """The page, rendered once a minute in each language: it says at what minute it was checked."""
    key = (
        credential.id,
        credential.document,
        credential.state,
        credential.revocation_reason,
        credential.issuer.name,
        str(get_locale()),
        runtime().now().replace(second=0, microsecond=0),
    )
    return shared().pages.get(
        key,
        lambda: render_template(
            "public/credential.html", **page_context(credential, private=False)
        ),
    )


def page_context(credential: Credential, *, private: bool) -> dict[str, Any]:
    """What the page's template needs, from the signed document itself wherever it says it."""
    settings = runtime()
    now, base = settings.now(), settings.config.badge_url
    shown = read_badge(json.loads(credential.document or "{}"))
    address = credential_url(base, credential.id)
    made = micro_credential(credential.version)
    issuer_page = issuer_url(base, credential.issuer.slug)
    return {
        "badge": shown,
        "standing": standing(credential, shown, now),
        "level": made.level,
        "minutes": made.minutes,
        "credential": credential,
        "private": private,
        "address": address,
        "image": url_for("achievements.image_svg", version_id=credential.achievement_version_id),
        "og_image": achievement_image_url(base, credential.achievement_version_id),
        "achievement_page": url_for(
            "achievements.show", version_id=credential.achievement_version_id
        ),
        "issuer_page": issuer_page,
        "linkedin": linkedin_address(
            name=shown.name,
            organisation=shown.issuer_name or credential.issuer.name,
            issued_at=shown.issued_at or credential.awarded_at,
            expires_at=shown.valid_until,
            page=address,
            credential_id=str(credential.id),
        ),
        "bar": {"organisation": credential.issuer.name, "home": issuer_page},
        "verify_url": url_for("verify.form"),
    }


def _published(credential_id: uuid.UUID, *, only: SignedForm | None = None) -> Credential:
    with runtime().database.snapshot() as session:
        return public_credential(session, credential_id, only=only)


def _signed(credential_id: uuid.UUID) -> Response:
    credential = _published(credential_id, only="document")
    return document(
        credential.document or "",
        chosen(VC_TYPES),
        changed_at=credential.signed_at,
        max_age=MAX_AGE,
        filename=f"badge-{credential.id}.json",
    )


def _token(credential_id: uuid.UUID) -> Response:
    credential = _published(credential_id, only="jwt")
    return document(
        credential.jwt or "",
        "text/plain",
        changed_at=credential.signed_at,
        max_age=MAX_AGE,
        filename=f"badge-{credential.id}.jwt",
    )
