"""The style sheets inside drawings, as far as drawing programs write them: `.cls-1{fill:#123}`.

Selectors of one type, class or id are understood; what they say becomes attributes. Everything
else, and every @-rule, is left out and told. CSS is read by tinycss2 (CSS Syntax Level 3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import tinycss2  # type: ignore[import-untyped]

_SIMPLE = re.compile(r"([.#]?)([A-Za-z_][\w-]*)", re.ASCII)
MOST_CHARACTERS = 64 * 1024
# Drawings have rgb() inside a rule; the parser goes as deep as it is led, and so does its caller.
_MOST_NESTED = 8
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass
class Sheet:
    """The rules of all style sheets of a drawing, and whether some had to be left out."""

    by_type: dict[str, dict[str, str]] = field(default_factory=dict)
    by_class: dict[str, dict[str, str]] = field(default_factory=dict)
    by_id: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: bool = False

    def read(self, text: str) -> None:
        """Add the rules of a style sheet."""
        try:
            self._read(text)
        except RecursionError:  # brackets that a string hid from the count
            self.left_out = True

    def _read(self, text: str) -> None:
        if not _is_bearable(text):
            self.left_out = True
            return
        for rule in tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True):
            if rule.type != "qualified-rule":
                self.left_out = True
                continue
            said = declarations(tinycss2.serialize(rule.content))
            for selector in tinycss2.serialize(rule.prelude).split(","):
                self._add(selector.strip(), said)

    def _add(self, selector: str, said: Mapping[str, str]) -> None:
        found = _SIMPLE.fullmatch(selector)
        if found is None:
            self.left_out = True
            return
        table = {".": self.by_class, "#": self.by_id, "": self.by_type}[found[1]]
        table.setdefault(found[2], {}).update(said)

    def of(self, name: str, classes: Iterable[str], identifier: str | None) -> dict[str, str]:
        """What the sheets say of one element; the more particular rule wins."""
        said = dict(self.by_type.get(name, {}))
        for one in classes:
            said.update(self.by_class.get(one, {}))
        said.update(self.by_id.get(identifier or "", {}))
        return said


def declarations(text: str) -> dict[str, str]:
    """The properties of a `style` attribute or a rule's body; the unreadable is passed over."""
    said: dict[str, str] = {}
    if not _is_bearable(text):
        return said
    try:
        for item in tinycss2.parse_blocks_contents(text, skip_comments=True, skip_whitespace=True):
            if item.type == "declaration":
                said[item.lower_name] = tinycss2.serialize(item.value).strip()
    except RecursionError:  # as above
        return {}
    return said


def _is_bearable(text: str) -> bool:
    """Whether `text` is short and shallow, as far as a plain count of brackets tells."""
    opened: list[str] = []
    for char in text:
        if char in _CLOSING:
            opened.append(_CLOSING[char])
            if len(opened) > _MOST_NESTED:
                return False
        elif opened and char == opened[-1]:
            opened.pop()
    return len(text) <= MOST_CHARACTERS
