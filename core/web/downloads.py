"""Giving out what people uploaded: never as a page of ours, whole or in ranges.

nosniff, and a policy that runs nothing, wherever it is opened. Audio and video are fetched by Range
requests (RFC 9110, section 14).
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Response, request

from core.web.app import runtime

SANDBOX: Final = "sandbox; default-src 'none'"


def given_out(key: str, size: int, media_type: str, name: str, *, inline: bool) -> Response:
    """The stored file as an answer: 200 with everything, 206 with one range, or 416.

    Args:
        key: where the file store keeps it.
        size: its length in bytes.
        media_type: what it is, by its content; the caller never lets markup stand inline.
        name: the file name for whoever saves it.
        inline: whether it may stand in a page; else it is an attachment.

    Raises NotFoundError where the store has it no more.
    """
    response = _ranged(key, size, media_type)
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.set(
        "Content-Disposition",
        "inline" if inline else "attachment",
        filename=_ascii(name),
        **_star(name),
    )
    return response


def _ranged(key: str, size: int, media_type: str) -> Response:
    """200 with everything, 206 with the one range that was asked for, or 416."""
    wanted = request.range
    response = Response(status=200)
    start, length = 0, size
    if wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1:
        span = wanted.range_for_length(size)
        if span is None:
            response = Response(status=416)
            response.headers["Content-Range"] = f"bytes */{size}"
            return response
        start, length = span[0], span[1] - span[0]
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Type"] = media_type
    response.headers["Content-Length"] = str(length)
    if request.method != "HEAD":
        runtime().files.open(key).close()  # a missing file is an error page, not a broken answer
        response.response = runtime().files.chunks(key, start, length)
        response.direct_passthrough = True
    return response


def _ascii(name: str) -> str:
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return plain.replace("\\", "_")


def _star(name: str) -> dict[str, str]:
    """RFC 8187's `filename*` where the name is not plain ASCII."""
    return {} if name.isascii() else {"filename*": f"UTF-8''{quote(name, safe='')}"}
