"""Static files under addresses that carry their content's hash, cached for a year."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from flask import Flask, Response, request

from core.errors import NotFoundError

TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """A static file, kept in memory plain and compressed."""

    data: bytes
    packed: bytes
    media_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """Every static file by its name below `static/`."""
    found: dict[str, Asset] = {}
    _collect(files("core.web") / "static", "", found)
    # A module imports its neighbours by name, so all of one release share one address.
    return found


@cache
def release() -> str:
    """A short hash over all static files, so that any change gives them new addresses."""
    whole = hashlib.sha256()
    for name, asset in sorted(assets().items()):
        whole.update(f"{name}:{asset.digest};".encode())
    return whole.hexdigest()[:12]


def asset_url(name: str) -> str:
    """The address of the static file `name`. KeyError if there is none: a template's fault."""
    if name not in assets():
        raise KeyError(f"no static file {name}")
    return f"/static/{release()}/{name}"


def _collect(folder: Traversable, prefix: str, found: dict[str, Asset]) -> None:
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            _collect(entry, f"{name}/", found)
            continue
        data = entry.read_bytes()
        suffix = "." + entry.name.rsplit(".", 1)[-1]
        media = (
            TYPES.get(suffix) or mimetypes.guess_type(entry.name)[0] or "application/octet-stream"
        )
        found[name] = Asset(
            data, gzip.compress(data, 9, mtime=0), media, hashlib.sha256(data).hexdigest()
        )


def _serve(version: str, name: str) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise NotFoundError("There is no such file.")
    packed = "gzip" in request.headers.get("Accept-Encoding", "") and len(asset.packed) < len(
        asset.data
    )
    response = Response(asset.packed if packed else asset.data, mimetype=asset.media_type)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    current = version == release()
    response.headers["Cache-Control"] = YEAR if current else "public, max-age=60"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def install(app: Flask) -> None:
    """Serve `/static/<release>/<name>` and give templates `asset(name)`."""
    app.add_url_rule("/static/<version>/<path:name>", "static", _serve)
    app.jinja_env.globals["asset"] = asset_url
