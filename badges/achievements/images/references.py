"""What a drawing costs once its references are followed: `use` of `use` multiplies.

Every shape counts as often as it is drawn; a reference that leads nowhere is harmless.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from flask_babel import lazy_gettext as _

from badges.achievements.images import allowed
from core.errors import UnprocessableError

if TYPE_CHECKING:
    from badges.achievements.images.cleaning import Node

MOST_DRAWN: Final = 20_000
MOST_STEPS: Final = 120
_PAINTED: Final = ("fill", "stroke", "clip-path", "mask")


class Cost:
    """Counts the shapes that drawing `root` takes."""

    def __init__(self, root: Node, by_id: Mapping[str, Node]) -> None:
        self._root, self._by_id = root, by_id
        self._known: dict[int, int] = {}
        self._under_way: set[int] = set()

    def require_bearable(self) -> None:
        """Raise UnprocessableError where the drawing contains itself, or costs too much."""
        if self._of(self._root, 0) > MOST_DRAWN:
            raise self._refused()

    def _of(self, node: Node, steps: int) -> int:
        place = id(node)
        if place in self._known:
            return self._known[place]
        if place in self._under_way or steps > MOST_STEPS:
            raise self._refused()
        self._under_way.add(place)
        total = 1
        for other in (*node.elements(), *self._referred(node)):
            total += self._of(other, steps + 1)
        self._under_way.discard(place)
        self._known[place] = total
        return total

    def _referred(self, node: Node) -> Iterator[Node]:
        names = [node.attributes.get("href", "").removeprefix("#")]
        for key in _PAINTED:
            local = allowed.LOCAL.fullmatch(node.attributes.get(key, ""))
            if local is not None:
                names.append(local[2])
        for name in names:
            if name in self._by_id:
                yield self._by_id[name]

    @staticmethod
    def _refused() -> UnprocessableError:
        message = _(
            "This drawing repeats parts of itself too often to be drawn. Expand the copies into"
            " shapes, or save it as PNG and choose that."
        )
        return UnprocessableError(message, code="picture_refused", fields={"picture": message})
