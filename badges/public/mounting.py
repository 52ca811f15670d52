"""Mounting the public pages on an application, and what they share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app

from badges.achievements.images import ImageStore
from badges.public.kept import Kept
from badges.public.limits import RateLimit
from badges.public.negotiation import Packed
from core.runtime import Runtime
from keys.ring import KeyRing

VERIFICATIONS_PER_MINUTE = 30


@dataclass(frozen=True)
class Shared:
    """What the public views share in one process."""

    ring: KeyRing
    images: ImageStore
    verifications: RateLimit
    pages: Kept[Packed]


def install(app: Flask, ring: KeyRing) -> None:
    """Serve the public pages from `app`, a `core.web.app.make_app`."""
    from badges.public import (
        achievements,
        credentials,
        endorsements,
        evidence,
        issuers,
        portfolios,
        private_links,
        verify_page,
        version2,
    )
    from badges.wallets import views as wallets

    runtime: Runtime = app.extensions["milepost"]
    app.extensions["milepost_public"] = Shared(
        ring=ring,
        images=ImageStore(runtime.config.home / "cache" / "images", runtime.files),
        verifications=RateLimit(VERIFICATIONS_PER_MINUTE, seconds=60.0),
        pages=Kept(128),
    )
    for blueprint in (
        credentials.pages,
        evidence.pages,
        achievements.pages,
        issuers.pages,
        endorsements.pages,
        verify_page.pages,
        version2.pages,
        wallets.pages,
        portfolios.pages,
        private_links.pages,
    ):
        app.register_blueprint(blueprint)


def shared() -> Shared:
    """What the public views of this application share."""
    found: Shared = current_app.extensions["milepost_public"]
    return found
