"""A known LMS comes from a place that nobody has added: it waits for an administrator."""

from __future__ import annotations

import threading
import uuid

import pytest
from sqlalchemy import select

from core.errors import NotFoundError, UnprocessableError
from core.identity import Organisation, create_organisation
from core.scope import unscoped
from lti_tool.lti.deployments import MOST_WAITING
from lti_tool.lti.models import Deployment, Platform
from lti_tool.lti.registration import (
    add_deployment,
    approve_deployment,
    note_waiting,
    refuse_deployment,
)
from tests.lti_tool.lti.harness import Browser, Installation


def rows(installation: Installation) -> list[Deployment]:
    with (
        installation.runtime.database.snapshot() as session,
        unscoped(session, "a test looks at all of it"),
    ):
        query = select(Deployment).where(Deployment.deployment_id != "1")
        return list(session.scalars(query.order_by(Deployment.created_at)))


@pytest.fixture
def first(installation: Installation, browser: Browser) -> Deployment:
    """What the first launch from a new place leaves."""
    assert browser.launch(deployment_id="new place").status_code == 403
    [row] = rows(installation)
    return row


def test_the_first_launch_leaves_one_row_and_says_that_it_waits(
    installation: Installation, browser: Browser
) -> None:
    before = installation.counts()
    for _time in range(3):
        refused = browser.launch(deployment_id="new place")
        assert refused.status_code == 403
        assert "deployment_unknown" in refused.text
        assert "waits to be approved" in refused.text
    [row] = rows(installation)
    assert (row.deployment_id, row.state) == ("new place", "waiting")
    assert row.platform_id == installation.platform_id
    after = installation.counts()
    changed = {name for name, number in after.items() if number != before[name]}
    assert changed == {"lti_deployments", "lti_logins"}


def test_a_launch_that_is_not_genuine_leaves_nothing(
    installation: Installation, browser: Browser
) -> None:
    pending, platform = browser.begin(), installation.platform
    claims = platform.claims(pending, deployment_id="new place")
    token = platform.token(claims)
    head, payload, _signature = token.split(".")
    assert browser.post_token(pending, f"{head}.{payload}.{'A' * 342}").status_code == 401
    pending = browser.begin()
    stale = platform.claims(pending, deployment_id="new place", nonce="another")
    assert browser.post_token(pending, platform.token(stale)).status_code == 400
    assert rows(installation) == []


def test_no_more_than_twenty_wait(installation: Installation, browser: Browser) -> None:
    for number in range(MOST_WAITING):
        with installation.runtime.database.transaction() as session:
            platform = installation.tool.platforms.get(installation.platform_id)
            assert platform is not None
            owner = {"owner_id": platform.owner_id, "owner_path": platform.owner_path}
            now = installation.runtime.now()
            assert note_waiting(session, platform.id, owner, f"place {number}", now)
    refused = browser.launch(deployment_id="one too many")
    assert refused.status_code == 403
    assert "waits to be approved" not in refused.text
    assert len(rows(installation)) == MOST_WAITING


def test_first_launches_at_once_leave_one_row(any_installation: Installation) -> None:
    begin = threading.Barrier(6)
    found: list[int] = []

    def launch() -> None:
        browser = any_installation.browser()
        pending = browser.begin()
        begin.wait()
        found.append(browser.finish(pending, deployment_id="new place").status_code)

    people = [threading.Thread(target=launch) for _one in range(6)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert found == [403] * 6
    assert len(rows(any_installation)) == 1


def test_once_approved_it_launches(
    installation: Installation, browser: Browser, first: Deployment, organisation: Organisation
) -> None:
    with installation.runtime.database.transaction(organisation.scope) as session:
        approve_deployment(session, first.id, name="  Course 5 ")
    launched = browser.launch(deployment_id="new place")
    assert launched.status_code == 303, launched.text
    assert rows(installation)[0].name == "Course 5"


def test_it_can_serve_a_school_of_the_district(
    installation: Installation, browser: Browser, first: Deployment, organisation: Organisation
) -> None:
    with installation.runtime.database.transaction() as session:
        school = create_organisation(session, name="S", slug="s", parent=organisation)
        other = create_organisation(session, name="Other", slug="other")
    with installation.runtime.database.transaction(organisation.scope) as session:
        with pytest.raises(UnprocessableError):
            approve_deployment(session, first.id, organisation=other)
        assert approve_deployment(session, first.id, organisation=school).owner_id == school.id
    assert browser.launch(deployment_id="new place").status_code == 303


def test_once_refused_it_stays_out_until_it_is_approved(
    installation: Installation, browser: Browser, first: Deployment, organisation: Organisation
) -> None:
    with installation.runtime.database.transaction(organisation.scope) as session:
        refuse_deployment(session, first.id)
    refused = browser.launch(deployment_id="new place")
    assert refused.status_code == 403
    assert "was refused in Milepost" in refused.text
    with installation.runtime.database.transaction(organisation.scope) as session:
        approve_deployment(session, first.id)
    assert browser.launch(deployment_id="new place").status_code == 303


def test_an_active_deployment_that_is_refused_launches_no_more(
    installation: Installation, browser: Browser, organisation: Organisation
) -> None:
    with installation.runtime.database.transaction(organisation.scope) as session:
        row = session.scalars(select(Deployment)).one()
        refuse_deployment(session, row.id)
    installation.tool.platforms.forget()
    assert browser.launch().status_code == 403


def test_another_organisation_decides_nothing(
    installation: Installation, first: Deployment
) -> None:
    with installation.runtime.database.transaction() as session:
        other = create_organisation(session, name="Other", slug="other")
    with installation.runtime.database.transaction(other.scope) as session:
        for decide in (approve_deployment, refuse_deployment):
            with pytest.raises(NotFoundError):
                decide(session, first.id)
            with pytest.raises(NotFoundError):
                decide(session, uuid.uuid4())


def test_adding_a_deployment_by_hand_that_waits_makes_it_active(
    installation: Installation, browser: Browser, first: Deployment, organisation: Organisation
) -> None:
    with installation.runtime.database.transaction(organisation.scope) as session:
        platform = session.get_one(Platform, installation.platform_id)
        added = add_deployment(session, platform, "new place", now=installation.runtime.now())
        assert added.id == first.id
    assert browser.launch(deployment_id="new place").status_code == 303
