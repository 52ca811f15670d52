"""An SVG of somebody's own, built anew from what `allowed` names. Nothing is copied as it stands.

Refused: what is no SVG, what declares entities, what is too large, too deep or too costly to draw,
numbers beyond reason, and drawings that contain themselves. Left out and told: scripts, links and
pictures from elsewhere, pages inside, effects, motion.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse
from flask_babel import lazy_gettext as _

from badges.achievements.images import allowed
from badges.achievements.images.pictures import SIDE
from badges.achievements.images.references import Cost
from badges.achievements.images.styles import Sheet, declarations
from core.errors import UnprocessableError

MOST_BYTES: Final = 1024 * 1024
MOST_ELEMENTS: Final = 5_000
MOST_DEPTH: Final = 60
MOST_CHARACTERS: Final = 512 * 1024
_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "{http://www.w3.org/1999/xlink}href"


@dataclass
class Node:
    """One element that is kept."""

    name: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list)

    def elements(self) -> Iterator[Node]:
        """The children that are elements."""
        return (child for child in self.children if isinstance(child, Node))


@dataclass(frozen=True)
class Cleaned:
    """A clean drawing and what was left out of it, as the words of `allowed.LEFT_OUT`."""

    svg: str
    left_out: frozenset[str]


def clean_svg(data: bytes) -> Cleaned:
    """Build the drawing anew, 600 by 600. Raises UnprocessableError, with what to do, as above."""
    if len(data) > MOST_BYTES:
        raise refused(
            _(
                "This drawing has more than a megabyte of shapes. Simplify it, or save it as"
                " PNG and choose that."
            )
        )
    root = _parsed(data)
    cleaner = _Cleaner()
    cleaner.read_styles(root)
    node = cleaner.node(root)
    if node is None:  # only where the root is no svg, which was refused
        raise AssertionError
    _fit(node)
    Cost(node, cleaner.by_id).require_bearable()
    return Cleaned("".join(_written(node)), frozenset(cleaner.left_out))


def refused(message: object) -> UnprocessableError:
    """The refusal of a picture."""
    return UnprocessableError(message, code="picture_refused", fields={"picture": message})


def _parsed(data: bytes) -> Element:
    depth = count = 0
    root: Element | None = None
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end")):
            if event == "end":
                depth -= 1
                continue
            root = element if root is None else root
            depth, count = depth + 1, count + 1
            if depth > MOST_DEPTH or count > MOST_ELEMENTS:
                raise refused(
                    _(
                        "This drawing has too many shapes, or they are nested too deeply."
                        " Simplify it, or save it as PNG and choose that."
                    )
                )
    except DefusedXmlException:
        raise refused(
            _(
                "This drawing declares entities, which are not accepted. Save it again as plain"
                " SVG (in Illustrator: without “Preserve Illustrator Editing Capabilities”)."
            )
        ) from None
    except (ParseError, UnicodeError, ValueError, LookupError):
        raise refused(
            _("This drawing is damaged and cannot be read. Save it again, or save it as PNG.")
        ) from None
    if root is None or _local(root.tag) != "svg":
        raise refused(_("This file is no SVG drawing. Save it as SVG or PNG, then choose it."))
    return root


class _Cleaner:
    """Keeps what is allowed, element by element, and notes what was left out."""

    def __init__(self) -> None:
        self.left_out: set[str] = set()
        self.by_id: dict[str, Node] = {}
        self.sheet = Sheet()

    def read_styles(self, root: Element) -> None:
        """Read the style sheets first: they may stand behind what they style."""
        for element in root.iter():
            if isinstance(element.tag, str) and _local(element.tag) == "style":
                self.sheet.read("".join(element.itertext()))
        if self.sheet.left_out:
            self.left_out.add("styles")

    def node(self, element: Element) -> Node | None:
        """The element anew, or None where nothing of it is kept."""
        name = _local(element.tag) if isinstance(element.tag, str) else ""
        if name in allowed.UNWRAPPED:
            name = "g"
        if name not in allowed.ELEMENTS:
            if name in allowed.LEFT_OUT:
                self.left_out.add(allowed.LEFT_OUT[name])
            return None
        node = Node(name, self._attributes(element, name))
        if identifier := node.attributes.get("id"):
            self.by_id[identifier] = node
        texts = name in allowed.WITH_TEXT
        if texts and element.text:
            node.children.append(element.text)
        for child in element:
            kept = self.node(child)
            if kept is not None:
                node.children.append(kept)
            if texts and child.tail:
                node.children.append(child.tail)
        return node

    def _attributes(self, element: Element, name: str) -> dict[str, str]:
        """Attributes, then style sheets, then `style`: the later says what holds (CSS 2.1, 6.4)."""
        given = {key: value.strip() for key, value in element.attrib.items()}
        if _XLINK in given:
            given.setdefault("href", given.pop(_XLINK))
        if any(key.lower().startswith("on") for key in given):
            self.left_out.add("script")
        styles = self.sheet.of(name, given.get("class", "").split(), given.get("id"))
        styles |= declarations(given.pop("style", ""))
        own = allowed.ELEMENTS[name] | allowed.COMMON | allowed.PAINT
        kept: dict[str, str] = {}
        for key, value in (*given.items(), *styles.items()):
            found = self._value(key, value) if key in own else None
            if found is not None:
                kept[key] = found
            elif key in ("filter", "marker-start", "marker-mid", "marker-end"):
                self.left_out.add("effects")
        if kept.get("id") in self.by_id:
            del kept["id"]
        return kept

    def _value(self, key: str, value: str) -> str | None:
        """The value, if it may stand; references to other places never do."""
        value = value.removesuffix("!important").strip()
        if key == "href":
            if value.startswith("#") and allowed.NAME.fullmatch(value[1:]):
                return value
            self.left_out.add("links")
            return None
        if "url" in value.lower():
            local = allowed.LOCAL.fullmatch(value)
            if local is None or not allowed.NAME.fullmatch(local[2]):
                self.left_out.add("links")
                return "none" if key in ("fill", "stroke") else None
            return f"url(#{local[2]})"
        if len(value) > MOST_CHARACTERS or not allowed.is_allowed(key, value):
            return None
        if key not in ("id", "font-family") and allowed.too_large(value):
            raise refused(
                _(
                    "This drawing has numbers that are too large to draw with. Scale it to a usual"
                    " size, then save it again."
                )
            )
        return value


def _fit(root: Node) -> None:
    """Give the root a box of its own and the size that badges have."""
    attributes = root.attributes
    box = attributes.get("viewBox") or "0 0 {} {}".format(
        *(_pixels(attributes.get(side)) for side in ("width", "height"))
    )
    numbers = [_pixels(part) for part in box.replace(",", " ").split()]
    if len(numbers) != 4 or numbers[2] <= 0 or numbers[3] <= 0:
        raise refused(
            _("This drawing does not say how large it is. Save it again with a width and a height.")
        )
    attributes["viewBox"] = " ".join(f"{number:g}" for number in numbers)
    attributes["width"] = attributes["height"] = str(SIDE)
    for name in ("x", "y", "preserveAspectRatio", "display", "visibility"):
        attributes.pop(name, None)


def _pixels(text: str | None) -> float:
    """A length without its unit; 0 where there is none."""
    digits = (text or "").rstrip("abcdefghijklmnopqrstuvwxyz%")
    try:
        return float(digits)
    except ValueError:
        return 0.0


def _written(node: Node, *, root: bool = True) -> Iterator[str]:
    namespace = f' xmlns="{_SVG}"' if root else ""
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in node.attributes.items())
    if not node.children:
        yield f"<{node.name}{namespace}{attributes}/>"
        return
    yield f"<{node.name}{namespace}{attributes}>"
    for child in node.children:
        if isinstance(child, str):
            yield escape(child)
        else:
            yield from _written(child, root=False)
    yield f"</{node.name}>"


def _local(tag: str) -> str:
    """The name within SVG's namespace, or without any; empty for what is of others."""
    if not tag.startswith("{"):
        return tag
    namespace, _brace, name = tag[1:].partition("}")
    return name if namespace == _SVG else ""
