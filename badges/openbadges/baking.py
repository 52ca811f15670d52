"""Baking a credential into a PNG or SVG, and taking it out again.

Open Badges 3.0, section 5.3. Images of Open Badges 2.0 are read and written through
openbadges-bakery, which knows that format alone.
"""

from __future__ import annotations

import io
import json
import re
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from badges.openbadges import png, svg
from badges.openbadges.errors import BakingError
from badges.openbadges.messages import N_
from badges.openbadges.proofs.vc_jwt import looks_like_token

MAX_IMAGE_BYTES = 8 * 1024 * 1024

_BAKERY = threading.Lock()
_STARTS_2 = ("{", "https://", "http://")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_ESCAPED = {letter: f"\\u{ord(letter):04x}" for letter in "{}<>&"}
_UNSAFE = str.maketrans(_ESCAPED)


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
    return _bakeable(json.dumps(credential, ensure_ascii=True, separators=(",", ":")))


def bakeable_text(document: str) -> str:
    """As `bakeable_json`, for the text of a document that was written without white space."""
    ready = document.isascii() and "\x7f" not in document  # which JSON leaves and we escape
    return _bakeable(document) if ready else bakeable_json(json.loads(document))


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


def bake_version_2(image: bytes, assertion: Mapping[str, Any] | str) -> bytes:
    """Bake an Open Badges 2.0 assertion into a PNG or SVG, in place of one that it already holds.

    Args:
        image: a PNG or SVG without a credential of 3.0: readers of either version would take
            whichever they find first (R55).
        assertion: the hosted assertion's document, its address, or a signed one's compact JWS.

    Raises:
        BakingError: not a whole PNG or SVG, hostile, with a credential of 3.0 in it, or a text
            that is none of those.
    """
    text = assertion if isinstance(assertion, str) else bakeable_json(assertion)
    if not text.isascii() or not (text.startswith(_STARTS_2) or looks_like_token(text)):
        raise BakingError(N_("A text to bake is a JSON object, an address or a compact JWS."))
    if len(image) > MAX_IMAGE_BYTES:
        raise BakingError(N_("The image is too large."))
    pixels = png.is_png(image)
    reader, baker = (png, "png_bakery") if pixels else (svg, "svg_bakery")
    # As with reading: openbadges-bakery trusts what it is given.
    reader.check(image)
    if reader.unbake(image) is not None:
        raise BakingError(
            N_("This image holds an Open Badges 3.0 badge already. Use one without a badge in it.")
        )
    return _baked_version_2(image if pixels else _without_version_2(image), text, baker)


def _baked_version_2(image: bytes, text: str, baker: str) -> bytes:
    import openbadges_bakery.png_bakery
    import openbadges_bakery.svg_bakery

    # It calls what a package of its own has deprecated; what warnings are shown is the whole
    # process's, so one at a time.
    with _BAKERY, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            made = getattr(openbadges_bakery, baker).bake(io.BytesIO(image), text, io.BytesIO())
        except Exception as error:  # the package raises whatever its parsers raise
            raise BakingError(N_("The badge could not be put into this image.")) from error
    data: bytes = made.getvalue()
    return data


def _without_version_2(image: bytes) -> bytes:
    """An SVG without assertions of 2.0: its baker adds one, and leaves an earlier one in place."""
    if b"openbadges:assertion" not in image:
        return image
    from defusedxml import minidom

    document = minidom.parseString(_utf8(image))
    for element in list(document.getElementsByTagName("openbadges:assertion")):
        if element.parentNode is not None:
            element.parentNode.removeChild(element)
    return document.toxml("utf-8")


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


def _bakeable(text: str) -> str:
    for letter in "<>&":  # which JSON has within strings alone
        text = text.replace(letter, _ESCAPED[letter])
    outside = _STRINGS.sub("", text)
    if all(text.count(brace) == outside.count(brace) for brace in "{}"):
        return text
    return _STRINGS.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].translate(_UNSAFE)
