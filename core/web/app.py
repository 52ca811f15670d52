"""`make_app`: a Flask application with everything that pages rely on, and no pages yet."""

from __future__ import annotations

import gzip
import secrets
import time
from functools import lru_cache
from importlib.resources import files
from typing import Any

from flask import Flask, Response, current_app, g, request
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from core.log import request_id
from core.runtime import Runtime
from core.web import assets, bodies, errors, flashes, i18n, metrics, ops, sessions
from core.web.templating import PageEnvironment

MAX_FORM_BYTES = 2 * 1024 * 1024
COMPRESSIBLE = frozenset(
    {
        "text/html",
        "text/css",
        "text/javascript",
        "application/json",
        "application/did+json",
        "application/vc+ld+json",
        "image/svg+xml",
    }
)


def runtime() -> Runtime:
    """The Runtime of the application that serves this request."""
    found: Runtime = current_app.extensions["milepost"]
    return found


def make_app(shared: Runtime, *, import_name: str = "milepost") -> Flask:
    """A Flask application around `shared`, ready for blueprints."""
    app = Flask(
        import_name,
        static_folder=None,
        template_folder=str(files("templates")),
        root_path=str(files("core")),
    )
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        MAX_FORM_PARTS=500,
        TESTING=shared.config.environment == "test",
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_environment = PageEnvironment
    app.jinja_options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    app.extensions["milepost"] = shared
    if shared.config.trusted_proxies:
        hops = shared.config.trusted_proxies
        behind = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = behind  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_finish)
    assets.install(app)
    i18n.install(app)
    sessions.install(app)
    flashes.install(app)
    errors.install(app)
    app.jinja_env.globals["file_was_sent"] = bodies.file_was_sent
    metrics.install(app)
    ops.install(app)
    return app


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    plain = given.isascii() and given.replace("-", "").isalnum() and 8 <= len(given) <= 64
    g.request_id = given if plain else secrets.token_hex(8)
    g.began = time.perf_counter()
    request_id.set(g.request_id)


def _finish(response: Response) -> Response:
    headers = response.headers
    if response.status_code == 304:
        # It renews what a browser has, which came with all the headers below.
        headers["X-Request-Id"] = g.get("request_id", "-")
        return response
    # `setdefault` looks through all headers every time; these are looked through once.
    present = {name.lower() for name, _value in headers}
    secure = current_app.extensions["milepost"].config.secure
    for name, value in _defaults(g.get("frame_ancestors", "'none'"), secure):
        if name.lower() not in present:
            headers.add(name, value)
    headers["X-Request-Id"] = g.get("request_id", "-")
    return _compressed(response)


@lru_cache(maxsize=256)
def _defaults(frame_ancestors: str, secure: bool) -> tuple[tuple[str, str], ...]:
    """The headers of every answer that sets no other."""
    found = {
        "Content-Security-Policy": policy(frame_ancestors),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        "Cache-Control": "no-store",
    }
    if secure:
        found["Strict-Transport-Security"] = "max-age=31536000"
    return tuple(found.items())


def policy(frame_ancestors: str, **more: str) -> str:
    """The Content-Security-Policy of a page; `frame_ancestors` is a source list.

    `more` replaces or adds directives, with underscores for hyphens.
    """
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "media-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": frame_ancestors,
    }
    directives.update({name.replace("_", "-"): value for name, value in more.items()})
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def _compressed(response: Response) -> Response:
    wanted = (
        "gzip" in request.headers.get("Accept-Encoding", "")
        and response.mimetype in COMPRESSIBLE
        and not response.direct_passthrough
        and response.status_code == 200
        and "Content-Encoding" not in response.headers
    )
    if not wanted:
        return response
    data: Any = response.get_data()
    response.headers.add("Vary", "Accept-Encoding")
    if len(data) < 1000:
        return response
    response.set_data(gzip.compress(data, compresslevel=5, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    return response
