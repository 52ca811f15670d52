"""The badge that a page for people points to: `<link rel="alternate" type="application/vc…">`.

Pages of badges, ours among them, name their document so; a static host can send nothing else.
"""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

_TYPES = ("application/vc+ld+json", "application/vc", "application/vc+json", "application/ld+json")
_MAX_PAGE = 512 * 1024


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the first address of each type."""
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and "alternate" in given.get("rel", "").lower().split():
            kind = given.get("type", "").split(";")[0].strip().lower()
            if kind in _TYPES and given.get("href"):
                self.found.setdefault(kind, given["href"])


def linked_badge(page: bytes, address: str) -> str | None:
    """The address of the document that a page names, if it is on the page's own site.

    Args:
        page: the HTML.
        address: where the page was found.
    """
    links = _Links()
    try:
        links.feed(page[:_MAX_PAGE].decode("utf-8", "replace"))
        for kind in _TYPES:
            if kind in links.found:
                target = urljoin(address, links.found[kind])
                one, other = urlsplit(target), urlsplit(address)
                same = (one.scheme, one.netloc) == (other.scheme, other.netloc)
                return target if same and target != address else None
    except (ValueError, AssertionError):  # an address or markup that cannot be taken apart
        return None
    return None
