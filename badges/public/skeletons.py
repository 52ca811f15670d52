"""Pages of which all but a few words are the same for many badges: rendered once, then filled in.

`page` renders with a mark in the place of every hole, keeps that, and fills the marks with this
badge's words. What is kept is keyed by everything else that the template was given, so two badges
share a skeleton exactly where every other word of their pages is the same.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from markupsafe import Markup, escape

from badges.public.kept import Kept

# Nobody can write a mark into a badge: it is drawn anew in every process.
_SECRET = secrets.token_hex(8)
_MARK = re.compile(f"\ue000{_SECRET}\\.(\\w+)\ue001")


class Skeletons:
    """The latest `size` skeletons of one template.

    Args:
        render: makes the whole page of a context, whose members are hashable.
        holes: names of those members that the template only writes out as they are (no filter, no
            comparison; asking whether one is empty is allowed).
    """

    def __init__(
        self, render: Callable[[Mapping[str, Any]], str], holes: frozenset[str], size: int = 256
    ) -> None:
        self._render, self._holes = render, holes
        self._kept: Kept[list[str]] = Kept(size)

    def page(self, context: Mapping[str, Any], *beside: Hashable) -> str:
        """The page of `context`; `beside` is what else decides its words, such as the language."""
        holes = self._holes
        fixed = tuple([
            (name, bool(value)) if name in holes else (name, value)
            for name, value in context.items()
        ])  # fmt: skip
        pieces = self._kept.get((beside, fixed), lambda: self._made(context))
        filled, names = pieces.copy(), pieces[1::2]
        words = {name: escape(context[name]) for name in set(names)}
        filled[1::2] = [words[name] for name in names]
        return "".join(filled)

    def _made(self, context: Mapping[str, Any]) -> list[str]:
        marked = {
            name: _mark(name) if name in self._holes and value else value
            for name, value in context.items()
        }
        # Text, then the name of a hole, and so on in turns.
        return _MARK.split(str(self._render(marked)))


def _mark(name: str) -> Markup:
    return Markup(f"\ue000{_SECRET}.{name}\ue001")  # noqa: S704 - of our own making
