"""A small application with the pages of both rooms, and visits to it."""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.identity import Role
from core.web.app import make_app
from core.web.sessions import COOKIE, start_session
from lti_tool.evidence.views import bp as evidence
from lti_tool.review.views import bp as review
from tests.lti_tool.review.world import World

ORIGIN = "https://milepost.test"


def app_of(world: World) -> Flask:
    """The application, with the clock of the world's runtime."""
    app = make_app(world.runtime)
    app.register_blueprint(evidence)
    app.register_blueprint(review)
    return app


@dataclass
class Visit:
    """One person's session: paths are below it, forms carry its mark."""

    client: FlaskClient
    sid: str
    secret: str

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(f"/s/{self.sid}{path}", base_url=ORIGIN, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        return self.client.post(
            f"/s/{self.sid}{path}",
            base_url=ORIGIN,
            data={"csrf_token": token(self.secret), **(data or {})},
            **more,
        )


def token(secret: str) -> str:
    """The form token of a session, as its pages carry it."""
    plain = hmac.digest(secret.encode(), b"milepost form token", "sha256")
    pad = bytes(32)
    return base64.urlsafe_b64encode(pad + plain).decode()


def visit(world: World, app: Flask, name: str, **data: Any) -> Visit:
    """`name` comes in from the course."""
    person, roles = world.people[name], world.roles[name]
    with world.database.transaction() as session:
        started = start_session(
            session,
            person_id=person.id,
            organisation_id=world.organisation.id,
            organisation_path=world.organisation.path,
            context_id=None if roles == {Role.LEAD} else world.context.id,
            platform_id=None,
            roles=roles,
            data=data,
            hours=8,
            now=world.runtime.now(),
        )
    client = app.test_client()
    client.set_cookie(f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True)
    return Visit(client, str(started.id), started.secret)


def text_of(response: TestResponse) -> str:
    """The words of a page, without markup."""
    page = response.get_data(as_text=True)
    page = re.sub(r"<(script|style|template)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page))).strip()
