"""Baking a credential into a PNG or SVG, and taking it out again.

Open Badges 3.0, section 5.3. Images of Open Badges 2.0 are read through openbadges-bakery,
which knows that format alone.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from badges.openbadges import png, svg
from badges.openbadges.errors import BakingError
from badges.openbadges.messages import N_
from badges.openbadges.proofs.vc_jwt import looks_like_token

MAX_IMAGE_BYTES = 8 * 1024 * 1024

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNSAFE = str.maketrans(
    {letter: f"\\u{ord(letter):04x}" for letter in "{}<>&"},
)


@dataclass(frozen=True, slots=True)
class Baked:
    """What an image held: its text, and whether it is of Open Badges `3` or `2`."""

    text: str
    version: int


def bakeable_json(credential: Mapping[str, Any]) -> str:
    """A credential as JSON that every known reader takes out whole (R37, R38).

    ASCII alone, and within strings no brace (one wallet counts them), no `<`, `>` or `&`. The
    values, and so the proof, are untouched.
    """
    text = json.dumps(credential, ensure_ascii=True, separators=(",", ":"))
    return _STRINGS.sub(_escape, text)


def bake_png(image: bytes, credential: Mapping[str, Any] | str) -> bytes:
    """Bake a credential into a PNG, in place of one that it already holds.

    Args:
        image: a PNG.
        credential: a document; or a text that is ready: a compact JWS, or what
            `bakeable_json` gave.

    Raises:
        BakingError: not a whole PNG, or a text that is neither.
    """
    return png.bake(image, _ready(credential).encode("ascii"))


def bake_svg(image: bytes, credential: Mapping[str, Any] | str) -> bytes:
    """Bake a credential into an SVG; arguments and errors as `bake_png`."""
    text = _ready(credential)
    if "<" in text or ">" in text:
        raise BakingError(N_("A text to bake into an SVG is escaped first; see bakeable_json."))
    return svg.bake(image, text, token=not text.startswith("{"))


def is_image(data: bytes) -> bool:
    """Whether bytes look like a PNG or an SVG."""
    return png.is_png(data) or svg.looks_like_svg(data)


def unbake(image: bytes) -> Baked:
    """Take the badge out of a PNG or SVG, of Open Badges 3.0 or 2.0.

    Raises:
        BakingError: not a PNG or SVG, too large, damaged, hostile, or without a badge.
    """
    if len(image) > MAX_IMAGE_BYTES:
        raise BakingError(N_("The image is too large."))
    if png.is_png(image):
        raw = png.unbake(image)
        text = None if raw is None else _utf8(raw)
    elif svg.looks_like_svg(image):
        text = svg.unbake(image)
    else:
        raise BakingError(N_("The file is neither a PNG nor an SVG."))
    if text is not None:
        return Baked(text.strip(), 3)
    return Baked(_unbake_version_2(image), 2)


def _unbake_version_2(image: bytes) -> str:
    # Our own checks come first: openbadges-bakery trusts what it is given.
    (png.check if png.is_png(image) else svg.check)(image)
    # Imported late: few images are of the old version, and the package brings two more.
    from openbadges_bakery import png_bakery, svg_bakery

    reader = png_bakery if png.is_png(image) else svg_bakery
    try:
        text = reader.unbake(io.BytesIO(image))
    except Exception as error:  # the package raises whatever its parsers raise
        raise BakingError(N_("The image holds no badge.")) from error
    if isinstance(text, bytes):
        text = _utf8(text)
    if not isinstance(text, str) or not text.strip():
        raise BakingError(N_("The image holds no badge."))
    return text.strip()


def _ready(credential: Mapping[str, Any] | str) -> str:
    if not isinstance(credential, str):
        return bakeable_json(credential)
    if not credential.isascii():
        raise BakingError(N_("A text to bake must be ASCII; see bakeable_json."))
    if credential.startswith("{") or looks_like_token(credential):
        return credential
    raise BakingError(N_("A text to bake is a JSON object or a compact JWS."))


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BakingError(N_("The badge in the image is not UTF-8 text.")) from error


def _escape(match: re.Match[str]) -> str:
    return match[0].translate(_UNSAFE)
