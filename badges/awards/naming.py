"""The name on a badge: one line that reads as what it is."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext as _

from core import plain_text
from core.errors import UnprocessableError

NAME_LIMIT: Final = 200


def clean_name(name: str | None) -> str | None:
    """The name as it will stand on the badge: one line, single spaces, NFC; None for none.

    Raises UnprocessableError for an empty or overlong name, or one with invisible characters.
    """
    if name is None:
        return None
    text = plain_text.line(name)
    fault = _fault(text)
    if fault is not None:
        raise UnprocessableError(
            _("This name cannot stand on the badge."),
            code="name_unusable",
            fields={"name": fault},
        )
    return text


def _fault(text: str) -> Any:
    if not text:
        return _(
            "Write the name as others should read it, in 1 to %(limit)d letters.", limit=NAME_LIMIT
        )
    if plain_text.turns(text) or not plain_text.is_line(text):
        return _(
            "Write the name as others should read it: it holds a character that nobody sees, and"
            " that could make it read as another one."
        )
    return plain_text.too_long(text, NAME_LIMIT)
