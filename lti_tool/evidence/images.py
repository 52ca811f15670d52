"""Images drawn anew: what is shown in a page carries no metadata and no surprises.

A small file can hold an enormous picture, so what a drawing may cost is bounded before a pixel is
decoded: by limits of size, by shrinking first, and by drawing one picture at a time in a process.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from threading import Lock
from typing import IO, Final

from PIL import Image, ImageOps, UnidentifiedImageError

LONGEST_SIDE: Final = 2000
# What each decoder needs is some 4 bytes a pixel and copy: one for PNG and GIF, four for WebP. A
# progressive JPEG keeps all its coefficients; any other is shrunk by the decoder as it reads.
MAX_PIXELS: Final = 25_000_000
MAX_PIXELS_WEBP: Final = 16_000_000
MAX_PIXELS_SHRUNK: Final = 120_000_000
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
_RESIZABLE: Final = ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr")
_one_at_a_time: Final = Lock()


class UnreadableImageError(ValueError):
    """The file has the marks of an image, but cannot be drawn."""


class TooManyPixelsError(UnreadableImageError):
    """The picture is far too large to be drawn: `pixels` where `limit` are allowed."""

    def __init__(self, pixels: int, limit: int) -> None:
        super().__init__(f"{pixels} pixels; the limit is {limit}")
        self.pixels = pixels
        self.limit = limit


@dataclass(frozen=True)
class Preview:
    """An image drawn anew: its bytes and media type."""

    data: bytes
    media_type: str


def preview(stream: IO[bytes]) -> Preview:
    """Draw the first frame anew, upright, at most 2000 pixels a side, without metadata.

    Waits while another picture is drawn. Raises TooManyPixelsError, or UnreadableImageError for
    what is no picture.
    """
    try:
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(stream, formats=_FORMATS) as image:
                _require_bearable(image)
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                # A long strip is hardly shrunk by the decoder.
                _require_pixels(image.width * image.height, MAX_PIXELS)
                return _draw(image)
    except UnreadableImageError:
        raise
    except Image.DecompressionBombError as exc:
        raise TooManyPixelsError(_pixels_named_in(exc), MAX_PIXELS) from exc
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as exc:
        raise UnreadableImageError(str(exc)) from exc


def _require_bearable(image: Image.Image) -> None:
    limit = MAX_PIXELS
    if image.format == "WEBP":
        limit = MAX_PIXELS_WEBP
    elif image.format == "JPEG" and not image.info.get("progressive"):
        limit = MAX_PIXELS_SHRUNK
    _require_pixels(image.width * image.height, limit)


def _require_pixels(pixels: int, limit: int) -> None:
    if pixels > limit:
        raise TooManyPixelsError(pixels, limit)


def _pixels_named_in(exc: Image.DecompressionBombError) -> int:
    """The size that Pillow refused before anybody could ask for it."""
    found = re.search(r"\d+", str(exc))
    return int(found[0]) if found else 2 * (Image.MAX_IMAGE_PIXELS or MAX_PIXELS)


def _draw(image: Image.Image) -> Preview:
    # Small first: everything after this line works on at most 2000 × 2000 pixels.
    small = image if image.mode in _RESIZABLE else image.convert(_plain_mode(image))
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(small)
    plain = upright.convert(_plain_mode(upright))
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    out = io.BytesIO()
    if plain.mode == "RGBA":
        bare.save(out, "PNG", optimize=False)
        return Preview(out.getvalue(), "image/png")
    bare.save(out, "JPEG", quality=85)
    return Preview(out.getvalue(), "image/jpeg")


def _plain_mode(image: Image.Image) -> str:
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    return "RGBA" if clear else "RGB"
