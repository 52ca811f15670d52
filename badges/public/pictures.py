"""The pictures of a version, and of a credential with the proof inside.

Rasterised pictures are kept; baked ones are not: baking takes well under a millisecond, and a file
with somebody's name in it would outlive the day they take their badge back.
"""

from __future__ import annotations

import hashlib

from badges.achievements.images import ImageStore, render_svg
from badges.achievements.models import AchievementVersion
from badges.achievements.service import micro_credential
from badges.awards.baking import baked_png, baked_svg
from badges.awards.models import Credential

PICTURE_SIZE = 600


def drawing(version: AchievementVersion) -> str:
    """The badge of a version as SVG."""
    document = micro_credential(version)
    return render_svg(
        document.image, document.name, document.level, version.achievement.issuer.name
    )


def tag(*parts: object) -> str:
    """A short hash for ETags over whatever decides the picture."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def badge_png(images: ImageStore, credential: Credential) -> bytes:
    """The picture with the signed document inside, as PNG."""
    return baked_png(credential, images.png(drawing(credential.version), PICTURE_SIZE))


def badge_svg(credential: Credential) -> bytes:
    """The drawing with the signed document inside, as SVG."""
    return baked_svg(credential, drawing(credential.version).encode())
