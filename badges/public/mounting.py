"""Mounting the public pages on an application, and what they share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from badges.achievements.images import ImageStore
from badges.public.kept import PageCache
from badges.public.limits import RateLimit
from core.runtime import Runtime
from keys.ring import KeyRing

VERIFICATIONS_PER_MINUTE = 30


@dataclass(frozen=True)
class Shared:
    """What the public views share in one process."""

    ring: KeyRing
    images: ImageStore
    verifications: RateLimit
    pages: PageCache


def install(app: Flask, ring: KeyRing) -> None:
    """Serve the public pages from `app`, a `core.web.app.make_app`."""
    from badges.public import achievements, credentials, issuers, verify_page

    runtime: Runtime = app.extensions["milepost"]
    app.extensions["milepost_public"] = Shared(
        ring=ring,
        images=ImageStore(runtime.config.home / "cache" / "images"),
        verifications=RateLimit(VERIFICATIONS_PER_MINUTE, seconds=60.0),
        pages=PageCache(),
    )
    for blueprint in (credentials.pages, achievements.pages, issuers.pages, verify_page.pages):
        app.register_blueprint(blueprint)


def shared() -> Shared:
    """What the public views of this application share."""
    found: Shared = current_app.extensions["milepost_public"]
    return found
