"""A programme lead's first page: what waits, counted within their own part of the tree."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from badges.awards import direct
from core.db import utcnow
from core.identity import Organisation, Role, create_organisation
from core.runtime import Runtime
from core.web.sessions import COOKIE, start_session
from lti_tool.app import create_app
from lti_tool.programme.today import today
from tests.lti_tool.review.world import COACH, NOW, World, make_world
from tests.support.environment import BASE_URL


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime=runtime)


def open_as(
    app: Flask, person_id: uuid.UUID, place: Organisation, *roles: Role, path: str = "/today"
) -> tuple[int, str]:
    """The page at `path` for a session of its own."""
    runtime: Runtime = app.extensions["milepost"]
    with runtime.database.transaction() as session:
        started = start_session(
            session, person_id=person_id, organisation_id=place.id, organisation_path=place.path,
            context_id=None, platform_id=None, roles=frozenset(roles), data={}, hours=8,
            now=utcnow(),
        )  # fmt: skip
    client: FlaskClient = app.test_client()
    client.set_cookie(f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True)
    answer = client.get(f"/s/{started.id}{path}", base_url=BASE_URL)
    return answer.status_code, re.sub(r"\s+", " ", answer.text)


def lead(app: Flask, world: World) -> str:
    status, page = open_as(app, world.people["Ada"].id, world.organisation, Role.LEAD)
    assert status == 200
    return page


@pytest.mark.parametrize("role", [Role.TEACHER, Role.COACH])
def test_who_leads_nothing_is_told_so(app: Flask, world: World, role: Role) -> None:
    status, page = open_as(app, world.people["Wren"].id, world.organisation, role)
    assert status == 403
    assert "Your role here does not include this page." in page


def test_an_administrator_may_look_too(app: Flask, world: World) -> None:
    ada = world.people["Ada"]
    assert open_as(app, ada.id, world.organisation, Role.ADMINISTRATOR)[0] == 200


def test_with_nothing_to_do_the_page_says_so(app: Flask, world: World) -> None:
    page = lead(app, world)
    assert "Every piece of work has its readers." in page
    assert "Nothing waits for a reviewer" in page
    assert "Questions That Open" in page, "what can be earned is there all the same"
    assert "<dt>In review</dt><dd>0</dd>" in page


def test_with_nothing_published_the_page_says_so(app: Flask, world: World) -> None:
    with world.runtime.database.transaction() as session:
        place = create_organisation(session, name="Brook", slug="brook")
    page = open_as(app, world.people["Ada"].id, place, Role.LEAD)[1]
    assert "Nothing is published yet" in page
    assert "Questions That Open" not in page


def test_work_without_a_reader_is_counted_and_goes_as_it_is_taken(app: Flask, world: World) -> None:
    revision = world.send("Wren")
    page = lead(app, world)
    assert "2 reviews have no reader yet." in page
    assert "Colleagues" in page
    assert "16 November 2026" in page
    assert "<dt>In review</dt><dd>0</dd>" in page
    world.claim("Robin", revision)
    page = lead(app, world)
    assert "One review has no reader yet." in page
    assert "<dt>In review</dt><dd>1</dd>" in page
    world.claim("Jay", revision)
    page = lead(app, world)
    assert "Every piece of work has its readers." in page
    assert "<dt>In review</dt><dd>1</dd>" in page


def test_the_names_of_who_sent_are_not_on_the_page(app: Flask, world: World) -> None:
    world.send("Wren")
    assert "Wren" not in lead(app, world)


def test_an_offer_is_counted_until_it_is_answered(app: Flask, world: World) -> None:
    assert "not yet taken</dt><dd>0</dd>" in lead(app, world)
    with world.write() as session:
        version = world.achievement.current_version_id
        assert version
        from badges.achievements.models import AchievementVersion

        direct.issue_directly(
            session, world.people["Wren"], session.get_one(AchievementVersion, version),
            actor=None, now=NOW,
        )  # fmt: skip
    assert "not yet taken</dt><dd>1</dd>" in lead(app, world)


def test_a_lead_elsewhere_sees_none_of_it(app: Flask, world: World) -> None:
    world.send("Wren")
    with world.runtime.database.transaction() as session:
        place = create_organisation(session, name="Brook", slug="brook")
    page = open_as(app, world.people["Ada"].id, place, Role.LEAD)[1]
    assert "Every piece of work has its readers." in page
    assert "<dt>In review</dt><dd>0</dd>" in page


def test_the_link_to_what_can_be_earned_opens(app: Flask, world: World) -> None:
    path = f"/micro-credentials/{world.achievement.id}"
    assert path in lead(app, world)
    ada = world.people["Ada"]
    status, page = open_as(app, ada.id, world.organisation, Role.LEAD, path=path)
    assert status == 200
    assert "Questions That Open" in page


def test_waiting_work_is_counted_by_kind_and_oldest_first(any_runtime: Runtime) -> None:
    world = make_world(any_runtime)
    world.send("Wren", NOW + timedelta(hours=2))
    world.publish(review=COACH)
    world.send("Robin", NOW + timedelta(hours=1))
    taken = world.send("Jay", NOW + timedelta(hours=3))
    world.claim("Otto", taken, NOW + timedelta(hours=3))
    with world.read() as session:
        seen = today(session)
    assert [(item.kind, item.open_slots) for item in seen.waiting] == [("coach", 1), ("peer", 2)]
    assert [item.oldest for item in seen.waiting] == [
        NOW + timedelta(hours=1), NOW + timedelta(hours=2),
    ]  # fmt: skip
    assert seen.open_slots == 3
    assert seen.in_review == 1
    assert seen.offers == 0
    assert {item.name for item in seen.waiting} == {"Questions That Open"}
