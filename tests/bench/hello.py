"""The peer of every page: a bare Flask application that says hello, measured in the same way."""

from __future__ import annotations

from flask import Flask

from tests.bench.clock import Work, timed
from tests.bench.installation import send
from tests.bench.serving import request_of, serve

NAME = "bare Flask hello"


def hello() -> Work:
    """One hello, through the test client."""
    client = _app().test_client()
    return timed(lambda: send(client, "GET", "/"))


def hello_served() -> Work:
    """One hello, as a web server calls for it."""
    app = _app()
    return lambda: serve(app, request_of("GET", "/")).seconds


def _app() -> Flask:
    app = Flask("hello")
    app.add_url_rule("/", "hello", lambda: "hello")
    return app
