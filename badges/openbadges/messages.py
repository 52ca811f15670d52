"""Sentences that can be translated later: a code, an English template and its values.

The templates are marked with `N_`, which gettext's extractor knows, so that an application
can translate them without this library knowing of gettext.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Params = Mapping[str, str | int]


def N_(template: str) -> str:  # noqa: N802 - the name that message extractors look for
    """Mark a template for translation and return it unchanged."""
    return template


class Filled(str):
    """A sentence in English that remembers the template and the values that it was made of.

    An exception that carries one gives it back by `str()`, so that it can be told in a language.
    """

    template: str
    params: Params

    def __new__(cls, template: str, **params: str | int) -> Filled:
        """Put `params` into `template`, which is marked with `N_`."""
        made = super().__new__(cls, template % params)
        made.template, made.params = template, params
        return made

    def __str__(self) -> str:
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, str | int]]:
        return (self.template,), dict(self.params)


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence: `code` for programs, `template % params` for people."""

    code: str
    template: str
    params: Params = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence in English."""
        return self.template % self.params if self.params else self.template

    def to_dict(self) -> dict[str, Any]:
        """The message as JSON-ready values."""
        return {
            "code": self.code,
            "template": self.template,
            "params": dict(self.params),
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a document; `pointer` is a JSON pointer (RFC 6901)."""

    pointer: str
    message: Message

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.message.text}"

    def to_dict(self) -> dict[str, Any]:
        """The problem as JSON-ready values."""
        return {"pointer": self.pointer, **self.message.to_dict()}


def problem(pointer: str, code: str, template: str, **params: str | int) -> Problem:
    """Make a `Problem` in one call."""
    return Problem(pointer, Message(code, template, params))


def child(pointer: str, key: str | int) -> str:
    """The JSON pointer of a member or an item below `pointer`."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
