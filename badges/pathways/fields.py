"""Strict reading of JSON objects, shared by rules and facts.

Every fault is noted with its path and reading goes on, so that an author sees all of them in
one round. A field that was not asked for is a fault too: a misspelt option must never be
silently without effect.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TypeGuard

from badges.pathways.faults import Fault

TEXT_LIMIT = 500
LIST_LIMIT = 200
NUMBER_LIMIT = 1_000_000
LEVEL_LIMIT = 100

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Fields:
    """One JSON object, read field by field; faults go to the list it was given."""

    def __init__(self, data: Mapping[str, object], path: str, faults: list[Fault]) -> None:
        self._data = data
        self._path = path
        self.faults = faults
        self._read: set[str] = set()

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self._path}.{name}" if self._path else name

    def fault(self, name: str, code: str, message: str, **params: object) -> None:
        """Note a fault at a field."""
        self.faults.append(Fault(self.at(name), code, message, params))

    def has(self, name: str) -> bool:
        """Whether the field is present (and not null)."""
        return self._data.get(name) is not None

    def raw(self, name: str, *, required: bool = False) -> object:
        """Return a field as it stands, or None; note a fault when it is required and absent."""
        self._read.add(name)
        value = self._data.get(name)
        if value is None and required:
            self.fault(name, "missing", "is missing")
        return value

    def text(self, name: str, *, allowed: Collection[str] = (), limit: int = TEXT_LIMIT) -> str:
        """Return a required text of 1 to `limit` characters, one of `allowed` where given."""
        value = self.raw(name, required=True)
        if value is None:
            return ""
        return self._checked_text(name, value, allowed, limit)

    def optional_text(
        self, name: str, *, allowed: Collection[str] = (), limit: int = TEXT_LIMIT
    ) -> str | None:
        """Return a text, or None where the field is absent."""
        value = self.raw(name)
        return None if value is None else self._checked_text(name, value, allowed, limit)

    def _checked_text(self, name: str, value: object, allowed: Collection[str], limit: int) -> str:
        if not isinstance(value, str):
            self.fault(name, "not_text", "must be text")
        elif not value.strip() or len(value) > limit:
            self.fault(name, "text_length", f"must have 1 to {limit} characters", limit=limit)
        elif _CONTROL.search(value):
            self.fault(name, "text_characters", "must not hold control characters")
        elif allowed and value not in allowed:
            names = ", ".join(sorted(allowed))
            self.fault(name, "not_allowed", f"must be one of {names}", allowed=sorted(allowed))
        else:
            return value
        return ""

    def texts(self, name: str, *, allowed: Collection[str] = ()) -> tuple[str, ...] | None:
        """Return a non-empty list of distinct texts, sorted; None where the field is absent."""
        value = self.raw(name)
        if value is None:
            return None
        if not isinstance(value, list | tuple) or not 0 < len(value) <= LIST_LIMIT:
            self.fault(name, "not_a_list", f"must be a list of 1 to {LIST_LIMIT} texts")
            return None
        found = [
            self._checked_text(f"{name}[{i}]", item, allowed, TEXT_LIMIT)
            for i, item in enumerate(value)
        ]
        if len(set(found)) < len(found):
            self.fault(name, "duplicate", "names something twice")
        return tuple(sorted(set(found)))

    def whole(
        self, name: str, *, low: int = 1, high: int = NUMBER_LIMIT, default: int | None = None
    ) -> int:
        """Return a whole number from `low` to `high`; required unless a default is given."""
        value = self.raw(name, required=default is None)
        if value is None:
            return low if default is None else default
        if not is_whole(value) or not low <= value <= high:
            self.fault(
                name, "not_whole", f"must be a whole number {low} to {high}", low=low, high=high
            )
            return low
        return value

    def levels(self, name: str, *, required: bool = False) -> dict[str, int]:
        """Return a map from criteria to levels, which count from 1; empty where absent."""
        value = self.raw(name, required=required)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or len(value) > LIST_LIMIT:
            self.fault(name, "not_an_object", "must map criteria to levels")
            return {}
        inner = Fields(value, self.at(name), self.faults)
        found = {}
        for criterion in value:
            inner._checked_text(criterion, criterion, (), TEXT_LIMIT)
            found[criterion] = inner.whole(criterion, high=LEVEL_LIMIT)
        return found

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a true or false."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(name, "not_a_flag", "must be true or false")
            return default
        return value

    def moment(self, name: str) -> datetime:
        """Return a required point in time, in UTC."""
        value = self.raw(name, required=True)
        return _NO_TIME if value is None else self._checked_moment(name, value)

    def optional_moment(self, name: str) -> datetime | None:
        """Return a point in time in UTC, or None where the field is absent."""
        value = self.raw(name)
        return None if value is None else self._checked_moment(name, value)

    def _checked_moment(self, name: str, value: object) -> datetime:
        try:
            parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
            if parsed is not None and parsed.tzinfo is not None:
                return parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        self.fault(name, "not_a_time", "must be an ISO 8601 time with its offset")
        return _NO_TIME

    def finish(self) -> None:
        """Note every field that nobody asked for."""
        for name in self._data:
            if name not in self._read:
                shown = name if isinstance(name, str) else repr(name)
                self.fault(shown[:80], "unknown_field", "is not a field here")


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a JSON value is a whole number (true and false are not)."""
    return isinstance(value, int) and not isinstance(value, bool)
