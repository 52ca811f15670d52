"""The public host alone, for installations that keep badges on machines of their own.

It shares the database, the file store and the master key with the tool, and needs no session: it
serves what `badges.public` serves, `/livez`, `/readyz` and `/metrics`.
"""

from __future__ import annotations

from flask import Flask, redirect, url_for
from werkzeug.wrappers import Response

from badges.public.mounting import install
from core.config import Config
from core.runtime import Runtime
from core.web.app import make_app
from keys.shared import ring_of


def create_app(config: Config | None = None, *, runtime: Runtime | None = None) -> Flask:
    """The application, from the environment's settings unless `config` or `runtime` is given."""
    shared = runtime or Runtime.from_config(config or Config.from_env())
    shared.checks["signature"] = lambda: ring_of(shared).check()
    app = make_app(shared)
    install(app, ring_of(shared))

    @app.get("/")
    def front() -> Response:
        """Strangers come to a badge or to check one; there is nothing else here."""
        return redirect(url_for("verify.form"), code=302)

    return app
