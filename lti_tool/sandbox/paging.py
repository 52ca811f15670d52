"""Pages of long lists: ``limit`` and ``page`` in, a ``Link`` header out (RFC 8288).

AGS 2.0 sections 3.2.7 and 3.3.6, NRPS 2.0 section 2.4.2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from lti_tool.sandbox.errors import ServiceError

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 100

T = TypeVar("T")


def whole_number(text: str) -> int | None:
    """A positive number of up to nine ASCII digits, or None."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    return int(text) or None


@dataclass(frozen=True)
class Page(Generic[T]):
    """A slice of a list and the address of the pages around it."""

    rows: Sequence[T]
    link_header: str


def cut(rows: Sequence[T], query: Mapping[str, str], address: str) -> Page[T]:
    """The page that the query asks for.

    Args:
        rows: the whole list, filtered.
        query: the request's query; filters are repeated in the paging links.
        address: the request's address without its query.

    Raises:
        ServiceError: 400, ``limit`` or ``page`` is not a whole number above zero.
    """
    limit = min(_positive(query, "limit", DEFAULT_LIMIT), LARGEST_LIMIT)
    page = _positive(query, "page", 1)
    last = max(1, -(-len(rows) // limit))
    start = (page - 1) * limit

    def link(number: int, relation: str) -> str:
        repeated = {**query, "limit": str(limit), "page": str(number)}
        return f'<{address}?{urlencode(repeated)}>; rel="{relation}"'

    links = [link(page + 1, "next")] if page < last else []
    if last > 1:
        links += [link(1, "first"), link(last, "last")]
    return Page(rows[start : start + limit], ", ".join(links))


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    if name not in query:
        return default
    number = whole_number(query[name])
    if number is None:
        raise ServiceError(400, "invalid_request", f"{name} must be a whole number above zero.")
    return number
