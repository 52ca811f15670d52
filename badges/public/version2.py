"""`/ob2/…`: Open Badges 2.0 hosted documents, one address each, and the pictures that hold them.

Open Badges 2.0, "Hosted Badges" (R54). People who open one in a browser are led to the badge's own
page, which says the same and more.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

from flask import Blueprint, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from badges.achievements.images import ImageStore
from badges.achievements.service import issuer_by_slug, public_version
from badges.awards.models import Credential
from badges.awards.service import public_credential
from badges.public import hosted
from badges.public.mounting import shared
from badges.public.negotiation import (
    DRAWING_POLICY,
    LD_TYPES,
    MACHINE_POLICY,
    allow_other_sites,
    chosen,
    document,
    prepared,
    to_json,
    wants_html,
)
from badges.public.pictures import drawing, tag
from core.web.app import runtime

pages = Blueprint("version2", __name__, url_prefix="/ob2")
pages.after_request(allow_other_sites)

MAX_AGE = 60


@pages.get("/assertions/<uuid:credential_id>")
def assertion(credential_id: uuid.UUID) -> AnyResponse:
    """The hosted assertion; 410 with the reason once it was revoked."""
    credential = _published(credential_id)
    if wants_html(LD_TYPES):
        return _page_of("credentials.show", credential_id=credential_id)
    try:
        body = hosted.assertion_document(credential, runtime().config.badge_url)
    except hosted.WithdrawnError as error:
        gone = document(to_json(error.document), chosen(LD_TYPES), max_age=MAX_AGE)
        if gone.status_code == 200:
            gone.status_code = error.status
        return gone
    return document(
        to_json(body), chosen(LD_TYPES), changed_at=credential.signed_at, max_age=MAX_AGE
    )


@pages.get("/assertions/<uuid:credential_id>.png")
def assertion_png(credential_id: uuid.UUID) -> Response:
    """The picture with the assertion inside."""
    return _picture(credential_id, "png", hosted.hosted_png, "image/png", MACHINE_POLICY)


@pages.get("/assertions/<uuid:credential_id>.svg")
def assertion_svg(credential_id: uuid.UUID) -> Response:
    """The drawing with the assertion inside."""
    return _picture(credential_id, "svg", hosted.hosted_svg, "image/svg+xml", DRAWING_POLICY)


@pages.get("/classes/<uuid:version_id>")
def badge_class(version_id: uuid.UUID) -> AnyResponse:
    """The badge class of a version of a micro-credential."""
    with runtime().database.snapshot() as session:
        version = public_version(session, version_id)
    if wants_html(LD_TYPES):
        return _page_of("achievements.show", version_id=version_id)
    body = to_json(hosted.class_document(version, runtime().config.badge_url))
    return document(body, chosen(LD_TYPES))


@pages.get("/issuers/<slug>")
def issuer(slug: str) -> AnyResponse:
    """The issuer's profile."""
    with runtime().database.snapshot() as session:
        found = issuer_by_slug(session, slug)
    if wants_html(LD_TYPES):
        return _page_of("issuers.show", slug=slug)
    return document(to_json(hosted.issuer_document(found, runtime().config.badge_url)), LD_TYPES[0])


def _picture(
    credential_id: uuid.UUID,
    form: str,
    make: Callable[[ImageStore, Credential, str], bytes],
    media_type: str,
    policy: str,
) -> Response:
    """The badge's picture with the assertion inside, made only for who has not got it."""
    credential, images = _published(credential_id), shared().images
    base = runtime().config.badge_url
    body = hosted.assertion_document(credential, base)
    return prepared(
        lambda: make(images, credential, base),
        media_type,
        tag=tag("ob2", form, body, drawing(images, credential.version)),
        changed_at=credential.signed_at,
        max_age=MAX_AGE,
        policy=policy,
        filename=f"badge-{credential_id}-ob2.{form}",
    )


def _page_of(endpoint: str, **values: object) -> AnyResponse:
    """To the page for people."""
    answer = redirect(url_for(endpoint, **values), code=302)  # type: ignore[arg-type]
    answer.headers["Cache-Control"] = f"public, max-age={MAX_AGE}"
    return answer


def _published(credential_id: uuid.UUID) -> Credential:
    with runtime().database.snapshot() as session:
        return public_credential(session, credential_id)
