"""A picture that somebody brings, made clean: a PNG is drawn anew, an SVG is built anew.

What comes out shares no byte with what came in but the picture itself: no metadata, no scripts, no
references, no credential that was baked into it.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from threading import Lock
from typing import Final

from flask_babel import lazy_gettext as _
from PIL import Image, UnidentifiedImageError

from badges.achievements.images import judging
from badges.achievements.images.cleaning import clean_svg, refused
from badges.achievements.images.pictures import PNG, SIDE, SVG, Picture

MOST_BYTES: Final = 4_000_000
MOST_PIXELS: Final = 16_000_000
LEAST_BADGE: Final = 300
LEAST_LOGO: Final = 64
# What is kept stands in every page, mail and badge, so a photograph gives up colours for size.
_HEAVY: Final = 400 * 1024
_PNG_MARK: Final = b"\x89PNG\r\n\x1a\n"
# What is left out of a drawing (`Received.left_out`), for people.
LEFT_OUT_WORDS: Final[dict[str, object]] = {
    "script": _("scripts"),
    "links": _("links to other places"),
    "pages": _("pages and films inside the drawing"),
    "pictures": _("photographs inside the drawing"),
    "effects": _("filters, patterns and arrowheads"),
    "motion": _("motion"),
    "fonts": _("fonts"),
    "styles": _("style rules that are not simple"),
}
_one_at_a_time: Final = Lock()


@dataclass(frozen=True)
class Received:
    """A clean picture, and what was left out of it (the keys of LEFT_OUT_WORDS)."""

    picture: Picture
    left_out: tuple[str, ...] = ()


def receive(data: bytes, *, least: int = LEAST_BADGE, square: bool = True) -> Received:
    """Clean what was uploaded.

    Args:
        data: the file's bytes.
        least: the fewest pixels that a PNG's longer side may have.
        square: whether a PNG is set into a square, clear at its sides.

    Raises UnprocessableError, with a sentence that says what to do, for what is not taken.
    """
    if not data:
        raise refused(_("This file is empty. Choose it once more, or another file."))
    if len(data) > MOST_BYTES:
        raise refused(
            _(
                "This file has %(size)s MB; at most %(most)d MB can be taken. Save the picture"
                " smaller: badges are shown at 600 by 600 pixels.",
                size=f"{len(data) / 1e6:.1f}",
                most=4,
            )
        )
    if data.startswith(_PNG_MARK):
        return Received(Picture(_drawn_anew(data, least, square=square), PNG))
    if not _may_be_xml(data):
        raise refused(
            _(
                "This is neither a PNG nor an SVG picture. Save it as one of the two, then choose"
                " it again."
            )
        )
    cleaned = clean_svg(data)
    if _is_blank(judging.drawn_in_time(cleaned.svg)):
        raise refused(
            _(
                "Nothing can be seen of this drawing once what cannot be taken is left out. If it"
                " is a photograph inside an SVG, save it as PNG and choose that."
            )
        )
    return Received(Picture(cleaned.svg.encode(), SVG), tuple(sorted(cleaned.left_out)))


def _may_be_xml(data: bytes) -> bool:
    start = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith(b"<") or data[:2] in (b"\xff\xfe", b"\xfe\xff")


def _drawn_anew(data: bytes, least: int, *, square: bool) -> bytes:
    if data[12:16] == b"IHDR" and len(data) >= 24:
        # From the header (PNG, 11.2.2), before a decoder sets anything up for so many.
        width, height = struct.unpack(">II", data[16:24])
        _require_size(width, height, least)
    try:
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
                _require_size(image.width, image.height, least)
                return _encoded(image.convert("RGBA"), square=square)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
    ):
        raise refused(
            _("This picture is damaged and cannot be opened. Save it again, or choose another.")
        ) from None


def _require_size(width: int, height: int, least: int) -> None:
    if width * height > MOST_PIXELS:
        raise refused(
            _(
                "This picture has %(width)d by %(height)d pixels, which is far more than a badge"
                " can show. Save it at 600 by 600.",
                width=width,
                height=height,
            )
        )
    if max(width, height) < least:
        raise refused(
            _(
                "This picture has %(width)d by %(height)d pixels and would look blurred. It needs"
                " at least %(least)d on its longer side; 600 is best.",
                width=width,
                height=height,
                least=least,
            )
        )
    if max(width, height) > 4 * min(width, height):
        raise refused(
            _("This picture is a long strip. Cut it to a square, or nearly one, then choose it.")
        )


def _encoded(whole: Image.Image, *, square: bool) -> bytes:
    """At most 600 pixels a side, from pixels alone."""
    whole.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    size = (max(whole.size),) * 2 if square else whole.size
    bare = Image.new("RGBA", size)
    bare.paste(whole, ((size[0] - whole.width) // 2, (size[1] - whole.height) // 2))
    if not bare.getchannel("A").getbbox():
        raise refused(_("This picture is wholly transparent: nothing of it can be seen."))
    out = io.BytesIO()
    bare.save(out, "PNG", optimize=True)
    if out.tell() > _HEAVY:
        out = io.BytesIO()
        fewer = bare.quantize(256, method=Image.Quantize.FASTOCTREE)
        fewer.save(out, "PNG", optimize=True)
    return out.getvalue()


def _is_blank(png: bytes) -> bool:
    with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        return image.convert("RGBA").getchannel("A").getbbox() is None
