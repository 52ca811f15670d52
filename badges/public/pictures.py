"""The pictures of a version, and of a credential with the proof inside.

Rasterised pictures are kept; baked ones are not: baking takes well under a millisecond, and a file
with somebody's name in it would outlive the day they take their badge back.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from badges.achievements.document import ImageChoice
from badges.achievements.images import ImageStore, render_svg
from badges.achievements.images.pictures import PNG
from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.service import micro_credential
from badges.awards.baking import baked_png, baked_svg
from badges.awards.models import Credential

PICTURE_SIZE = 600


def drawing(images: ImageStore, version: AchievementVersion) -> str:
    """The badge of a version as SVG: the issuer's own picture, where there is one, or ours."""
    document = micro_credential(version)
    own = images.own(document.image.upload) if document.image.upload else None
    if own is not None:
        return own
    return _drawn(document.image, document.name, document.level, version.achievement.issuer.name)


# The same few are asked for again and again: one for each badge that is taken.
@lru_cache(maxsize=256)
def _drawn(image: ImageChoice, name: str, level: str, issuer: str) -> str:
    return render_svg(image, name, level, issuer)


def logo(images: ImageStore, issuer: Issuer) -> bytes | None:
    """The issuer's logo as PNG, which every wallet shows; None where it has none."""
    picture = images.picture(issuer.image) if issuer.image else None
    if picture is None:
        return None
    if picture.media_type == PNG:
        return picture.data
    return images.png(picture.as_svg(), PICTURE_SIZE)


def tag(*parts: object) -> str:
    """A short hash for ETags over whatever decides the picture."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def badge_png(images: ImageStore, credential: Credential) -> bytes:
    """The picture with the signed document inside, as PNG."""
    return baked_png(credential, images.png(drawing(images, credential.version), PICTURE_SIZE))


def badge_svg(images: ImageStore, credential: Credential) -> bytes:
    """The drawing with the signed document inside, as SVG."""
    return baked_svg(credential, drawing(images, credential.version).encode())
