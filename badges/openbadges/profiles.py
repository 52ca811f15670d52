"""The plumbing of the model, and what stands in many places: pictures, addresses, profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, ClassVar


def timestamp(moment: datetime) -> str:
    """An aware moment as RFC 3339 in UTC to the second; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("A moment in a credential needs its time zone.")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


class Node:
    """Shared serialisation: snake_case fields become the standard's camelCase members."""

    TYPES: ClassVar[tuple[str, ...] | str | None] = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON-ready object, without None and without empty arrays."""
        result: dict[str, Any] = {}
        kind: Any = type(self)
        for attribute, member in _members(kind):
            value = getattr(self, attribute)
            if not isinstance(value, str):
                value = _plain(value)
            if value is None or value in ("", [], {}):
                continue
            result[member] = value
            if attribute == "id" and self.TYPES:
                result["type"] = _types(self.TYPES)
        if self.TYPES and "type" not in result:
            result = {"type": _types(self.TYPES), **result}
        return result


class Ready(Node):
    """A part that many documents share, put together once; nobody changes what it holds."""

    __slots__ = ("_body",)

    def __init__(self, part: Node) -> None:
        self._body = part.to_dict()

    def to_dict(self) -> dict[str, Any]:
        """The very same object for all of them."""
        return self._body


@cache
def _members(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    """The fields of a kind of node, each with its member's name."""
    return tuple(
        (item.name, item.metadata.get("name") or _camel(item.name)) for item in fields(kind)
    )


def _types(types: tuple[str, ...] | str) -> list[str] | str:
    return types if isinstance(types, str) else list(types)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _plain(value: Any) -> Any:
    if isinstance(value, Node):
        return value.to_dict()
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


# A signed endorsement, whole: its own contexts and its own proof stand in it (R21).
Endorsement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Image(Node):
    """An image by its address (R16); `caption` describes it to people who do not see it."""

    TYPES = "Image"
    id: str
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class IdentifierEntry(Node):
    """An identifier of another system (R17); `identifier_type` from the standard's list."""

    TYPES = "IdentifierEntry"
    identifier: str
    identifier_type: str


@dataclass(frozen=True, slots=True)
class Address(Node):
    """A postal address; `address_country_code` is two letters (ISO 3166-1).

    Coordinates are left out: their context gives a property and a class one name, and verifiers
    that compact a badge refuse it.
    """

    TYPES = ("Address",)
    street_address: str | None = None
    post_office_box_number: str | None = None
    postal_code: str | None = None
    address_locality: str | None = None
    address_region: str | None = None
    address_country: str | None = None
    address_country_code: str | None = None


@dataclass(frozen=True, slots=True)
class Profile(Node):
    """An issuer, creator or source (R5). Wallets show `name` and `image`.

    The members from `given_name` on are a person's.
    """

    TYPES = ("Profile",)
    id: str
    name: str | None = None
    url: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    image: Image | None = None
    address: Address | None = None
    other_identifier: Sequence[IdentifierEntry] = ()
    official: str | None = None
    parent_org: Profile | None = None
    endorsement: Sequence[Endorsement] = ()
    given_name: str | None = None
    family_name: str | None = None
    additional_name: str | None = None
    patronymic_name: str | None = None
    honorific_prefix: str | None = None
    honorific_suffix: str | None = None
    family_name_prefix: str | None = None
    date_of_birth: date | None = None
