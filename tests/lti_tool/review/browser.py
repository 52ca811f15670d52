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
from lti_tool.courses.models import Context
from lti_tool.evidence.views import bp as evidence
from lti_tool.review.views import bp as review
from tests.lti_tool.review.world import REFLECTION, World

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


def visit(
    world: World,
    app: Flask,
    name: str,
    *,
    course: Context | None = None,
    roles: frozenset[Role] | None = None,
    **data: Any,
) -> Visit:
    """`name` comes in from the course, or from another `course` with other `roles`."""
    person, roles = world.people[name], roles or world.roles[name]
    home = None if roles == {Role.LEAD} else world.context.id
    with world.database.transaction() as session:
        started = start_session(
            session,
            person_id=person.id,
            organisation_id=world.organisation.id,
            organisation_path=world.organisation.path,
            context_id=course.id if course else home,
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


def begin(world: World, name: str = "Wren", **data: object) -> tuple[Visit, str]:
    """Open the micro-credential and start; the path of the draft."""
    who = visit(world, app_of(world), name, **data)
    path = f"/micro-credential/{world.achievement.id}"
    assert who.get(path).status_code == 200
    answer = who.post(f"{path}/start")
    assert answer.status_code == 303
    return who, answer.location.split(who.sid)[1].removesuffix("/draft")


def filled(who: Visit, draft: str) -> None:
    who.post(
        f"{draft}/links/plan",
        {"text-reflection": REFLECTION, "text-_narrative": "Fractions.", "version": "0",
         "link_url-plan": "https://docs.example.org/x", "link_title-plan": "My plan"},
    )  # fmt: skip


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def send(who: Visit, draft: str) -> str:
    page = who.get(f"{draft}/check").get_data(as_text=True)
    form = {"key": hidden(page, "key"), "seen": hidden(page, "seen")}
    answer = who.post(f"{draft}/send", form)
    assert answer.status_code == 303, text_of(answer)
    return answer.location.split(who.sid)[1]


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)


def upload(who: Visit, draft: str, name: str, data: bytes, **more: str) -> TestResponse:
    """Choose one file for the lesson plan and press the button."""
    fields = {"csrf_token": token(who.secret), "version": "0", **more}
    parts = [f'Content-Disposition: form-data; name="{k}"\r\n\r\n{v}' for k, v in fields.items()]
    head = "".join(f"--xx\r\n{part}\r\n" for part in parts)
    head += f'--xx\r\nContent-Disposition: form-data; name="file-plan"; filename="{name}"\r\n\r\n'
    return who.client.post(
        f"/s/{who.sid}{draft}/files/plan",
        base_url=ORIGIN,
        data=head.encode() + data + b"\r\n--xx--\r\n",
        content_type="multipart/form-data; boundary=xx",
    )
