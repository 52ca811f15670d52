"""What a browser loads for a page: the page, and whatever it and its parts name."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from werkzeug.test import TestResponse

Get = Callable[[str], TestResponse]

_CSS = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"'()\s;]+)""")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(
    r"""(?:^|[;}\n])\s*(?:import|export)\s*(?:[\w*{}\s,$]+?\sfrom\s*)?["']([^"']+)["']"""
)
_DYNAMIC = re.compile(r"""\bimport\(\s*(["'`])(.+?)\1\s*\)""")
_ELEMENT = re.compile(r"mp-([a-z]+)")
_LINKS = {"stylesheet", "icon", "modulepreload", "preload", "manifest", "apple-touch-icon"}
_SOURCES = {"img", "script", "source", "video", "audio", "iframe", "embed", "input", "track"}
SCRIPTS = {"text/javascript", "application/javascript"}


@dataclass
class Weight:
    """Compressed bytes by address, in the order of loading."""

    parts: dict[str, int] = field(default_factory=dict)
    scripts: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """Bytes of everything."""
        return sum(self.parts.values())

    @property
    def script(self) -> int:
        """Bytes of scripts alone."""
        return sum(self.parts[name] for name in self.scripts)


def weigh(page: str, get: Get) -> Weight:
    """Load the page at `page` and all it needs; bodies only, as compressed as they are sent.

    `get` asks as a browser that accepts gzip. Raises RuntimeError where anything is missing.
    """
    weight, elements = Weight(), set[str]()
    waiting = [page]
    while waiting:
        address = waiting.pop(0)
        if address in weight.parts:
            continue
        response = get(address)
        if response.status_code != 200:
            raise RuntimeError(f"{address} answered {response.status}")
        weight.parts[address] = len(response.get_data())
        text, kind = text_of(response), response.mimetype
        if kind == "text/html":
            found = _Page()
            found.feed(text)
            elements |= found.elements
            named = found.addresses
        elif kind == "text/css":
            named = [match[1] for match in _CSS.finditer(_CSS_COMMENT.sub("", text))]
        elif kind in SCRIPTS:
            weight.scripts.add(address)
            named = imports(text, elements)
        else:
            named = []
        waiting += [_absolute(address, name) for name in named if not name.startswith("data:")]
    return weight


def imports(script: str, elements: set[str]) -> list[str]:
    """The modules that `script` imports; a dynamic import of `${name}` for each of `elements`."""
    found = [match[1] for match in _IMPORT.finditer(script)]
    for match in _DYNAMIC.finditer(script):
        if "${name}" in match[2]:
            found += [match[2].replace("${name}", name) for name in sorted(elements)]
        else:
            found.append(match[2])
    return found


class _Page(HTMLParser):
    """Collects what a page names, and its `<mp-…>` elements."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.elements: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if match := _ELEMENT.fullmatch(tag):
            self.elements.add(match[1])
        if tag == "link" and _LINKS & set(values.get("rel", "").split()):
            self.addresses.append(values["href"])
        if tag in _SOURCES:
            chosen = [values.get("src"), values.get("poster")]
            # The last candidate is the largest: the most that a browser would load.
            chosen += [values.get("srcset", "").split(",")[-1].strip().split(" ")[0]]
            self.addresses += [address for address in chosen if address]


def text_of(response: TestResponse) -> str:
    """The body as text, unpacked where it came compressed."""
    data = response.get_data()
    if response.headers.get("Content-Encoding") == "gzip":
        data = gzip.decompress(data)
    return data.decode("utf-8", "replace")


def _absolute(page: str, name: str) -> str:
    parts = urlsplit(urljoin(page, name))
    return parts.path + (f"?{parts.query}" if parts.query else "")
