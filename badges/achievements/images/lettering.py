"""How a title is set: where it breaks, how large it is, and what happens when it is too long."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from core import plain_text

BREAK_OVER = 16
_ELLIPSIS = "…"
# (longest line in characters, size); past the last one the text is cut.
_SIZES = ((14, 40), (17, 36), (19, 32), (24, 30), (28, 25), (34, 20))
# One short line alone may be larger.
_ALONE = (12, 48)
_CURVE_SIZES = ((22, 52), (30, 46), (40, 40), (48, 33), (58, 27))


@dataclass(frozen=True)
class Lettering:
    """One or two lines with their size, and the same words for a curve with theirs."""

    lines: tuple[str, ...]
    size: int
    curve: str
    curve_size: int


def set_title(title: str, lines: tuple[str, ...] = ()) -> Lettering:
    """Set `title`, broken as `lines` where given, else at the most even word gap."""
    chosen = tuple(_plain(line) for line in lines if line.strip())
    words = _plain(title)
    broken = chosen or _broken(words)
    limit, curve_limit = _SIZES[-1][0], _CURVE_SIZES[-1][0]
    fitted = tuple(_cut(line, limit) for line in broken[:2])
    curve = _cut(" ".join(chosen) if chosen else words, curve_limit)
    longest = max(_width(line) for line in fitted)
    size = _size(longest, (_ALONE, *_SIZES) if len(fitted) == 1 else _SIZES)
    return Lettering(fitted, size, curve, _size(_width(curve), _CURVE_SIZES))


def _plain(text: str) -> str:
    """One line, without what a drawing cannot hold."""
    return plain_text.shown(text)


def _width(text: str) -> int:
    """Characters, where a full-width one counts twice and a combining or joining one not at all."""
    return sum(
        0 if unicodedata.category(c) == "Cf" or unicodedata.combining(c)
        else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )  # fmt: skip


def _broken(words: str) -> tuple[str, ...]:
    if _width(words) <= BREAK_OVER:
        return (words,)
    gaps = [i for i, c in enumerate(words) if c == " "]
    if not gaps:
        if words.isascii() or _width(words) <= _SIZES[-1][0]:
            return (words,)
        middle = len(words) // 2  # scripts without gaps break anywhere
        return (words[:middle], words[middle:])
    gap = min(gaps, key=lambda i: max(_width(words[:i]), _width(words[i + 1 :])))
    return (words[:gap], words[gap + 1 :])


def _cut(text: str, limit: int) -> str:
    if _width(text) <= limit:
        return text
    while text and _width(text) >= limit:
        text = text[:-1]
    return text.rstrip(" ,;:") + _ELLIPSIS


def _size(width: int, sizes: tuple[tuple[int, int], ...]) -> int:
    return next((size for most, size in sizes if width <= most), sizes[-1][1])
