"""One-time messages ("Saved.", "Sent.") between a form and the page after it.

They travel in a signed cookie of the session's own, so that two sessions in one browser do not show
each other's. Nothing else is kept in Flask's cookie session.
"""

from __future__ import annotations

import re
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, Request, Response
from flask.sessions import NullSession, SecureCookieSession, SessionInterface, SessionMixin
from itsdangerous import BadData, URLSafeTimedSerializer

from core.web.sessions import set_cookie

COOKIE = "__Host-milepost-said-"
MAX_AGE = 600
PATH = re.compile(r"/s/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)")


class FlashInterface(SessionInterface):
    """Flask's session, reduced to messages inside `/s/<sid>/`."""

    def __init__(self, master_key: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"milepost flashes").derive(
            master_key
        )
        self.serializer = URLSafeTimedSerializer(key, salt="said")

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        """The messages of this path's session; a session that refuses writing elsewhere."""
        found = PATH.match(request.path)
        if not found:
            return NullSession()
        request.environ["milepost.said"] = COOKIE + found[1]
        try:
            data: dict[str, Any] = self.serializer.loads(
                request.cookies.get(COOKIE + found[1], ""), max_age=MAX_AGE
            )
        except BadData:
            data = {}
        return SecureCookieSession(data)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set, replace or drop the cookie where the messages changed."""
        from flask import request

        name = request.environ.get("milepost.said")
        if name is None or not session.modified:
            return
        if session:
            set_cookie(response, name, str(self.serializer.dumps(dict(session))), max_age=MAX_AGE)
        else:
            set_cookie(response, name, "", max_age=0)


def install(app: Flask) -> None:
    """Use it for `flash()` and `get_flashed_messages()`."""
    app.session_interface = FlashInterface(app.extensions["milepost"].config.master_key)
