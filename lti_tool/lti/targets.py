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

from core.identity import Role
from lti_tool.lti.rules import RefusedError

HOME = "home"
LAUNCH_PATH = "/lti/launch"


@dataclass(frozen=True)
class Target:
    """A page that a link opens."""

    kind: str
    argument: str | None = None


@dataclass(frozen=True)
class Visit:
    """Who has just come in: what a page's address may depend on."""

    session_id: uuid.UUID
    person_id: uuid.UUID
    roles: frozenset[Role]
    context_id: uuid.UUID | None
    resource_link_id: uuid.UUID | None


Builder = Callable[[Visit, str | None], str]
Argument = Literal["none", "uuid"]


class Targets:
    """The kinds of target and how to get to each."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[Builder, Argument]] = {}

    def add(self, kind: str, builder: Builder, *, argument: Argument = "none") -> None:
        """`builder(visit, argument)` gives the path of such a page; called inside a request."""
        if kind in self._kinds:
            raise ValueError(f"the target {kind} is there already")
        self._kinds[kind] = (builder, argument)

    def parse(self, text: str) -> Target:
        """The target written as `<kind>` or `<kind>/<argument>`. Raises RefusedError."""
        kind, slash, argument = text.strip("/").partition("/")
        known = self._kinds.get(kind)
        if known is None:
            raise RefusedError("target_not_allowed")
        if known[1] == "none":
            if slash:
                raise RefusedError("target_not_allowed")
            return Target(kind)
        try:
            return Target(kind, str(uuid.UUID(argument)))
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

    def path(self, target: Target, visit: Visit) -> str:
        """The address of the page for that visit."""
        return self._kinds[target.kind][0](visit, target.argument)


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
