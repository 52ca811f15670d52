"""A role that was granted here ends at once: in visits under way, and in those to come."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from core.identity import Organisation, Person, Role, create_organisation, end_grant, grant
from core.runtime import Runtime
from core.scope import unscoped
from core.web.sessions import WebSession
from lti_tool.lti import launching
from lti_tool.lti.models import Deployment
from tests.lti_tool.lti.harness import Browser, Installation
from tests.support.hostile_platform import INSTRUCTOR, LEARNER


def person_of(runtime: Runtime) -> Person:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return session.scalars(select(Person)).one()


def place_of(runtime: Runtime) -> Organisation:
    with runtime.database.snapshot() as session:
        return session.scalars(select(Organisation).where(Organisation.parent_id.is_(None))).one()


def give(runtime: Runtime, role: Role, **where: Any) -> None:
    with runtime.database.transaction() as session:
        grant(
            session, person_of(runtime), role, source="test", now=runtime.now(),
            **{"organisation": place_of(runtime), **where},
        )  # fmt: skip


def end(runtime: Runtime, role: Role, **where: Any) -> int:
    with runtime.database.transaction() as session:
        ended = end_grant(
            session, person_of(runtime), role, now=runtime.now(),
            **{"organisation": place_of(runtime), **where},
        )  # fmt: skip
    return len(ended)


def status(browser: Browser, answer: Any) -> int:
    """What the page that `answer` leads to says now."""
    return int(browser.get(urlsplit(answer.headers["Location"]).path).status_code)


@pytest.mark.parametrize("role", [Role.LEAD, Role.ADMINISTRATOR])
def test_a_visit_in_an_ended_role_is_over_and_the_next_comes_without_it(
    browser: Browser, runtime: Runtime, role: Role
) -> None:
    before = browser.launch()
    give(runtime, role)
    visit = browser.launch()
    assert role.value in browser.follow(visit)["roles"]
    assert end(runtime, role) == 1
    assert status(browser, visit) == 401
    assert status(browser, before) == 200
    assert role.value not in browser.follow(browser.launch())["roles"]
    assert end(runtime, role) == 0


def test_another_persons_visit_goes_on(browser: Browser, installation: Installation) -> None:
    runtime = installation.runtime
    browser.launch()
    rosa = person_of(runtime)
    other = installation.browser()
    with runtime.database.transaction() as session:
        grant(session, rosa, Role.LEAD, source="test", now=runtime.now())
    other.launch(sub="8")
    with runtime.database.transaction() as session, unscoped(session, "test"):
        teo = session.scalars(select(Person).where(Person.id != rosa.id)).one()
        grant(session, teo, Role.LEAD, source="test", now=runtime.now())
    visit = other.launch(sub="8")
    with runtime.database.transaction() as session:
        end_grant(session, rosa, Role.LEAD, organisation=place_of(runtime), now=runtime.now())
    assert "lead" in other.follow(visit)["roles"]


def test_a_grant_of_a_district_ends_in_its_schools_and_a_schools_not_in_the_district(
    browser: Browser, installation: Installation, runtime: Runtime
) -> None:
    browser.launch()
    with runtime.database.transaction() as session:
        school = create_organisation(
            session, name="Alder School", slug="alder-school", parent=place_of(runtime)
        )
    give(runtime, Role.LEAD)
    in_district = browser.launch()
    give(runtime, Role.LEAD, organisation=school)
    assert end(runtime, Role.LEAD, organisation=school) == 1
    assert status(browser, in_district) == 200
    with runtime.database.transaction() as session, unscoped(session, "test"):
        place = session.scalars(select(Deployment)).one()
        place.owner_id, place.owner_path = school.id, school.path
    installation.tool.platforms.forget()
    in_school = browser.launch()
    assert "lead" in browser.follow(in_school)["roles"]
    assert end(runtime, Role.LEAD) == 1
    assert {status(browser, in_district), status(browser, in_school)} == {401}


def test_a_role_of_one_course_ends_in_that_course(browser: Browser, runtime: Runtime) -> None:
    one = browser.follow(browser.launch())["context_id"]
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        [course] = session.scalars(select(WebSession.context_id)).all()
    assert str(course) == one
    give(runtime, Role.COACH, context_id=course)
    here = browser.launch()
    elsewhere = browser.launch(roles=[INSTRUCTOR], context={"id": "course-2"})
    assert "coach" in browser.follow(here)["roles"]
    assert "coach" in browser.follow(elsewhere)["roles"]
    assert end(runtime, Role.COACH, context_id=course) == 1
    assert (status(browser, here), status(browser, elsewhere)) == (401, 200)


def test_a_launch_in_the_moment_of_the_end_does_not_keep_the_role(
    any_installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, browser = any_installation.runtime, any_installation.browser()
    browser.launch(roles=[LEARNER])
    give(runtime, Role.LEAD)
    begun: list[threading.Thread] = []

    def meanwhile(*args: Any, **values: Any) -> Any:
        # The grants have been read, and the session is about to be written.
        thread = threading.Thread(target=end, args=(runtime, Role.LEAD))
        begun.append(thread)
        thread.start()
        thread.join(0.5)
        return start_session(*args, **values)

    start_session = launching.start_session
    monkeypatch.setattr(launching, "start_session", meanwhile)
    visit = browser.launch(roles=[LEARNER])
    begun[0].join(30)
    assert status(browser, visit) == 401
