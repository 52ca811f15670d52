"""Whole numbers that anybody may write into an address or a form."""

from __future__ import annotations

from typing import Final

# What an integer column of every database takes; a larger one is an error there, and no answer.
MOST: Final = 2**31 - 1


def whole(text: str, most: int = MOST) -> int | None:
    """The whole number that `text` writes in digits, `most` for all beyond it; None for no number.

    Python itself refuses to read some thousand digits.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0") or "0"
    return most if len(digits) > len(str(most)) else min(int(digits), most)


def page_number(text: str) -> int:
    """The page of a list that an address asks for, from 1; whatever is no number is the first."""
    return max(whole(text) or 1, 1)
