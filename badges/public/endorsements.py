"""`/endorsements/<id>`: one issuer's word for another's work, as a page and signed; and terms.

An endorsement that the endorsed side does not show answers exactly as one that does not exist.
"""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, render_template, url_for

from badges.achievements.addresses import endorsement_url, issuer_url, terms_url
from badges.achievements.service import issuer_by_slug
from badges.achievements.terms import every, published
from badges.endorsements import service, targets
from badges.endorsements.models import Endorsement
from badges.public.negotiation import (
    VC_TYPES,
    allow_other_sites,
    chosen,
    document,
    page,
    wants_html,
    wants_token,
)
from badges.public.reading import domain_of
from core.web.app import runtime

pages = Blueprint("endorsements", __name__)
pages.after_request(allow_other_sites)

MAX_AGE = 60


@pages.get("/endorsements/<uuid:endorsement_id>")
def show(endorsement_id: uuid.UUID) -> Response:
    """The page where Accept names HTML, else the signed document."""
    base = runtime().config.badge_url
    with runtime().database.snapshot() as session:
        found = service.public(session, endorsement_id)
        target = targets.of(session, found, base)
    if wants_html():
        return page(_page(found, target, base), max_age=MAX_AGE)
    return _token(found) if wants_token() else _signed(found)


@pages.get("/endorsements/<uuid:endorsement_id>.json")
def show_json(endorsement_id: uuid.UUID) -> Response:
    """The signed document."""
    return _signed(_found(endorsement_id))


@pages.get("/endorsements/<uuid:endorsement_id>.jwt")
def show_jwt(endorsement_id: uuid.UUID) -> Response:
    """The endorsement as a VC-JWT."""
    return _token(_found(endorsement_id))


@pages.get("/issuers/<slug>/terms/<int:number>")
def terms(slug: str, number: int) -> Response:
    """The terms that a badge was given under, as they were then."""
    base = runtime().config.badge_url
    with runtime().database.snapshot() as session:
        issuer = issuer_by_slug(session, slug)
        found = published(session, issuer.id, number)
        latest = every(session, issuer.id)[0]
    newer = terms_url(base, slug, latest.number) if latest.number != number and latest.text else ""
    return page(
        render_template(
            "public/terms.html",
            issuer=issuer,
            terms=found,
            newer=newer,
            ended=latest.number != number and not latest.text,
            address=terms_url(base, slug, number),
            bar={"organisation": issuer.name, "home": issuer_url(base, slug)},
            verify_url=url_for("verify.form"),
        ),
        max_age=300,
    )


def _page(found: Endorsement, target: targets.Target, base: str) -> str:
    home = issuer_url(base, found.issuer.slug)
    now = runtime().now()
    return render_template(
        "public/endorsement.html",
        endorsement=found,
        target=target,
        domain=domain_of(found.issuer.did),
        expired=found.valid_until is not None and found.valid_until <= now,
        issuer_page=home,
        address=endorsement_url(base, found.id),
        bar={"organisation": found.issuer.name, "home": home},
        verify_url=url_for("verify.form"),
    )


def _found(endorsement_id: uuid.UUID) -> Endorsement:
    with runtime().database.snapshot() as session:
        return service.public(session, endorsement_id)


def _signed(found: Endorsement) -> Response:
    return document(
        found.document or "", chosen(VC_TYPES), changed_at=found.signed_at, max_age=MAX_AGE,
        filename=f"endorsement-{found.id}.json",
    )  # fmt: skip


def _token(found: Endorsement) -> Response:
    return document(
        found.jwt or "", "text/plain", changed_at=found.signed_at, max_age=MAX_AGE,
        filename=f"endorsement-{found.id}.jwt",
    )  # fmt: skip
