"""Lines of text in any script, drawn as pictures: letters joined, turned round and stacked as they
must be, in whatever fonts the machine has.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Final

import resvg_py
from PIL import Image

_SCALE: Final = 4  # pixels to a point: 288 to an inch
_ABOVE, _HIGH = 1.2, 1.75
_WIDEST: Final = 1600.0
_CELL: Final = 64
_FAMILIES: Final = "Source Serif Pro, Noto Serif, Noto Sans, serif"
_NOBODY_HAS: Final = "\U0010fffd"  # so it shows what stands for a letter that is missing
_SIZES: Final = (1.0, 0.85, 0.7, 0.6)
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class DrawnLine:
    """A line as PNG on white, with its width and height in points."""

    png: bytes
    width: float
    height: float


def draw(
    text: str, size: float, colour: Colour, *, bold: bool, width: float, lines: int
) -> list[DrawnLine]:
    """`text` in at most `lines` lines of `width` points, set smaller where it has to be.

    Args:
        text: one paragraph.
        size: in points.
        colour: red, green, blue.
        bold: whether in a heavier cut.
        width: in points.
        lines: how many lines there may be.
    """
    whole = _ink(text, size, colour, bold=bold)
    if whole is None:
        return []
    wide = whole.width / _SCALE
    for smaller in _SIZES:
        count = -(-wide * smaller // width)  # rounded up
        if count <= lines or smaller == _SIZES[-1]:
            break
    if count <= 1:
        return [_packed(whole, smaller)]
    parts = broken(text, width, lambda part: wide * smaller * len(part) / len(text))[:lines]
    drawn = (_ink(part, size * smaller, colour, bold=bold) for part in parts)
    return [_packed(found, min(1.0, width * _SCALE / found.width)) for found in drawn if found]


def missing(text: str) -> str:
    """The letters of `text` for which this machine has no font."""
    letters = sorted({char for char in text if unicodedata.category(char)[0] in "LNPS"})
    tried = [_NOBODY_HAS, *letters]
    cells = "".join(
        f'<text x="{place * _CELL + _CELL / 2}" y="44" text-anchor="middle">{escape(char)}</text>'
        for place, char in enumerate(tried)
    )
    found = _rendered(cells, _CELL * len(tried), _CELL, 32, (0, 0, 0), bold=False)
    empty, *drawn = (
        found.crop((place * _CELL, 0, (place + 1) * _CELL, _CELL)) for place in range(len(tried))
    )
    return "".join(
        char
        for char, cell in zip(letters, drawn, strict=True)
        if _bounds(cell) is None or cell.tobytes() == empty.tobytes()
    )


def broken(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """`text` in lines that are at most `width` by `measure`; broken at spaces where there are any.

    A word that is too long by itself is broken before a letter.
    """
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if measure(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while measure(line) > width and len(line) > 1:
            end = max(1, int(len(line) * width / measure(line)))
            while end < len(line) and unicodedata.category(line[end])[0] in "MC":
                end += 1  # marks and joiners stay with their letter
            lines.append(line[:end])
            line = line[end:]
    return [*lines, line] if line else lines


def plain(text: str) -> str:
    """`text` in composed form, without what is no part of a line."""
    kept = (
        char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char)[0] != "C" or char in "\u200c\u200d"
    )
    return " ".join("".join(kept).split())


def _ink(text: str, size: float, colour: Colour, *, bold: bool) -> Image.Image | None:
    """The line cut to its ink from side to side; None where nothing could be drawn."""
    wide, high = int(_WIDEST * _SCALE), int(size * _HIGH * _SCALE)
    line = (
        f'<text x="{wide / 2}" y="{size * _ABOVE * _SCALE:.1f}" text-anchor="middle">'
        f"{escape(text)}</text>"
    )
    found = _rendered(line, wide, high, size * _SCALE, colour, bold=bold)
    bounds = _bounds(found)
    return None if bounds is None else found.crop((bounds[0], 0, bounds[2], high))


def _rendered(
    cells: str, width: int, height: int, size: float, colour: Colour, *, bold: bool
) -> Image.Image:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<g font-family="{_FAMILIES}" font-size="{size:.1f}" font-weight="{600 if bold else 400}"'
        f' fill="rgb{colour}">{cells}</g></svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, background="white"))
    return Image.open(io.BytesIO(png)).convert("RGB")


def _bounds(image: Image.Image) -> tuple[int, int, int, int] | None:
    dark = image.convert("L").point(lambda value: 255 if value < 200 else 0)
    return dark.getbbox()


def _packed(image: Image.Image, scale: float) -> DrawnLine:
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return DrawnLine(
        written.getvalue(), image.width / _SCALE * scale, image.height / _SCALE * scale
    )
