"""A signed credential inside its badge's picture (Open Badges 3.0, section 5.3)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from badges.awards.models import Credential
from badges.openbadges import baking
from core.errors import ConflictError


def baked_png(credential: Credential, image: bytes) -> bytes:
    """`image` (PNG) with the credential's JSON in it.

    Raises ConflictError before it is signed, BakingError for an image that is not a PNG.
    """
    return baking.bake_png(image, _text(credential))


def baked_svg(credential: Credential, image: bytes) -> bytes:
    """`image` (SVG) with the credential's JSON in it; errors as `baked_png`."""
    return baking.bake_svg(image, _text(credential))


def _text(credential: Credential) -> str:
    if credential.document is None:
        raise ConflictError(
            _("This badge is still being signed. That takes a moment; please try again."),
            code="credential_unsigned",
        )
    return baking.bakeable_text(credential.document)
