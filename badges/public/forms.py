"""Every form that a signed badge can be served in, whether it is published or opened by a link."""

from __future__ import annotations

import json
from typing import Final

from flask import Response, request

from badges.awards.models import Credential
from badges.public.certificate import certificate_pdf
from badges.public.certificate_words import certificate_words
from badges.public.kept import Kept
from badges.public.limits import RateLimit
from badges.public.mounting import shared
from badges.public.negotiation import DRAWING_POLICY, VC_TYPES, chosen, document, prepared
from badges.public.pictures import PICTURE_SIZE, badge_png, badge_svg, drawing, tag
from badges.public.reading import read_badge
from core.runtime import Runtime
from core.web.app import runtime

FORMS: Final = ("json", "jwt", "png", "svg", "pdf")
MAX_AGE: Final = 60
_PER_MINUTE: Final = 20


class Certificates:
    """The latest certificates, and how many an asker may have drawn in a minute."""

    def __init__(self) -> None:
        self.made: Kept[bytes] = Kept(32)
        self.askers = RateLimit(_PER_MINUTE, seconds=60.0)

    @classmethod
    def of(cls, shared_runtime: Runtime) -> Certificates:
        """The process's own."""
        return shared_runtime.part(cls, lambda _runtime: cls())


def answer(credential: Credential, form: str, *, page: str, max_age: int = MAX_AGE) -> Response:
    """The answer with `form`, one of `FORMS`.

    Args:
        credential: with its signed forms loaded.
        form: see `FORMS`.
        page: the address that a certificate's QR code leads to.
        max_age: how many seconds caches may keep a file.
    """
    name, images, changed = f"badge-{credential.id}.{form}", shared().images, credential.signed_at
    if form in ("json", "jwt"):
        text, kind = (
            (credential.document, chosen(VC_TYPES))
            if form == "json"
            else (credential.jwt, "text/plain")
        )
        return document(text or "", kind, changed_at=changed, max_age=max_age, filename=name)
    if form == "pdf":
        return certificate(credential, page)
    picture = drawing(images, credential.version)
    same = tag(form, credential.document, picture)
    if form == "png":
        return prepared(
            lambda: badge_png(images, credential), "image/png",
            tag=same, changed_at=changed, max_age=max_age, filename=name,
        )  # fmt: skip
    return prepared(
        lambda: badge_svg(images, credential), "image/svg+xml",
        tag=same, changed_at=changed, max_age=max_age, policy=DRAWING_POLICY, filename=name,
    )  # fmt: skip


def certificate(credential: Credential, page: str) -> Response:
    """The PDF certificate in the reader's language; a badge that does not hold says so on it.

    Raises TooManyRequestsError where one asker wants many.
    """
    images, drawn = shared().images, Certificates.of(runtime())
    shown = read_badge(json.loads(credential.document or "{}"))
    words = certificate_words(credential, shown, page, runtime().now())
    picture = drawing(images, credential.version)
    same = tag("pdf", words, picture)

    def draw() -> bytes:
        drawn.askers.take(request.remote_addr or "-")
        return certificate_pdf(words, images.png(picture, PICTURE_SIZE))

    found = prepared(
        lambda: drawn.made.get(same, draw), "application/pdf",
        tag=same, max_age=0, filename=f"certificate-{credential.id}.pdf",
    )  # fmt: skip
    found.vary.add("Accept-Language")
    return found
