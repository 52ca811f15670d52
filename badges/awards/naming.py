"""The name on a badge: one line that reads as what it is."""

from __future__ import annotations

import unicodedata
from typing import Final

from flask_babel import lazy_gettext as _

from core.errors import UnprocessableError

NAME_LIMIT: Final = 200
_JOINERS = "\u200c\u200d"  # without them some scripts are misspelt


def clean_name(name: str | None) -> str | None:
    """The name as it will stand on the badge: one line, single spaces, NFC; None for none.

    Raises UnprocessableError for an empty or overlong name, or one with invisible characters.
    """
    if name is None:
        return None
    text = " ".join(unicodedata.normalize("NFC", name).split())
    if not text or len(text) > NAME_LIMIT or any(_hidden(char) for char in text):
        raise UnprocessableError(
            _("This name cannot stand on the badge."),
            code="name_unusable",
            fields={
                "name": _(
                    "Write the name as others should read it, in 1 to %(limit)d letters.",
                    limit=NAME_LIMIT,
                )
            },
        )
    return text


def _hidden(char: str) -> bool:
    """Control and format characters: they could make a name read as another one."""
    return unicodedata.category(char)[0] == "C" and char not in _JOINERS
