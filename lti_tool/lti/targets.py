"""What a link may open: `/to/<kind>` or `/to/<kind>/<argument>`, and who builds its page's address.

LTI 1.3 Core, section 5.3.5 (target_link_uri). Features are not known here; the application says
which kinds there are.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from core.identity import Role
from core.scope import Scope
from lti_tool.lti.rules import RefusedError

HOME = "home"
LAUNCH_PATH = "/lti/launch"


@dataclass(frozen=True)
class Target:
    """A page that a link opens; one that is `passing` is opened through a link made for another."""

    kind: str
    argument: str | None = None
    passing: bool = False

    def __str__(self) -> str:
        return f"{self.kind}/{self.argument}" if self.argument else self.kind

    @classmethod
    def written(cls, text: str) -> Target:
        """The target that `str` wrote."""
        kind, _slash, argument = text.partition("/")
        return cls(kind, argument or None)


@dataclass(frozen=True)
class Choice:
    """Something that may be picked for a link; `graded` where it can have a gradebook column."""

    target: Target
    title: str
    help: str = ""
    graded: bool = False

    @property
    def value(self) -> str:
        """The target as forms carry it."""
        return str(self.target)

    @property
    def label(self) -> str:
        """The title as forms show it."""
        return self.title


@dataclass(frozen=True)
class Visit:
    """Who has just come in: what a page's address may depend on."""

    session_id: uuid.UUID
    person_id: uuid.UUID
    roles: frozenset[Role]
    context_id: uuid.UUID | None
    resource_link_id: uuid.UUID | None
    about_id: uuid.UUID | None = None


Builder = Callable[[Visit, str | None], str]
Chooser = Callable[[Session, Scope], list[Choice]]
Argument = Literal["none", "uuid"]


class Targets:
    """The kinds of target and how to get to each."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[Builder, Argument, bool]] = {}
        self._answers: dict[str, Builder] = {}
        self._choosers: list[Chooser] = []

    def add(
        self, kind: str, builder: Builder, *, argument: Argument = "none", passing: bool = False
    ) -> None:
        """`builder(visit, argument)` gives the path of such a page; called inside a request.

        A `passing` page says nothing of the link that it is opened through (as when Canvas'
        SpeedGrader opens somebody's work).
        """
        if kind in self._kinds:
            raise ValueError(f"the target {kind} is there already")
        self._kinds[kind] = (builder, argument, passing)

    def answer(self, message: str, builder: Builder) -> None:
        """Lead messages of this type, which no link's address can name, to `builder`'s page."""
        self._answers[message] = builder

    def answers(self, message: str) -> bool:
        """Whether there is a page for messages of this type."""
        return message in self._answers

    def offer(self, chooser: Chooser) -> None:
        """Let people pick what `chooser(session, scope)` lists when they make a link."""
        self._choosers.append(chooser)

    def choices(self, session: Session, scope: Scope) -> list[Choice]:
        """Everything that may be picked, in the order in which it was offered."""
        return [choice for chooser in self._choosers for choice in chooser(session, scope)]

    def parse(self, text: str) -> Target:
        """The target written as `<kind>` or `<kind>/<argument>`. Raises RefusedError."""
        kind, slash, argument = text.strip("/").partition("/")
        known = self._kinds.get(kind)
        if known is None:
            raise RefusedError("target_not_allowed")
        if known[1] == "none":
            if slash:
                raise RefusedError("target_not_allowed")
            return Target(kind, passing=known[2])
        try:
            return Target(kind, str(uuid.UUID(argument)), known[2])
        except ValueError:
            raise RefusedError("target_not_allowed") from None

    def of_uri(self, uri: str, base_url: str) -> Target | None:
        """The target of a target_link_uri; None where it names the tool alone.

        Raises RefusedError for another site's address and for a page that there is not.
        """
        path = _path_below(uri, base_url)
        if path in {"", "/", LAUNCH_PATH}:
            return None
        if not path.startswith("/to/"):
            raise RefusedError("target_not_allowed")
        return self.parse(path.removeprefix("/to/"))

    def named(self, custom: str | None, uri: str, base_url: str) -> Target | None:
        """The target that a custom parameter names, or else an address; None without any."""
        try:
            return self.parse(custom) if custom else self.of_uri(uri, base_url)
        except RefusedError:
            return None

    def path(self, target: Target, visit: Visit) -> str:
        """The address of the page for that visit."""
        builder = self._answers.get(target.kind) or self._kinds[target.kind][0]
        return builder(visit, target.argument)


def _path_below(uri: str, base_url: str) -> str:
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise RefusedError("target_not_allowed") from None
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    # Browsers read "\" as "/" and drop control characters; such an address is nobody's.
    if origin != base_url or "\\" in uri or not uri.isprintable() or parts.fragment:
        raise RefusedError("target_not_allowed")
    return parts.path
