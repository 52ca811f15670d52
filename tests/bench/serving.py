"""An application called as a web server calls it (WSGI): what the server itself spends.

Requests are put together beforehand, and answers read afterwards, outside the time that counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from tests.bench.installation import request_headers
from tests.support.environment import BASE_URL

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclass(frozen=True)
class Served:
    """An answer, and the CPU seconds from the call to the end of it."""

    answer: Response
    seconds: float

    @property
    def cookies(self) -> str:
        """What a browser sends back of the cookies in the answer."""
        lines = self.answer.headers.getlist("Set-Cookie")
        return "; ".join(line.split(";")[0] for line in lines)


def request_of(
    method: str,
    path: str,
    *,
    query: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    cookies: str = "",
) -> WSGIEnvironment:
    """A browser's request as a web server hands it on."""
    headers = Headers(request_headers(method))
    if cookies:
        headers["Cookie"] = cookies
    builder = EnvironBuilder(
        path,
        method=method,
        base_url=BASE_URL,
        query_string=query,
        data=form,
        headers=headers,
        environ_base={"REMOTE_ADDR": "127.0.0.1"},
    )
    try:
        return builder.get_environ()
    finally:
        builder.close()


def serve(app: Flask, environ: WSGIEnvironment) -> Served:
    """Call `app`, take the whole body and close it, as a web server does."""
    began_with: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None, /) -> Any:
        began_with.append((status, headers))
        return lambda _data: None

    began = time.process_time()
    chunks: Iterable[bytes] = app(environ, start)
    body = b"".join(chunks)
    close = getattr(chunks, "close", None)
    if close is not None:
        close()
    seconds = time.process_time() - began
    status, headers = began_with[-1]
    return Served(Response(body, status, Headers(headers)), seconds)
