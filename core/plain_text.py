"""Text as people type it: one line or several, with nothing in it that hides or turns what is read.

Joiners stay, without which some scripts are misspelt and emoji fall apart (Unicode, chapter 23.2;
UTS 51). What embeds, overrides or isolates a direction goes nowhere (UAX 9): with it a name can be
made to read as another one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from flask_babel import lazy_gettext as _

_JOINERS: Final = "\u200c\u200d"
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_GAPS: Final = frozenset({"Cc", "Zl", "Zp"})
# The flag of a part of a country is spelt with letters that nobody sees (UTS 51, ED-14a).
_FLAG: Final = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]+\U000e007f")


def line(text: str) -> str:
    """`text` as one line: NFC, with single spaces and none around it."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def turns(text: str) -> bool:
    """Whether a character of `text` turns the direction of what is read."""
    return not _TURNING.isdisjoint(text)


def is_line(text: str) -> bool:
    """Whether every character of `text` can be shown, in one line."""
    return not any(_hidden(char) for char in _FLAG.sub("", text))


def shown(text: str) -> str:
    """`text` as one line, without what cannot be shown."""
    flags = _FLAG.findall(text)
    parts = ["".join(map(_shown, part)) for part in _FLAG.split(text)]
    whole = "".join(part + flag for part, flag in zip(parts, [*flags, ""], strict=True))
    return " ".join(whole.split())


def line_fault(text: str, limit: int) -> Any:
    """Why `text` is no line of at most `limit` characters, in words; None where it is one."""
    if len(text) > limit:
        return too_long(text, limit)
    if turns(text):
        return turned()
    if not is_line(text):
        return _("This holds a character that nobody sees. Write it anew, as one line.")
    return None


def text_fault(text: str, limit: int) -> Any:
    """Why `text` is no text of at most `limit` characters, in words; None where it is one."""
    return turned() if turns(text) and len(text) <= limit else too_long(text, limit)


def too_long(text: str, limit: int) -> Any:
    """That `text` has more than `limit` characters, in words with both numbers; else None."""
    if len(text) <= limit:
        return None
    return _("This has %(count)d characters; at most %(limit)d fit.", count=len(text), limit=limit)


def turned() -> Any:
    """That a character turns the direction of the text, in words."""
    return _(
        "This holds a character that nobody sees and that turns the direction of the text."
        " Write it anew without it."
    )


def _shown(char: str) -> str:
    if unicodedata.category(char) in _GAPS:
        return " "
    return "" if _hidden(char) else char


def _hidden(char: str) -> bool:
    category = unicodedata.category(char)
    return category in _GAPS or (category[0] == "C" and char not in _JOINERS)
