"""What changed between two texts, word by word. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final

MOST_WORDS: Final = 3000
_WORDS = re.compile(r"\s+|\S+")


def marked(old: str, new: str) -> list[tuple[str, str]]:
    """`new` in pieces: ("same", text), ("added", text), and ("gone", text) for what was struck.

    Empty when nothing changed, or when the texts are too long to compare in a moment.
    """
    if old.strip() == new.strip():
        return []
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    if len(before) > 2 * MOST_WORDS or len(after) > 2 * MOST_WORDS:
        return []
    pieces: list[tuple[str, str]] = []
    matcher = SequenceMatcher(None, before, after, autojunk=len(before) > 400)
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(after[j1:j2])))
            continue
        if i2 > i1:
            pieces.append(("gone", "".join(before[i1:i2])))
        if j2 > j1:
            pieces.append(("added", "".join(after[j1:j2])))
    return pieces
