"""Images drawn anew: what is shown in a page carries no metadata and no surprises."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import IO, Final

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS: Final = 80_000_000
LONGEST_SIDE: Final = 2000
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")


class UnreadableImageError(ValueError):
    """The file has the marks of an image, but cannot be drawn, or is far too large to."""


@dataclass(frozen=True)
class Preview:
    """An image drawn anew: its bytes and media type."""

    data: bytes
    media_type: str


def preview(stream: IO[bytes]) -> Preview:
    """Draw the first frame anew, upright, at most 2000 pixels a side, without metadata.

    Raises UnreadableImageError. Never decodes more than 80 megapixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(stream, formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise UnreadableImageError("too many pixels")
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
                return _draw(image)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
    ) as exc:
        raise UnreadableImageError(str(exc)) from exc


def _draw(image: Image.Image) -> Preview:
    upright = ImageOps.exif_transpose(image)
    clear = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    plain = upright.convert("RGBA" if clear else "RGB")
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    out = io.BytesIO()
    if clear:
        bare.save(out, "PNG", optimize=False)
        return Preview(out.getvalue(), "image/png")
    bare.save(out, "JPEG", quality=85)
    return Preview(out.getvalue(), "image/jpeg")
