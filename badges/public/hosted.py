"""The Open Badges 2.0 form of what is public here, for backpacks that read nothing newer.

Made from the signed documents of 3.0 whenever somebody asks, so that it follows every change. An
assertion names its earner by the salted hash of a verified address; a badge without one has none.
"""

from __future__ import annotations

import json
from typing import Any

from flask_babel import lazy_gettext as _

from badges.achievements.addresses import (
    assertion_2_url,
    class_2_url,
    issuer_2_url,
    issuer_url,
)
from badges.achievements.images import ImageStore
from badges.achievements.models import AchievementVersion, Issuer
from badges.awards.building import achievement, issuer_profile
from badges.awards.models import Credential
from badges.openbadges import version2_issue as version2
from badges.openbadges.baking import bake_version_2
from badges.public.pictures import PICTURE_SIZE, drawing
from core.errors import GoneError, NotFoundError


class WithdrawnError(GoneError):
    """An assertion was revoked; `document` is what 2.0 says at its address then."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(_("This badge was withdrawn by its issuer."), code="assertion_revoked")
        self.document = document


def issuer_document(issuer: Issuer, badge_url: str) -> dict[str, Any]:
    """The issuer's Profile of 2.0."""
    profile = issuer_profile(issuer, badge_url).to_dict()
    address = issuer_2_url(badge_url, issuer.slug)
    return version2.issuer(profile, address, newer=issuer_url(badge_url, issuer.slug))


def class_document(version: AchievementVersion, badge_url: str) -> dict[str, Any]:
    """The BadgeClass of a version."""
    return version2.badge_class(
        achievement(version, badge_url).to_dict(),
        class_2_url(badge_url, version.id),
        issuer=issuer_2_url(badge_url, version.achievement.issuer.slug),
    )


def assertion_document(credential: Credential, badge_url: str) -> dict[str, Any]:
    """The Assertion of a published credential.

    Raises NotFoundError for a badge that names no address, WithdrawnError for a revoked one.
    """
    address = assertion_2_url(badge_url, credential.id)
    made = version2.assertion(
        json.loads(credential.document or "{}"),
        address,
        badge=class_2_url(badge_url, credential.achievement_version_id),
        image=f"{address}.png",
    )
    if made is None:
        raise NotFoundError(
            _("This badge names no e-mail address, so it has no Open Badges 2.0 form."),
            code="assertion_unknown",
        )
    if credential.state == "revoked":
        raise WithdrawnError(version2.revoked(address, credential.revocation_reason))
    return made


def hosted_png(images: ImageStore, credential: Credential, badge_url: str) -> bytes:
    """The picture with the assertion of 2.0 inside; raises as `assertion_document`."""
    document = assertion_document(credential, badge_url)
    return bake_version_2(images.png(drawing(images, credential.version), PICTURE_SIZE), document)


def hosted_svg(images: ImageStore, credential: Credential, badge_url: str) -> bytes:
    """The drawing with the assertion of 2.0 inside; raises as `assertion_document`."""
    document = assertion_document(credential, badge_url)
    return bake_version_2(drawing(images, credential.version).encode(), document)
