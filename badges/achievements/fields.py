"""Reading a document field by field, keeping every fault with its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _

from badges.openbadges.shape_tables import ENUMERATIONS, EXTENSION
from core import plain_text

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,4})?", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LINES = {"\n", "\t"}


class Fields:
    """One JSON object of a document, at `path`; faults of all objects gather in one dict."""

    def __init__(self, data: Any, path: str, faults: dict[str, Any]) -> None:
        self.path, self.faults, self.seen = path, faults, set[str]()
        if not isinstance(data, Mapping):
            self.fault("", _("This must be an object with named fields."))
            data = {}
            self.usable = False
        else:
            self.usable = True
        self.data: Mapping[str, Any] = data

    def at(self, name: str) -> str:
        """The place of a field, such as `rubric.criteria[0].name`."""
        return f"{self.path}.{name}" if self.path and name else self.path or name

    def fault(self, name: str, message: Any) -> None:
        """Note a fault; the first one of a place is kept."""
        self.faults.setdefault(self.at(name), message)

    def raw(self, name: str, default: Any = None) -> Any:
        """The value as it stands."""
        self.seen.add(name)
        return self.data.get(name, default)

    def text(self, name: str, limit: int, *, required: bool = True, one_line: bool = True) -> str:
        """Text without surrounding space, not empty where required, within `limit` characters."""
        value = self.raw(name)
        if value is None and not self.usable:
            return ""
        if value is not None and not isinstance(value, str):
            self.fault(name, _("This must be text."))
            return ""
        text = (value or "").strip().replace("\r\n", "\n")
        if not text and required:
            self.fault(name, _("This must not be empty."))
        elif len(text) > limit:
            self.fault(name, plain_text.too_long(text, limit))
        elif not _printable(text, one_line=one_line):
            self.fault(name, _("This holds characters that cannot be shown."))
        return text

    def optional_text(self, name: str, limit: int) -> str | None:
        """Like `text`, but absent and empty are None."""
        return self.text(name, limit, required=False) or None

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within bounds."""
        value = self.raw(name, default)
        if not self.usable:
            return low
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(
                name, _("This must be a whole number from %(low)d to %(high)d.", low=low, high=high)
            )
            return low
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.raw(name, default)
        if not isinstance(value, bool):
            self.fault(name, _("This must be true or false."))
            return default
        return value

    def choice(self, name: str, choices: Collection[str]) -> str:
        """One of the words allowed."""
        value = self.raw(name)
        if self.usable and (not isinstance(value, str) or value not in choices):
            self.fault(name, _("This must be one of: %(choices)s.", choices=", ".join(choices)))
        return value if isinstance(value, str) else ""

    def term(self, name: str, enumeration: str, default: str | None = None) -> str | None:
        """A word of one of the standard's open lists (`shape_tables.ENUMERATIONS`), or `ext:…`."""
        value = self.optional_text(name, 100) or default
        if value is None or value in ENUMERATIONS[enumeration] or EXTENSION.fullmatch(value):
            return value
        self.fault(name, _("This is none of the kinds that are known here."))
        return default

    def number_text(self, name: str) -> str | None:
        """A number as text, such as `1.5`, without zeros that say nothing."""
        value = self.raw(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not _NUMBER.fullmatch(value.strip()):
            self.fault(name, _("This must be a number such as 3 or 1.5."))
            return None
        return plain_number(value.strip())

    def language(self, name: str) -> str | None:
        """A language's tag (BCP 47)."""
        value = self.optional_text(name, 35)
        if value is not None and not _LANGUAGE.fullmatch(value):
            self.fault(name, _("This must be the short name of a language, such as en or es-MX."))
        return value

    def digest(self, name: str) -> str | None:
        """The SHA-256 of a stored file, as 64 hexadecimal digits."""
        value = self.optional_text(name, 64)
        if value is not None and not _DIGEST.fullmatch(value):
            self.fault(name, _("This must be 64 hexadecimal digits."))
        return value

    def identifier(self, name: str = "id") -> str:
        """A short name for addresses: letters, digits, `-` and `_`."""
        value = self.raw(name)
        if self.usable and not (isinstance(value, str) and _ID.fullmatch(value)):
            self.fault(name, _("This must be 1 to 40 letters, digits, hyphens or underscores."))
        return value if isinstance(value, str) else ""

    def colour(self, name: str) -> str:
        """A colour as #rrggbb, in lower case."""
        value = self.raw(name)
        if self.usable and not (isinstance(value, str) and _COLOUR.fullmatch(value)):
            self.fault(name, _("This must be a colour such as #1f6f78."))
        return value.lower() if isinstance(value, str) else ""

    def url(self, name: str, *, required: bool) -> str | None:
        """An absolute http or https address."""
        value = self.text(name, 500, required=required)
        if value and not is_web_address(value):
            self.fault(name, _("This must be an address that begins with https://."))
        return value or None

    def items(self, name: str, low: int, high: int) -> list[Any]:
        """A list with a number of entries within bounds."""
        value = self.raw(name)
        if value is None and (low == 0 or not self.usable):
            return []
        if not isinstance(value, list | tuple) or not low <= len(value) <= high:
            self.fault(
                name, _("There must be %(low)d to %(high)d entries here.", low=low, high=high)
            )
        return list(value) if isinstance(value, list | tuple) else []

    def objects(self, name: str, low: int, high: int) -> list[Fields]:
        """A list of objects."""
        return [
            Fields(item, self.at(f"{name}[{index}]"), self.faults)
            for index, item in enumerate(self.items(name, low, high)[:high])
        ]

    def object(self, name: str) -> Fields:
        """One object."""
        return Fields(self.raw(name), self.at(name), self.faults)

    def distinct(self, name: str, values: list[str]) -> None:
        """Refuse a repeated identifier within the list `name`."""
        for index, value in enumerate(values):
            if value and value in values[:index]:
                self.faults.setdefault(
                    f"{self.at(name)}[{index}].id", _("This is used twice in one list.")
                )

    def finish(self) -> None:
        """Refuse what nobody asked for: a misspelt optional field would be lost silently."""
        for name in self.data:
            if name not in self.seen:
                self.fault(str(name), _("This field is not known."))


def is_web_address(text: str) -> bool:
    """Whether `text` is an absolute http or https address."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text
    except ValueError:
        return False


def is_number(text: str) -> bool:
    """Whether `text` is a decimal number of a size that people write."""
    return bool(_NUMBER.fullmatch(text))


def plain_number(text: str) -> str:
    """A decimal number in its shortest form: `1.50` is `1.5`, `007` is `7`."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _point, part = digits.partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    short = f"{whole}.{part}" if part else whole
    return short if short == "0" else sign + short


def _printable(text: str, *, one_line: bool) -> bool:
    allowed = frozenset[str]() if one_line else _LINES
    return all(
        char in allowed or (char >= " " and not "\x7f" <= char <= "\x9f" and not _surrogate(char))
        for char in text
    )


def _surrogate(char: str) -> bool:
    return "\ud800" <= char <= "\udfff"
