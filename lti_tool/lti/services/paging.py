"""Lists that a platform gives in pages (RFC 8288; AGS 2.0, 3.2.7; NRPS 2.0, 2.4.2).

The next page's address is the platform's word, and our token goes there: it is followed on the same
origin alone, never twice, and not for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from core.http import Response
from lti_tool.lti.families import is_web_address
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.quirks import quirks_of
from lti_tool.lti.services.addresses import same_origin, with_query
from lti_tool.lti.services.connector import Connector

MOST_PAGES: Final = 200
LONGEST_ADDRESS: Final = 4000
_LINK = re.compile(r"<([^<>]{1,4000})>([^<]*)")
_RELATION = re.compile(r"""\brel\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;,"']+))""", re.IGNORECASE)


@dataclass
class Walk:
    """One list on its way: where it is read, as what, and how the reading went.

    `kept` are query parameters that a next address must carry (a filter that it forgets is put
    back). `complete` says whether the last page was reached; `links` are the last page's relations.
    """

    platform: KnownPlatform
    scopes: frozenset[str]
    url: str
    accept: str
    kept: dict[str, str] = field(default_factory=dict)
    most_pages: int = MOST_PAGES
    complete: bool = False
    stopped: str = ""
    links: dict[str, str] = field(default_factory=dict)


def pages(connector: Connector, walk: Walk) -> Iterator[Any]:
    """The JSON of each page, None for one that is none. Raises DeliveryError."""
    url, seen = with_query(walk.url, **_missing(walk.url, walk.kept)), set[str]()
    for _number in range(walk.most_pages):
        seen.add(url)
        answer = connector.call(
            walk.platform, walk.scopes, "GET", url, accept=walk.accept, returned=frozenset()
        )
        walk.links.update(relations(walk.platform, answer, url))
        following = walk.links.pop("next", None)
        yield json_of(answer)
        if following is None:
            walk.complete = True
            return
        if not same_origin(following, walk.url):
            walk.stopped = "The next page is on another site, so it was not asked for."
            return
        url = with_query(following, **_missing(following, walk.kept))
        if url in seen:
            walk.stopped = "The pages of the list lead back to one that was read already."
            return
    walk.stopped = f"The list has more than {walk.most_pages} pages."


def relations(platform: KnownPlatform, answer: Response, url: str) -> dict[str, str]:
    """The addresses in the answer's Link header by relation, absolute, web addresses alone."""
    header = quirks_of(platform.family).link_header(answer.headers.get("link", ""))
    found: dict[str, str] = {}
    for address, parameters in _LINK.findall(header[:50_000]):
        match = _RELATION.search(parameters)
        if match is None:
            continue
        try:
            target = urljoin(url, address.strip())
        except ValueError:
            continue
        if is_web_address(target, longest=LONGEST_ADDRESS):
            for relation in next(filter(None, match.groups()), "").lower().split():
                found.setdefault(relation, target)
    return found


def json_of(answer: Response) -> Any:
    """The JSON in an answer, whatever media type it claims; None where it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _missing(url: str, wanted: dict[str, str]) -> dict[str, str]:
    present = {name for name, _value in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return {name: value for name, value in wanted.items() if name not in present}
