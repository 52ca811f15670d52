"""Reading a document field by field, keeping every fault with its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)
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
            self.fault(
                name,
                _(
                    "This has %(count)d characters; at most %(limit)d fit.",
                    count=len(text),
                    limit=limit,
                ),
            )
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


def _printable(text: str, *, one_line: bool) -> bool:
    allowed = frozenset[str]() if one_line else _LINES
    return all(
        char in allowed or (char >= " " and not "\x7f" <= char <= "\x9f" and not _surrogate(char))
        for char in text
    )


def _surrogate(char: str) -> bool:
    return "\ud800" <= char <= "\udfff"
