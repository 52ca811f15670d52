"""The first administrator's link: looked at freely, taken once, for fifteen minutes."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from core.audit import AuditEvent
from core.db import utcnow
from core.errors import UnprocessableError
from core.identity import Organisation, Person, Role, RoleGrant, create_organisation, end_grant
from core.runtime import Runtime
from core.scope import unscoped
from core.web.sessions import WebSession
from lti_tool.access.models import AdministratorLink
from lti_tool.access.service import LIFETIME, REMEMBERED, create_link
from lti_tool.app import create_app

BASE = "https://milepost.test"


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime=runtime)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def new_link(
    runtime: Runtime, place: Organisation, name: str = "Pia Specimen", *, at: datetime | None = None
) -> str:
    with runtime.database.transaction() as session:
        return create_link(session, place, name=name, now=at or utcnow())[1]


def get(client: FlaskClient, path: str) -> TestResponse:
    return client.get(path, base_url=BASE)


def press(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.post(path, base_url=BASE, headers=headers)


def people(runtime: Runtime) -> list[Person]:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return list(session.scalars(select(Person)))


def grants(runtime: Runtime) -> list[RoleGrant]:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return list(session.scalars(select(RoleGrant)))


def test_the_link_opens_a_page_with_one_button_and_is_not_used_by_that(
    client: FlaskClient, runtime: Runtime, organisation: Organisation
) -> None:
    path = new_link(runtime, organisation)
    for _preview in range(3):
        page = get(client, path)
        assert page.status_code == 200
    assert "Alder Valley Schools" in page.text
    assert "Pia Specimen" in page.text
    assert page.text.count("<button") == 1
    assert "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert client.head(path, base_url=BASE).status_code == 200
    assert people(runtime) == []


def test_taking_it_makes_an_administrator_and_lands_on_connections(
    client: FlaskClient, runtime: Runtime, organisation: Organisation
) -> None:
    answer = press(client, new_link(runtime, organisation), Origin=BASE)
    assert answer.status_code == 303
    assert re.fullmatch(r"/s/[0-9a-f-]{36}/connections", answer.headers["Location"])
    [cookie] = [c for c in answer.headers.getlist("Set-Cookie") if "__Host-milepost-" in c]
    assert all(word in cookie for word in ("Secure", "HttpOnly", "Partitioned"))
    page = get(client, answer.headers["Location"])
    assert page.status_code == 200
    assert "Pia Specimen" in page.text
    [person] = people(runtime)
    [grant] = grants(runtime)
    assert person.name == "Pia Specimen"
    assert (grant.person_id, grant.role, grant.source, grant.context_id) == (
        person.id, "administrator", "admin link", None,
    )  # fmt: skip
    assert grant.owner_path == organisation.path


def test_every_page_that_an_administrator_sees_works_without_an_lms(
    client: FlaskClient, runtime: Runtime, organisation: Organisation
) -> None:
    landed = press(client, new_link(runtime, organisation)).headers["Location"]
    seen, waiting = set(), [landed, landed.replace("/connections", "/")]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        page = client.get(path, base_url=BASE, follow_redirects=True)
        assert page.status_code == 200, path
        links = re.findall(r'href="(/s/[^"#]+)"', page.text.replace("&amp;", "&"))
        waiting += [link for link in links if link not in seen and link not in waiting]
    assert any(path.endswith("/deliveries") for path in seen)
    assert any("/connections/new" in path for path in seen)


def test_a_used_link_is_gone_and_says_so_kindly(
    app: Flask, runtime: Runtime, organisation: Organisation
) -> None:
    path = new_link(runtime, organisation)
    assert press(app.test_client(), path).status_code == 303
    for answer in (get(app.test_client(), path), press(app.test_client(), path)):
        assert answer.status_code == 410
        assert "access_link_used" in answer.text
        assert "milepost admin link" in answer.text
        assert "Set-Cookie" not in answer.headers
    assert len(people(runtime)) == 1


def test_an_expired_link_is_gone(
    client: FlaskClient, runtime: Runtime, organisation: Organisation
) -> None:
    path = new_link(runtime, organisation, at=utcnow() - LIFETIME)
    for answer in (get(client, path), press(client, path)):
        assert answer.status_code == 410
        assert "access_link_expired" in answer.text
    assert people(runtime) == []


@pytest.mark.parametrize("token", ["nonsense", "x" * 3000, "%00", "ä"])
def test_an_invented_link_is_nothing(client: FlaskClient, token: str) -> None:
    for answer in (get(client, f"/access/{token}"), press(client, f"/access/{token}")):
        assert answer.status_code == 404
        assert token not in answer.text or token == "nonsense"


def test_another_site_cannot_press_the_button(
    client: FlaskClient, runtime: Runtime, organisation: Organisation
) -> None:
    path = new_link(runtime, organisation)
    for origin in ("https://evil.example", "null"):
        answer = press(client, path, Origin=origin)
        assert answer.status_code == 403
        assert "csrf_invalid" in answer.text
    assert people(runtime) == []
    assert press(client, path).status_code == 303


def test_the_table_holds_no_link(runtime: Runtime, organisation: Organisation) -> None:
    token = new_link(runtime, organisation).removeprefix("/access/")
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        [row] = session.scalars(select(AdministratorLink))
    assert token.encode() not in row.token_hash
    assert token not in repr(vars(row))


def test_links_that_ended_long_ago_are_forgotten(
    runtime: Runtime, organisation: Organisation
) -> None:
    new_link(runtime, organisation, at=utcnow() - REMEMBERED - timedelta(hours=1))
    new_link(runtime, organisation)
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        assert len(session.scalars(select(AdministratorLink)).all()) == 1


def test_who_comes_back_under_the_same_name_is_the_same_person(
    app: Flask, runtime: Runtime, organisation: Organisation
) -> None:
    for name in ("Pia Specimen", "Pia Specimen", "Ole Other"):
        assert press(app.test_client(), new_link(runtime, organisation, name)).status_code == 303
    with runtime.database.transaction() as session:
        elsewhere = create_organisation(session, name="Brook", slug="brook")
    assert press(app.test_client(), new_link(runtime, elsewhere)).status_code == 303
    assert Counter(person.name for person in people(runtime)) == {"Pia Specimen": 2, "Ole Other": 1}
    assert len(grants(runtime)) == 3


def test_a_namesake_from_an_lms_is_never_taken_for_the_administrator(
    client: FlaskClient, runtime: Runtime, organisation: Organisation
) -> None:
    with runtime.database.transaction() as session:
        namesake = Person(
            owner_id=organisation.id, owner_path=organisation.path, name="Pia Specimen"
        )
        session.add(namesake)
    assert press(client, new_link(runtime, organisation)).status_code == 303
    [grant] = grants(runtime)
    assert grant.person_id != namesake.id


def test_ending_the_role_ends_the_visit(
    client: FlaskClient, runtime: Runtime, organisation: Organisation
) -> None:
    landed = press(client, new_link(runtime, organisation)).headers["Location"]
    with runtime.database.transaction(organisation.scope) as session:
        [person] = session.scalars(select(Person))
        end_grant(session, person, Role.ADMINISTRATOR, organisation=organisation, now=utcnow())
    assert get(client, landed).status_code == 401


def test_making_and_taking_a_link_are_noted(
    client: FlaskClient, runtime: Runtime, organisation: Organisation
) -> None:
    press(client, new_link(runtime, organisation))
    [person] = people(runtime)
    with runtime.database.snapshot(organisation.scope) as session:
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.at)).all()
    assert sorted((event.action, event.actor_id) for event in events if event.actor_id) == [
        ("administrator_link.take", person.id), ("role.grant", person.id),
    ]  # fmt: skip
    [made] = [event for event in events if event.actor_id is None]
    assert made.action == "administrator_link.create"


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "two\nlines"])
def test_a_name_that_cannot_be_shown_is_refused(
    runtime: Runtime, organisation: Organisation, name: str
) -> None:
    with pytest.raises(UnprocessableError):
        new_link(runtime, organisation, name)


def test_of_sixteen_who_press_at_once_exactly_one_comes_in(any_runtime: Runtime) -> None:
    with any_runtime.database.transaction() as session:
        place = create_organisation(session, name="Alder", slug="alder")
    app, path = create_app(runtime=any_runtime), new_link(any_runtime, place)
    together, answers = threading.Barrier(16), []

    def come() -> None:
        client = app.test_client()
        together.wait(30)
        answers.append(press(client, path).status_code)

    threads = [threading.Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(answers) == {303: 1, 410: 15}
    with any_runtime.database.snapshot() as session, unscoped(session, "test"):
        assert len(session.scalars(select(WebSession)).all()) == 1
    assert len(people(any_runtime)) == len(grants(any_runtime)) == 1
