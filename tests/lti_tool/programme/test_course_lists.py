"""Course lists on a lead's first page, and the button that has one read again."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from core.db import utcnow
from core.identity import Role, create_organisation
from core.outbox import OutboxMessage
from core.runtime import Runtime
from core.web.sessions import COOKIE, start_session
from lti_tool.app import create_app
from lti_tool.courses.models import NEVER_SEEN, Context, Membership
from tests.lti_tool.review.world import World, make_world
from tests.support.environment import BASE_URL


@pytest.fixture
def world(runtime: Runtime) -> World:
    made = make_world(runtime)
    with made.write() as session:
        session.get_one(Context, made.context.id).memberships_url = "https://lms.example/members"
        for member in session.scalars(select(Membership)):
            member.last_seen_at = utcnow()
        jay = session.scalars(
            select(Membership).where(Membership.person_id == made.people["Jay"].id)
        ).one()
        jay.launched, jay.last_seen_at = False, NEVER_SEEN
    return made


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime=runtime)


def visit(app: Flask, world: World, name: str, *roles: Role) -> tuple[FlaskClient, str]:
    with world.database.transaction() as session:
        started = start_session(
            session, person_id=world.people[name].id, organisation_id=world.organisation.id,
            organisation_path=world.organisation.path, context_id=None, platform_id=None,
            roles=frozenset(roles), data={}, hours=8, now=utcnow(),
        )  # fmt: skip
    client = app.test_client()
    client.set_cookie(f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True)
    return client, f"/s/{started.id}"


def today(client: FlaskClient, start: str) -> str:
    return " ".join(client.get(f"{start}/today", base_url=BASE_URL).text.split())


def press(client: FlaskClient, start: str, context_id: uuid.UUID) -> int:
    from tests.support.district import _Forms

    reader = _Forms()
    reader.feed(client.get(f"{start}/today", base_url=BASE_URL).text)
    token = next(form.fields["csrf_token"] for form in reader.forms if "csrf_token" in form.fields)
    answer = client.post(
        f"{start}/courses/{context_id}/list", base_url=BASE_URL, data={"csrf_token": token},
        headers={"Origin": BASE_URL},
    )  # fmt: skip
    return answer.status_code


def jobs(world: World) -> list[OutboxMessage]:
    with world.database.snapshot() as session:
        return list(
            session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "lti.roster"))
        )


def test_a_lead_sees_the_lists_and_has_one_read(app: Flask, world: World) -> None:
    client, start = visit(app, world, "Ada", Role.LEAD)
    page = today(client, start)
    assert "Course lists" in page
    assert "(1 not here yet)" in page
    assert press(client, start, world.context.id) == 303
    [job] = jobs(world)
    assert job.payload == {"context_id": str(world.context.id)}
    assert "The list is being read." in today(client, start)


def test_why_a_list_could_not_be_read_is_told(app: Flask, world: World) -> None:
    with world.write() as session:
        context = session.get_one(Context, world.context.id)
        context.roster_note = "The platform answered 403. <It> did not grant the scope x."
        context.roster_synced_at = utcnow() - timedelta(days=1)
    page = today(*visit(app, world, "Ada", Role.LEAD))
    assert "For your administrator:" in page
    assert "The platform answered 403. &lt;It&gt; did not grant" in page


def test_nobody_else_may_ask(app: Flask, world: World) -> None:
    client, start = visit(app, world, "Ada", Role.LEAD)
    with world.database.transaction() as session:
        other = create_organisation(session, name="Brook", slug="brook")
        foreign = Context(
            owner_id=other.id, owner_path=other.path, platform_id=uuid.uuid4(),
            deployment_id=uuid.uuid4(), lti_id="1", memberships_url="https://lms.example/1",
            created_at=utcnow(), updated_at=utcnow(),
        )  # fmt: skip
        session.add(foreign)
        session.flush()
    assert press(client, start, foreign.id) == 404
    wren, place = visit(app, world, "Wren", Role.TEACHER)
    assert wren.get(f"{place}/today", base_url=BASE_URL).status_code == 403
    assert jobs(world) == []


def test_a_course_that_offers_no_list_is_not_named(app: Flask, world: World) -> None:
    with world.write() as session:
        session.get_one(Context, world.context.id).memberships_url = None
    client, start = visit(app, world, "Ada", Role.LEAD)
    assert "Course lists" not in today(client, start)
