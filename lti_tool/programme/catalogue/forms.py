"""A micro-credential as a form: what is typed, kept as it was typed, and read once it is whole.

A form field has the name of its place in the document (`rubric.criteria[0].name`), so that each
fault that `MicroCredential.from_dict` finds stands beside the field it is about. A draft's
`content` has the document's shape with texts for leaves.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from badges.achievements.document import MicroCredential

Shape = Mapping[str, Any]
TEXT, NUMBER, FLAG, LINES = "text", "number", "flag", "lines"
MOST_ROWS: Final = 60
_PART = re.compile(r"([a-z_]+)((?:\[[0-9]{1,3}\])?)", re.ASCII)


@dataclass(frozen=True)
class Rows:
    """A list of objects. `typed` are the members that a person fills in: a row without any of
    them is taken away before it is read, where `may_go`."""

    of: Mapping[str, Any]
    typed: tuple[str, ...] = ()
    may_go: bool = False


_ALIGNMENT: Final = Rows(
    {
        "name": TEXT, "url": TEXT, "code": TEXT, "framework": TEXT, "description": TEXT,
        "target_type": TEXT,
    },
    ("name", "url", "code", "framework", "description"),
    may_go=True,
)  # fmt: skip
_LEVELS: Final = Rows({"id": TEXT, "name": TEXT, "description": TEXT, "points": TEXT})
_CRITERIA: Final = Rows(
    {
        "id": TEXT, "name": TEXT, "description": TEXT, "required_level": NUMBER,
        "levels": _LEVELS, "alignment": _ALIGNMENT,
    }
)  # fmt: skip
SHAPE: Final[Shape] = {
    **dict.fromkeys(
        ("name", "competency", "description", "method", "level", "criteria_narrative", "validity",
         "achievement_type", "credits", "language", "field_of_study", "specialization",
         "human_code"), TEXT),
    "minutes": NUMBER,
    "tags": LINES,
    "research": Rows({"title": TEXT, "url": TEXT}, ("title", "url"), may_go=True),
    "evidence_asked": Rows(
        {
            "id": TEXT, "kind": TEXT, "title": TEXT, "help": TEXT, "minimum": NUMBER,
            "maximum": NUMBER, "required": FLAG,
        }
    ),
    "rubric": {"criteria": _CRITERIA},
    "review": {"kind": TEXT, "k": NUMBER, "blindness": TEXT},
    "image": {
        "template": TEXT, "primary": TEXT, "accent": TEXT, "lines": LINES, "upload": TEXT,
    },
    "alignment": _ALIGNMENT,
    "related": Rows(
        {"url": TEXT, "language": TEXT, "version": TEXT}, ("url", "language", "version"),
        may_go=True,
    ),
    "identifiers": Rows({"identifier": TEXT, "type": TEXT}, ("identifier",), may_go=True),
    "results": Rows(
        {
            "id": TEXT, "name": TEXT, "type": TEXT, "allowed": LINES, "minimum": TEXT,
            "maximum": TEXT, "required": TEXT,
        },
        ("name", "allowed", "minimum", "maximum", "required"),
        may_go=True,
    ),
}  # fmt: skip

_NEW_ID: Final = {"criteria": "line", "levels": "level", "evidence_asked": "piece",
                  "results": "result"}  # fmt: skip


def content_of(document: MicroCredential) -> dict[str, Any]:
    """A published document as a draft's content."""
    found: dict[str, Any] = _texts(document.to_dict(), SHAPE)
    return found


def _texts(value: Any, shape: Any) -> Any:
    if isinstance(shape, Rows):
        return [_texts(item, shape.of) for item in value or ()]
    if isinstance(shape, Mapping):
        return {name: _texts((value or {}).get(name), inner) for name, inner in shape.items()}
    if shape == LINES:
        return "\n".join(value or ())
    if shape == FLAG:
        return bool(value)
    return "" if value is None else str(value)


def typed(
    form: Iterable[tuple[str, str]], content: Mapping[str, Any], shape: Shape = SHAPE
) -> dict[str, Any]:
    """`content` with what a form brings. Members that the form does not have stay as they are;
    its lists are those of the form, row by row."""
    tree: dict[str, Any] = {}
    for name, value in form:
        path = _path(name, shape)
        if path is not None:
            _place(tree, path, value)
    merged: dict[str, Any] = _merged(tree, shape, deepcopy(dict(content)))
    return merged


def _merged(tree: Mapping[Any, Any], shape: Mapping[str, Any], before: Mapping[str, Any]) -> Any:
    made: dict[str, Any] = {}
    for name, inner in shape.items():
        old, new = before.get(name), tree.get(name)
        if isinstance(inner, Rows):
            rows: list[Any] = old if isinstance(old, list) else []
            if isinstance(new, Mapping):
                made[name] = [
                    _merged(new[index], inner.of, rows[index] if index < len(rows) else {})
                    for index in sorted(new)
                    if isinstance(index, int) and isinstance(new[index], Mapping)
                ]
            else:
                made[name] = rows
        elif isinstance(inner, Mapping):
            given = new if isinstance(new, Mapping) else {}
            made[name] = _merged(given, inner, old if isinstance(old, Mapping) else {})
        elif inner == FLAG:
            # A box that is not ticked sends nothing: the row's other fields say that it was there.
            made[name] = new is not None if tree else bool(old)
        else:
            made[name] = new if isinstance(new, str) else old if isinstance(old, str) else ""
    return made


def _path(name: str, shape: Any) -> list[str | int] | None:
    """`rubric.criteria[0].name` in parts; None for a name that is no place of the document."""
    path: list[str | int] = []
    for part in name.split("."):
        match = _PART.fullmatch(part)
        if match is None or not isinstance(shape, Mapping) or match[1] not in shape:
            return None
        shape = shape[match[1]]
        path.append(match[1])
        if match[2]:
            index = int(match[2][1:-1])
            if not isinstance(shape, Rows) or index >= MOST_ROWS:
                return None
            path.append(index)
            shape = shape.of
    return path if isinstance(shape, str) else None


def _place(tree: dict[Any, Any], path: list[str | int], value: str) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value.replace("\r\n", "\n").replace("\0", "")


def tidied(content: Mapping[str, Any], shape: Shape = SHAPE) -> dict[str, Any]:
    """Without rows that nobody filled in, where none is needed."""
    tidy: dict[str, Any] = _tidied(deepcopy(dict(content)), shape)
    return tidy


def _tidied(value: Any, shape: Any) -> Any:
    if isinstance(shape, Rows):
        rows = [_tidied(row, shape.of) for row in value]
        if not shape.may_go:
            return rows
        return [row for row in rows if any(str(row.get(n) or "").strip() for n in shape.typed)]
    if isinstance(shape, Mapping):
        return {name: _tidied(value[name], inner) for name, inner in shape.items()}
    return value


def document_of(content: Mapping[str, Any], shape: Shape = SHAPE) -> dict[str, Any]:
    """The JSON form for `MicroCredential.from_dict`: numbers where digits were typed, nothing
    where nothing was."""
    document: dict[str, Any] = _plain(content, shape)
    return document


def _plain(value: Any, shape: Any) -> Any:
    if isinstance(shape, Rows):
        return [_plain(row, shape.of) for row in value]
    if isinstance(shape, Mapping):
        plain = {name: _plain(value[name], inner) for name, inner in shape.items()}
        return {name: given for name, given in plain.items() if given is not None}
    if shape == LINES:
        return [line.strip() for line in value.split("\n") if line.strip()]
    if shape == FLAG:
        return value
    text = value.strip()
    if shape == NUMBER and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return text or None


def field_of(place: str) -> str:
    """The form field in which a fault's place is typed: an entry of a text of lines is its text."""
    match = re.fullmatch(r"(.*(?:tags|lines|allowed))\[[0-9]+\]", place)
    return match[1] if match else place


def act(content: dict[str, Any], what: str) -> str | None:
    """Do to the rows what a button says: `add:rubric.criteria`, `remove:research[2]`,
    `up:…` or `down:…`. Returns the place to go to, None for what is no such thing."""
    verb, _colon, place = what.partition(":")
    found = _rows(content, place)
    if found is None:
        return None
    rows, shape, name, index = found
    if verb == "add" and index is None and len(rows) < MOST_ROWS:
        rows.append(new_row(name, shape, rows))
        return f"{place}[{len(rows) - 1}]"
    if index is None or index >= len(rows):
        return None
    base = place[: place.rindex("[")]
    if verb == "remove":
        del rows[index]
        return base
    other = {"up": index - 1, "down": index + 1}.get(verb, -1)
    if 0 <= other < len(rows):
        rows[index], rows[other] = rows[other], rows[index]
        return f"{base}[{other}]"
    return place


def _rows(content: Any, place: str) -> tuple[list[Any], Rows, str, int | None] | None:
    """The list that a place names, its shape and name, and the row in it."""
    shape: Any = SHAPE
    found: tuple[list[Any], Rows, str, int | None] | None = None
    for part in place.split("."):
        match = _PART.fullmatch(part)
        if match is None or not isinstance(shape, Mapping) or match[1] not in shape:
            return None
        shape, content, found = shape[match[1]], content[match[1]], None
        if isinstance(shape, Rows):
            index = int(match[2][1:-1]) if match[2] else None
            found = (content, shape, match[1], index)
            if index is not None and index < len(content):
                content, shape = content[index], shape.of
            else:
                shape = None
    return found


def new_row(name: str, shape: Rows, rows: list[Any]) -> dict[str, Any]:
    """An empty row; one with an id gets a new one, and a rubric line the levels of the last."""
    row: dict[str, Any] = _texts({}, shape.of)
    if name in _NEW_ID:
        row["id"] = new_id(name)
    if name == "criteria":
        last = rows[-1]["levels"] if rows else []
        row["levels"] = [
            {"id": new_id("levels"), "name": level["name"], "description": "", "points": ""}
            for level in last
        ]
        row["required_level"] = rows[-1]["required_level"] if rows else "1"
    if name == "evidence_asked":
        row.update(kind="lesson_plan", minimum="1", maximum="1", required=True)
    return row


def new_id(name: str) -> str:
    """An identifier for a new row. It stays with the row for ever: results point at it."""
    return f"{_NEW_ID[name]}-{secrets.token_hex(4)}"
