"""Reading JSON from strangers: strict, bounded, and without the surprises Python allows.

Repeated member names are refused because two readers could see two different badges.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from badges.openbadges.errors import DocumentError
from badges.openbadges.messages import N_, Filled

MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_DEPTH = 48

JsonObject = dict[str, Any]


def parse_json(data: bytes | str, *, limit: int = MAX_DOCUMENT_BYTES) -> Any:
    """Parse one JSON text (RFC 8259, UTF-8).

    Args:
        data: the text or its UTF-8 bytes.
        limit: the most bytes accepted.

    Raises:
        DocumentError: too large, too deep, not UTF-8, not JSON, a repeated member,
            a number that is not finite, or half of a surrogate pair.
    """
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "replace"))
    if size > limit:
        raise DocumentError(Filled(N_("The document is larger than %(limit)s bytes."), limit=limit))
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data.removeprefix("\ufeff")
        value = json.loads(text, object_pairs_hook=_unique_object, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise DocumentError(N_("The document is not UTF-8 text.")) from error
    except RecursionError as error:
        raise DocumentError(N_("The document is nested too deeply.")) from error
    except json.JSONDecodeError as error:
        raise DocumentError(_fault(error)) from error
    except ValueError as error:  # more digits than Python turns into a number
        raise DocumentError(N_("The document holds a number too large to read.")) from error
    _check_values(value)
    return value


def _fault(error: json.JSONDecodeError) -> str:
    """What is wrong with a JSON text, without the parser's own words."""
    if not error.doc.strip():
        return N_("It is empty.")
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string"):
        return N_("The JSON breaks off before its end; a part of it is missing.")
    place = f"line {error.lineno}, character {error.colno}"
    if error.msg == "Extra data":
        return f"Something follows the end of the JSON, at {place}."
    return f"It is not JSON from {place} on."


def parse_object(data: bytes | str, *, limit: int = MAX_DOCUMENT_BYTES) -> JsonObject:
    """Parse a JSON text that must be an object; raises like `parse_json`."""
    value = parse_json(data, limit=limit)
    if not isinstance(value, dict):
        raise DocumentError(N_("The document is JSON, but not a JSON object."))
    return value


def as_list(value: Any) -> list[Any]:
    """A JSON-LD value that may be one or many, as a list; None is the empty list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def id_of(value: Any) -> str | None:
    """The identifier of a reference that is either a string or an object with `id`."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else None


def is_endorsement(document: Mapping[str, Any]) -> bool:
    """Whether a credential is an endorsement (B.1.9), rather than a badge."""
    return "EndorsementCredential" in as_list(document.get("type"))


def _unique_object(pairs: list[tuple[str, Any]]) -> JsonObject:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _value in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise DocumentError(
            Filled(N_("The member %(name)s stands twice in one object."), name=repr(repeated))
        )
    return result


def _no_constant(name: str) -> Any:
    raise DocumentError(Filled(N_("%(name)s is not a JSON number."), name=name))


def _check_values(root: Any) -> None:
    """Refuse what the parser lets through: depth, infinite numbers, lone surrogates."""
    level: list[Any] = [root]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise DocumentError(N_("The document is nested too deeply."))
        level = [inner for value in level for inner in _inner(value)]


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name in value:
            _check_text(name)
        yield from value.values()
    elif isinstance(value, list):
        yield from value
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise DocumentError(N_("The document holds a number too large to read."))


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DocumentError(N_("The document holds half of a surrogate pair.")) from error
