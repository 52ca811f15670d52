"""Reading a framework of standards from CASE JSON (1EdTech CASE 1.0 and 1.1): pure.

Taken are a whole package (`CFPackage`: CFDocument, CFItems, CFAssociations), a list of items
(`{"CFItems": […]}`) and one item. The items come out in the order in which the framework shows
them, each with its depth. Whatever the file holds beyond that is left alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import lazy_gettext as _

from badges.achievements.fields import is_web_address
from core import plain_text
from core.errors import TooLargeError, UnprocessableError

MOST_BYTES = 16 * 1024 * 1024
MOST_ITEMS = 30_000
_TOLD = 5
_CHILD = "ischildof"


@dataclass(frozen=True)
class CaseItem:
    """One standard (CFItem). `code` is its humanCodingScheme, `depth` counts from 0."""

    identifier: str
    uri: str
    statement: str
    code: str | None = None
    short: str | None = None
    kind: str | None = None
    depth: int = 0


@dataclass(frozen=True)
class CaseFramework:
    """A framework of standards (CFDocument) with its items in reading order."""

    identifier: str
    uri: str
    title: str
    creator: str | None
    items: tuple[CaseItem, ...]


def read_case(data: bytes) -> CaseFramework:
    """Read a file of CASE JSON.

    Raises TooLargeError past MOST_BYTES, UnprocessableError where it is no CASE JSON, names no
    framework, holds no items or more than MOST_ITEMS, or where an item lacks what an alignment
    needs (identifier, uri, fullStatement).
    """
    if len(data) > MOST_BYTES:
        raise TooLargeError(
            _("This file is larger than 16 MB. Export a part of the framework instead."),
            code="case_too_large",
        )
    body = _package(_parsed(data))
    given = body.get("CFItems")
    if not isinstance(given, list) or not given:
        raise _refused(_("This file holds no items of a framework (CFItems)."))
    if len(given) > MOST_ITEMS:
        raise _refused(
            _(
                "This file holds %(count)d items; at most %(most)d are taken at once.",
                count=len(given),
                most=MOST_ITEMS,
            )
        )
    document = body.get("CFDocument")
    if not isinstance(document, Mapping):
        document = given[0].get("CFDocumentURI") if isinstance(given[0], Mapping) else None
    identifier, uri, title = (_text(document, name, 500) for name in ("identifier", "uri", "title"))
    if not (identifier and title and is_web_address(uri)):
        raise _refused(_("This file does not say which framework it is of (CFDocument)."))
    return CaseFramework(
        identifier, uri, title[:200], _text(document, "creator", 200) or None,
        _in_order(_items(given), body.get("CFAssociations")),
    )  # fmt: skip


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _refused(_("This file cannot be read as JSON.")) from None


def _package(value: Any) -> Mapping[str, Any]:
    """The object that holds CFItems, whichever way it was wrapped."""
    for name in ("CFPackage", "CFItem"):
        if isinstance(value, Mapping) and isinstance(value.get(name), Mapping):
            value = value[name]
    if isinstance(value, Mapping) and "fullStatement" in value:
        return {"CFItems": [value]}
    return value if isinstance(value, Mapping) else {}


def _items(given: list[Any]) -> dict[str, CaseItem]:
    """The items by identifier; one that is listed twice is one."""
    found: dict[str, CaseItem] = {}
    faults: list[str] = []
    for number, value in enumerate(given, 1):
        item = CaseItem(
            identifier=_text(value, "identifier", 300),
            uri=_text(value, "uri", 500),
            statement=_text(value, "fullStatement", 2000),
            code=_text(value, "humanCodingScheme", 80) or None,
            short=_text(value, "abbreviatedStatement", 200) or None,
            kind=_text(value, "CFItemType", 80) or None,
        )
        if item.identifier and item.statement and is_web_address(item.uri):
            found.setdefault(item.identifier, item)
        else:
            faults.append(str(number))
    if faults:
        named = ", ".join(faults[:_TOLD]) + (" …" if len(faults) > _TOLD else "")
        raise _refused(
            _(
                "Each item needs an identifier, an address (uri) and its words (fullStatement)."
                " These do not have them: number %(numbers)s.",
                numbers=named,
            )
        )
    return found


def _in_order(items: dict[str, CaseItem], associations: Any) -> tuple[CaseItem, ...]:
    """The items as a reader of the framework meets them: each below what it is a child of."""
    children: dict[str, list[tuple[float, int, str]]] = defaultdict(list)
    below: set[str] = set()
    for position, link in enumerate(associations if isinstance(associations, list) else ()):
        if not isinstance(link, Mapping) or _text(link, "associationType", 40).lower() != _CHILD:
            continue
        child = _text(link.get("originNodeURI"), "identifier", 300)
        parent = _text(link.get("destinationNodeURI"), "identifier", 300)
        if child in items and parent in items and child not in below and child != parent:
            children[parent].append((_sequence(link), position, child))
            below.add(child)
    ordered: list[CaseItem] = []
    seen: set[str] = set()
    # Roots first; what a circle of associations hides from them still comes, at the end.
    for start in [name for name in items if name not in below] + list(items):
        waiting = [(start, 0)]
        while waiting:
            name, depth = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            ordered.append(replace(items[name], depth=depth))
            later = sorted(children[name], reverse=True)
            waiting.extend((child, depth + 1) for _number, _position, child in later)
    return tuple(ordered)


def _sequence(link: Mapping[str, Any]) -> float:
    number = link.get("sequenceNumber")
    if isinstance(number, bool) or not isinstance(number, int | float) or abs(number) > 1e9:
        return 0.0
    return float(number)


def _text(value: Any, name: str, limit: int) -> str:
    """A member as one line of text that can be shown, cut at `limit`; empty where it is none."""
    given = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(given, str):
        return ""
    text = plain_text.shown(given)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _refused(sentence: Any) -> UnprocessableError:
    return UnprocessableError(
        sentence,
        code="case_unreadable",
        advice=_("Most publishers of standards offer their framework as CASE JSON (CFPackage)."),
    )
