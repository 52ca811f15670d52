"""A badge as one printed page: PDF, A4 across, with a QR code that leads to the badge's own page.

Source Serif has Latin, Greek and Cyrillic letters and is set as text. A line in any other script
is drawn by the renderer of the badges, which joins letters, turns lines round and uses the fonts of
the machine, and stands in the page as a picture.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import segno
from fpdf import FPDF
from fpdf.fonts import TTFFont
from PIL import Image

from badges.public import drawn_lines

INK: Final = (28, 35, 38)
SOFT: Final = (86, 96, 100)
TEAL: Final = (31, 111, 120)
RED: Final = (160, 32, 32)
_WIDTH, _HEIGHT, _EDGE = 297.0, 210.0, 12.0
_LEFT, _TEXT, _TEXT_WIDTH = 28.0, 122.0, 150.0
_QR: Final = 38.0
_POINT: Final = 25.4 / 72
_FONTS: Final = {"": "SourceSerifPro-Regular.ttf", "B": "SourceSerifPro-Semibold.ttf"}


@dataclass(frozen=True)
class CertificateWords:
    """Every word of the page. `warning` stands out where the badge does not hold."""

    over_name: str
    name: str
    under_name: str
    title: str
    level: str
    description: str
    facts: tuple[tuple[str, str], ...]
    scan: str
    address: str
    issuer: str
    domain: str
    warning: str
    made_on: str
    nameless: str
    language: str
    signed: str
    signed_name: str
    dated: datetime


def certificate_pdf(words: CertificateWords, picture: bytes) -> bytes:
    """The page. The same words and picture give the same bytes.

    Args:
        words: see `CertificateWords`.
        picture: the badge as PNG.
    """
    pdf = FPDF(orientation="landscape", unit="mm", format="A4")
    pdf.set_creation_date(words.dated)
    title = f"{words.title}, {words.name}" if words.name else words.title
    pdf.set_title(drawn_lines.plain(title))
    pdf.set_author(drawn_lines.plain(words.issuer))
    pdf.set_lang(words.language)
    pdf.set_auto_page_break(False)
    with _fonts(pdf, _FONTS):
        pdf.add_page()
        page = _Page(pdf)
        page.frame()
        page.picture(picture, words.title)
        page.words(words)
        page.code(words)
        if words.signed:
            pdf.embed_file(bytes=words.signed.encode(), basename=words.signed_name)
        return bytes(pdf.output())


@contextmanager
def _fonts(pdf: FPDF, styles: Iterable[str]) -> Iterator[list[TTFFont]]:
    """Open the files of these cuts; the library itself never closes them."""
    for style in styles:
        pdf.add_font("serif", style, str(_folder() / _FONTS[style]))
    found = [font for font in pdf.fonts.values() if isinstance(font, TTFFont)]
    try:
        yield found
    finally:
        for font in found:
            font.ttfont.close()


@dataclass(frozen=True)
class _Line:
    """One paragraph of at most `lines` lines: size in points, all else in millimetres."""

    text: str
    size: float
    colour: tuple[int, int, int]
    style: str = ""
    left: float = _TEXT
    width: float = _TEXT_WIDTH
    after: float = 0.0
    lines: int = 1


class _Page:
    """Draws downwards from the top of the text's column."""

    def __init__(self, pdf: FPDF) -> None:
        self.pdf, self.y = pdf, 30.0

    def frame(self) -> None:
        pdf = self.pdf
        pdf.set_draw_color(*TEAL)
        pdf.set_line_width(0.8)
        pdf.rect(_EDGE, _EDGE, _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE)
        pdf.set_line_width(0.2)
        inner = _EDGE + 2
        pdf.rect(inner, inner, _WIDTH - 2 * inner, _HEIGHT - 2 * inner)

    def picture(self, png: bytes, title: str) -> None:
        with Image.open(io.BytesIO(png)) as found:
            flat = Image.new("RGB", found.size, "white")
            with found.convert("RGBA") as solid:
                flat.paste(solid, mask=solid.getchannel("A"))
        self.pdf.image(flat, x=_LEFT, y=34, w=80, h=80, alt_text=drawn_lines.plain(title))

    def words(self, words: CertificateWords) -> None:
        self.line(_Line(words.over_name, 13, SOFT, after=2))
        self.line(_Line(words.name or words.nameless, 30, INK, style="B", after=3, lines=2))
        self.line(_Line(words.under_name, 13, SOFT, after=2))
        self.line(_Line(words.title, 22, TEAL, style="B", after=1, lines=2))
        self.line(_Line(words.level, 13, SOFT, after=4))
        self.line(_Line(words.description, 12, INK, after=5, lines=4))
        for term, value in words.facts:
            self.line(_Line(f"{term}: {value}", 11, INK, after=1, lines=2))
        if words.warning:
            self.y += 3
            self.line(_Line(words.warning, 13, RED, style="B", lines=4))

    def code(self, words: CertificateWords) -> None:
        pdf, top = self.pdf, _HEIGHT - _EDGE - _QR - 8
        matrix = [list(row) for row in segno.make(words.address, error="m", micro=False).matrix]
        cell = _QR / len(matrix)
        pdf.set_fill_color(*INK)
        for row, cells in enumerate(matrix):
            for start, length in _runs(cells):
                # A hair wider, so that no seam shows between two rows.
                pdf.rect(
                    _LEFT + start * cell, top + row * cell, length * cell, cell + 0.02, style="F"
                )
        pdf.link(_LEFT, top, _QR, _QR, words.address)
        self.y, beside = top + 2, _LEFT + _QR + 8
        for text, size, colour in (
            (words.scan, 12, INK),
            (words.address, 9.5, SOFT),
            (f"{words.issuer}, {words.domain}", 12, INK),
            (words.made_on, 9.5, SOFT),
        ):
            self.line(_Line(text, size, colour, left=beside, width=200, after=1.5, lines=2))

    def line(self, line: _Line) -> None:
        """One paragraph; what is longer than its lines is set smaller, then cut."""
        text = drawn_lines.plain(line.text)
        if not text:
            return
        if covered(text, line.style):
            self._set(text, line)
        else:
            self._drawn(text, line)
        self.y += line.after

    def _set(self, text: str, line: _Line) -> None:
        pdf = self.pdf
        pdf.set_text_color(*line.colour)
        parts: list[str] = []
        for smaller in (1.0, 0.85, 0.7, 0.6):
            pdf.set_font("serif", line.style, line.size * smaller)
            parts = drawn_lines.broken(text, line.width, pdf.get_string_width)
            if len(parts) <= line.lines:
                break
        if len(parts) > line.lines:
            parts = [*parts[: line.lines - 1], f"{parts[line.lines - 1].rstrip(' .,;')}…"]
        height = pdf.font_size_pt * _POINT * 1.25
        for part in parts:
            pdf.set_xy(line.left, self.y)
            pdf.cell(line.width, height, part)
            self.y += height

    def _drawn(self, text: str, line: _Line) -> None:
        found = drawn_lines.draw(
            text,
            line.size,
            line.colour,
            bold=line.style == "B",
            width=line.width / _POINT,
            lines=line.lines,
        )
        for part in found:
            wide, high = part.width * _POINT, part.height * _POINT
            picture = io.BytesIO(part.png)
            self.pdf.image(picture, x=line.left, y=self.y, w=wide, h=high, alt_text=text)
            self.y += high


def _runs(cells: Sequence[int]) -> list[tuple[int, int]]:
    """Where dark cells stand side by side: where each run begins, and how many they are."""
    found: list[tuple[int, int]] = []
    for place, dark in enumerate(cells):
        if not dark:
            continue
        if found and found[-1][0] + found[-1][1] == place:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((place, 1))
    return found


def covered(text: str, style: str = "B") -> bool:
    """Whether the page's own font has every letter of `text`."""
    return not set(text) - _letters(style)


@cache
def _letters(style: str) -> frozenset[str]:
    with _fonts(FPDF(), (style,)) as (font,):
        letters = list(map(chr, font.cmap))
    # Marks above and below must be placed, which setting letter by letter does not do.
    return frozenset(char for char in letters if unicodedata.category(char)[0] != "M")


def _folder() -> Path:
    return Path(str(files("font_source_serif_pro"))) / "files"
