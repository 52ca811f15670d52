"""Service addresses, which may carry a query of their own (Moodle's line items do)."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit


def below(url: str, name: str) -> str:
    """`url` with `/name` at the end of its path, before any query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}", fragment=""))


def with_query(url: str, **more: str) -> str:
    """`url` with `more` added to its query."""
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(more)) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))


def same_origin(one: str, other: str) -> bool:
    """Whether both addresses are of one scheme, host and port."""
    try:
        first, second = urlsplit(one), urlsplit(other)
    except ValueError:
        return False
    return (first.scheme, first.netloc.lower()) == (second.scheme, second.netloc.lower())
