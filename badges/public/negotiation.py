"""Which form a client wants, and answers that caches and browsers on other sites may use.

HTML only where `Accept` names it: wallets and verifiers send `*/*` or nothing, and get JSON.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final

from flask import Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

HTML: Final = "text/html"
VC_LD_JSON: Final = "application/vc+ld+json"
VC_TYPES: Final = (
    VC_LD_JSON, "application/vc", "application/vc+json", "application/ld+json", "application/json",
)  # fmt: skip
JWT_TYPES: Final = ("application/vc+jwt", "application/jwt", "application/jose", "text/plain")
LD_TYPES: Final = ("application/ld+json", "application/json")
DID_TYPES: Final = (
    "application/did+json", "application/did+ld+json", "application/ld+json", "application/json",
)  # fmt: skip

# What is drawn from data must not run anything, wherever it is opened.
DRAWING_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
MACHINE_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


def named(accept: MIMEAccept, types: tuple[str, ...]) -> tuple[str | None, float]:
    """The one of `types` that `accept` names with the highest quality, wildcards aside."""
    best: tuple[str | None, float] = (None, 0.0)
    for value, quality in accept:
        plain = value.split(";")[0].strip().lower()
        if plain in types and quality > best[1]:
            best = (plain, quality)
    return best


def wants_html(machine_types: tuple[str, ...] = VC_TYPES) -> bool:
    """Whether the client named HTML, and no machine-readable type above it."""
    return _prefers_html(request.environ.get("HTTP_ACCEPT", ""), machine_types)


@lru_cache(maxsize=512)
def _prefers_html(header: str, machine_types: tuple[str, ...]) -> bool:
    # Browsers send the same few headers over and over.
    accept = parse_accept_header(header, MIMEAccept)
    _html, html = named(accept, (HTML, "application/xhtml+xml"))
    _machine, machine = named(accept, machine_types)
    return html > 0 and html >= machine


def wants_token() -> bool:
    """Whether the client named a token above the signed document as JSON."""
    _jwt, token = named(request.accept_mimetypes, JWT_TYPES)
    _json, json_wanted = named(request.accept_mimetypes, VC_TYPES)
    return token > json_wanted


def chosen(types: tuple[str, ...]) -> str:
    """The one of `types` to answer with: the one named highest, else the first."""
    return named(request.accept_mimetypes, types)[0] or types[0]


def to_json(value: Mapping[str, Any]) -> bytes:
    """A document as it is sent: UTF-8, in the order of its members."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def document(
    body: bytes | str,
    media_type: str,
    *,
    changed_at: datetime | None = None,
    max_age: int = 300,
    policy: str = MACHINE_POLICY,
    filename: str | None = None,
) -> Response:
    """A machine-readable answer: for every site (CORS), cacheable, answering 304 where it can."""
    data = body.encode() if isinstance(body, str) else body
    return prepared(
        lambda: data,
        media_type,
        tag=hashlib.sha256(data).hexdigest()[:32],
        changed_at=changed_at,
        max_age=max_age,
        policy=policy,
        filename=filename,
    )


def prepared(
    make: Callable[[], bytes],
    media_type: str,
    *,
    tag: str,
    changed_at: datetime | None = None,
    max_age: int = 300,
    policy: str = MACHINE_POLICY,
    filename: str | None = None,
) -> Response:
    """Like `document`, for what is worth making only where the client has not got `tag` yet."""
    response = Response(content_type=_with_charset(media_type))
    # Weak: the same document may travel compressed or not.
    response.set_etag(tag, weak=True)
    if changed_at is not None:
        response.last_modified = changed_at.replace(microsecond=0)
    response.headers["Cache-Control"] = f"public, max-age={max_age}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Content-Security-Policy"] = policy
    response.vary.add("Accept")
    if filename:
        response.headers["Content-Disposition"] = f'inline; filename="{filename}"'
    response.make_conditional(request)
    if response.status_code == 200:
        response.set_data(make())
    return response


@dataclass(frozen=True)
class Packed:
    """A page as bytes, plain and compressed; the compressed form is made where it is asked for."""

    plain: bytes

    @cached_property
    def packed(self) -> bytes:
        """The page with gzip."""
        # Most pages are looked at once: the last tenth of their size costs half of their time.
        return gzip.compress(self.plain, compresslevel=1, mtime=0)


def tagged_page(make: Callable[[], Packed], tag: str) -> Response:
    """A page whose `tag` is known before it is made: only who has not got it waits for that.

    Caches keep it and ask at every visit whether it still holds, so that what is taken back or
    withdrawn is gone at once.
    """
    mark = f'W/"{tag}"'
    same = request.environ.get("HTTP_IF_NONE_MATCH")
    if same is not None and mark in same and request.method in {"GET", "HEAD"}:
        response = Response(status=304)
        del response.headers["Content-Type"], response.headers["Content-Length"]
    else:
        found = make()
        zipped = "gzip" in request.environ.get("HTTP_ACCEPT_ENCODING", "")
        response = Response(found.packed if zipped else found.plain, mimetype=HTML)
        if zipped:
            response.headers.add("Content-Encoding", "gzip")
    response.headers.add("ETag", mark)
    response.headers.add("Cache-Control", "public, no-cache")
    response.headers.add("Vary", "Accept, Accept-Language, Accept-Encoding")
    return response


def page(html: str, *, max_age: int = 60) -> Response:
    """A page for strangers: cacheable for a short time, in this language."""
    response = Response(html, mimetype=HTML)
    response.set_etag(hashlib.sha256(html.encode()).hexdigest()[:32], weak=True)
    response.headers["Cache-Control"] = f"public, max-age={max_age}"
    response.vary.update(("Accept", "Accept-Language"))
    response.make_conditional(request)
    return response


def allow_other_sites(response: Response) -> Response:
    """For `after_request`: refusals and preflights of machine addresses are readable, too."""
    if "ETag" in response.headers and "Accept" in response.headers.get("Vary", ""):
        return response  # one of ours, and complete
    if response.mimetype != HTML or request.method == "OPTIONS":
        response.headers.setdefault("Access-Control-Allow-Origin", "*")
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = (
            ", ".join(sorted(response.allow)) or "GET"
        )
        response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type, If-None-Match"
        response.headers["Access-Control-Max-Age"] = "86400"
    response.vary.add("Accept")
    return response


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
