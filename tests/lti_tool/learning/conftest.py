"""A learner's session over one district: the pages of `learning` beside the public ones."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from badges.public.mounting import install
from core.identity import Organisation, Person, Role
from core.runtime import Runtime
from core.web.app import make_app
from core.web.sessions import COOKIE, SessionBlueprint, start_session
from keys.shared import ring_of
from lti_tool.learning.views import blueprint
from tests.support.badges import NOW, District, make_district


def other_rooms() -> list[SessionBlueprint]:
    """The addresses of other rooms that these pages link to."""
    rooms = []
    for name, pages in {
        "evidence": {"overview": "/micro-credential/<uuid:achievement_id>"},
        "review": {"queue": "/queue"},
        "programme": {"lead": "/lead"},
        "admin": {"connections": "/connections"},
    }.items():
        room = SessionBlueprint(name, __name__)
        for endpoint, rule in pages.items():
            room.add_url_rule(rule, endpoint, lambda **_values: "elsewhere")
        rooms.append(room)
    return rooms


@dataclass
class Visit:
    """One person's session in a browser."""

    client: FlaskClient
    sid: uuid.UUID
    person: Person
    tokens: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(f"/s/{self.sid}{path}", base_url="https://milepost.test", **options)

    def token(self, path: str) -> str:
        """The form token of the page at `path`."""
        match = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert match, f"no form on {path}"
        return match[1]

    def post(self, path: str, data: dict[str, str], *, page: str | None = None) -> TestResponse:
        """Send a form as the page that carries it would."""
        token = self.token(page or path)
        return self.client.post(
            f"/s/{self.sid}{path}",
            base_url="https://milepost.test",
            data={"csrf_token": token, **data},
        )


@pytest.fixture
def district(runtime: Runtime, organisation: Organisation) -> District:
    return make_district(runtime, organisation)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    app = make_app(runtime)
    install(app, ring_of(runtime))
    app.register_blueprint(blueprint)
    for room in other_rooms():
        app.register_blueprint(room)
    return app


def visit_as(
    app: Flask,
    district: District,
    person: Person,
    roles: frozenset[Role] = frozenset({Role.TEACHER}),
) -> Visit:
    """Sign `person` in."""
    runtime: Runtime = app.extensions["milepost"]
    with runtime.database.transaction() as session:
        started = start_session(
            session,
            person_id=person.id,
            organisation_id=district.organisation.id,
            organisation_path=district.organisation.path,
            context_id=None,
            platform_id=None,
            roles=roles,
            data={},
            hours=8,
            now=runtime.now(),
        )
    client = app.test_client()
    client.set_cookie(
        f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True, path="/"
    )
    return Visit(client, started.id, person)


@pytest.fixture
def visit(app: Flask, district: District) -> Visit:
    return visit_as(app, district, district.learner)


def mark_as_test_student(runtime: Runtime, person: Person, *, is_test: bool = True) -> None:
    """Say that an LMS invented `person`, or did not."""
    with runtime.database.transaction() as session:
        table: Any = Person.__table__
        session.connection().execute(
            update(table).where(table.c.id == person.id).values(is_test=is_test)
        )


__all__ = ["NOW", "Visit", "mark_as_test_student", "visit_as"]
