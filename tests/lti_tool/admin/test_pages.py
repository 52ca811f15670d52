"""Connections and deliveries: for administrators, each within their own part of the tree."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from core.db import utcnow
from core.identity import Organisation, Role, create_organisation
from core.outbox import Job, OutboxMessage, bury, claim, postpone, publish
from core.runtime import Runtime
from core.scope import set_scope
from lti_tool.admin.service import deliveries
from lti_tool.app import create_app
from lti_tool.lti.registration import add_deployment, add_platform
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District, add_person, make_district

ADMIN = frozenset({Role.ADMINISTRATOR})
OTHERS = [role for role in Role if role is not Role.ADMINISTRATOR]


@pytest.fixture
def district(runtime: Runtime, organisation: Organisation) -> District:
    return make_district(runtime, organisation)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime=runtime)


@pytest.fixture
def pia(app: Flask, district: District) -> Visit:
    """The district's administrator."""
    return admin_of(app, district, district.organisation)


def admin_of(app: Flask, district: District, place: Organisation) -> Visit:
    person = add_person(district.runtime, place, "Pia Specimen")
    return visit_as(app, replace(district, organisation=place), person, ADMIN)


def another(runtime: Runtime, name: str, parent: Organisation | None = None) -> Organisation:
    with runtime.database.transaction() as session:
        return create_organisation(session, name=name, slug=name.lower(), parent=parent)


def register(runtime: Runtime, place: Organisation, name: str, *deployments: str) -> None:
    with runtime.database.transaction() as session:
        set_scope(session, place.scope)
        made = add_platform(
            session, place, name=name, family="moodle", client_id="abc",
            site_url=f"https://{name.split()[0].lower()}.example.org", now=utcnow(),
        )  # fmt: skip
        for deployment in deployments:
            add_deployment(session, made, deployment, now=utcnow())


def claimed(runtime: Runtime, place: Organisation | None, topic: str) -> Job:
    with runtime.database.transaction() as session:
        organisation_id = place.id if place else None
        publish(session, topic, str(uuid.uuid4()), {}, organisation_id=organisation_id)
    [job] = claim(runtime.database, limit=1, now=utcnow())
    return job


def given_up(runtime: Runtime, place: Organisation | None, error: str = "The LMS said no.") -> Job:
    job = claimed(runtime, place, "grade.post")
    bury(runtime.database, job, error, now=utcnow())
    return job


def state(runtime: Runtime, job: Job) -> tuple[str, int]:
    with runtime.database.snapshot() as session:
        found = session.get_one(OutboxMessage, job.id)
        return found.state, found.attempts


@pytest.mark.parametrize("path", ["/connections", "/deliveries"])
@pytest.mark.parametrize("role", OTHERS)
def test_who_is_no_administrator_is_told_so(
    app: Flask, district: District, path: str, role: Role
) -> None:
    visit = visit_as(app, district, district.learner, frozenset({role}))
    answer = visit.get(path)
    assert answer.status_code == 403
    assert "Your role here does not include this page." in answer.text


def test_a_session_without_any_role_is_told_so(app: Flask, district: District) -> None:
    visit = visit_as(app, district, district.learner, frozenset())
    assert visit.get("/connections").status_code == 403


@pytest.mark.parametrize("role", OTHERS)
def test_who_is_no_administrator_retries_nothing(
    app: Flask, district: District, runtime: Runtime, role: Role
) -> None:
    job = given_up(runtime, district.organisation)
    visit = visit_as(app, district, district.learner, frozenset({role, Role.TEACHER}))
    page = f"/micro-credential/{district.achievement.id}"
    answer = visit.post(f"/deliveries/{job.id}/retry", {}, page=page)
    assert answer.status_code == 403
    assert state(runtime, job)[0] == "dead"


def test_without_platforms_the_page_says_how_to_register_one(pia: Visit) -> None:
    page = pia.get("/connections")
    assert page.status_code == 200
    assert "No platform yet" in page.text
    assert "milepost platform add" in page.text


def test_the_addresses_that_an_lms_asks_for_are_there(pia: Visit) -> None:
    page = pia.get("/connections").text
    for path in ("/lti/login", "/lti/launch", "/.well-known/jwks.json", "/to/home"):
        assert f"https://milepost.test{path}" in page


def test_platforms_are_shown_with_their_deployments_within_the_organisation(
    app: Flask, district: District, pia: Visit, runtime: Runtime
) -> None:
    elsewhere = another(runtime, "Brook")
    register(runtime, district.organisation, "Alder <b>Moodle</b>", "1", "2")
    register(runtime, elsewhere, "Brook Moodle", "1")
    page = pia.get("/connections").text
    assert "One platform may open Milepost." in page
    assert "Alder &lt;b&gt;Moodle&lt;/b&gt;" in page
    assert "2 deployments" in page
    assert "Never launched" in page
    assert "https://alder.example.org" in page
    assert "Brook" not in page
    assert "Brook Moodle" in admin_of(app, district, elsewhere).get("/connections").text


def test_nothing_that_waits_is_said_in_words(pia: Visit) -> None:
    page = pia.get("/deliveries")
    assert page.status_code == 200
    assert "Everything has arrived." in page.text
    assert "Nothing is waiting" in page.text


def test_what_has_not_arrived_is_shown_with_the_reason_escaped(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    given_up(runtime, district.organisation, "<script>alert(1)</script> & 422")
    page = pia.get("/deliveries").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 422" in page
    assert "<script>alert(1)" not in page
    assert "Given up" in page
    assert "One delivery has not arrived." in pia.get("/connections").text


def test_what_is_tried_again_by_itself_needs_no_button(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    job = claimed(runtime, district.organisation, "credential.sign")
    postpone(runtime.database, job, "The key does not open.", at=utcnow() + timedelta(hours=1))
    page = pia.get("/deliveries").text
    assert "Tried again" in page
    assert "The key does not open." in page
    assert "/retry" not in page


def test_what_is_only_waiting_its_turn_is_no_trouble(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    with runtime.database.transaction() as session:
        publish(session, "grade.post", "1", {}, organisation_id=district.organisation.id)
    assert "Everything has arrived." in pia.get("/deliveries").text


def test_a_delivery_is_tried_again_when_asked_to(
    pia: Visit, district: District, runtime: Runtime
) -> None:
    job = given_up(runtime, district.organisation)
    answer = pia.post(f"/deliveries/{job.id}/retry", {}, page="/deliveries")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/deliveries")
    assert state(runtime, job) == ("ready", 0)
    assert "tried again within seconds" in pia.get("/deliveries").text


def test_a_second_press_changes_nothing(pia: Visit, district: District, runtime: Runtime) -> None:
    job, _other = given_up(runtime, district.organisation), given_up(runtime, district.organisation)
    path = f"/deliveries/{job.id}/retry"
    assert pia.post(path, {}, page="/deliveries").status_code == 303
    answer = pia.post(path, {}, page="/deliveries")
    assert answer.status_code == 404
    assert "on its way already" in answer.text


def test_another_organisations_delivery_is_not_there(
    app: Flask, district: District, pia: Visit, runtime: Runtime
) -> None:
    elsewhere = another(runtime, "Brook")
    theirs, mine = given_up(runtime, elsewhere, "Theirs."), given_up(runtime, district.organisation)
    nobodys = given_up(runtime, None, "Nobody's.")
    page = pia.get("/deliveries").text
    assert str(mine.id) in page
    assert "Theirs." not in page
    assert "Nobody" not in page
    for job in (theirs, nobodys):
        answer = pia.post(f"/deliveries/{job.id}/retry", {}, page="/deliveries")
        assert answer.status_code == 404
        assert state(runtime, job)[0] == "dead"
    unknown = pia.post(f"/deliveries/{uuid.uuid4()}/retry", {}, page="/deliveries")
    assert unknown.status_code == 404


def test_an_administrator_looks_down_the_tree_and_not_up(
    app: Flask, district: District, pia: Visit, runtime: Runtime
) -> None:
    school = another(runtime, "Brook", district.organisation)
    below, above = given_up(runtime, school), given_up(runtime, district.organisation)
    assert str(below.id) in pia.get("/deliveries").text
    schools = admin_of(app, district, school)
    page = schools.get("/deliveries").text
    assert str(below.id) in page
    assert str(above.id) not in page
    answer = schools.post(f"/deliveries/{above.id}/retry", {}, page="/deliveries")
    assert answer.status_code == 404


def test_a_retry_needs_the_mark_of_a_form(pia: Visit, district: District, runtime: Runtime) -> None:
    job = given_up(runtime, district.organisation)
    answer = pia.client.post(
        f"/s/{pia.sid}/deliveries/{job.id}/retry", base_url="https://milepost.test", data={}
    )
    assert answer.status_code == 403
    assert state(runtime, job)[0] == "dead"


def test_deliveries_are_listed_oldest_first_on_both_databases(any_runtime: Runtime) -> None:
    place = another(any_runtime, "Alder")
    jobs = [given_up(any_runtime, place), given_up(any_runtime, place)]
    with any_runtime.database.snapshot(place.scope) as session:
        assert [row.id for row in deliveries(session, place.scope)] == [job.id for job in jobs]
