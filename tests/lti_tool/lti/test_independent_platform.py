"""Launches and grades with a platform that we did not write."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from core.identity import Organisation
from core.outbox import publish
from core.scope import unscoped
from core.worker import Worker
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.lti.jobs import register_jobs
from lti_tool.lti.models import GradeDelivery
from lti_tool.lti.registration import add_deployment, add_platform
from tests.lti_tool.lti.harness import ACHIEVEMENT, Browser, Installation, ensure_tool_key
from tests.support.local_http import LocalServer, local_server
from tests.support.platform_xblock import XblockPlatform, public_pem


@pytest.fixture
def xblock(installation: Installation, organisation: Organisation) -> Any:
    runtime = installation.runtime
    ensure_tool_key(runtime)
    key = ring_of(runtime).active(LTI_RING, "RS256").signer.public_key
    with local_server() as server:
        platform = XblockPlatform(
            server, installation.base, public_pem(key), target=installation.target
        )
        register(installation, organisation, server, platform)
        yield platform


def register(
    installation: Installation,
    organisation: Organisation,
    server: LocalServer,
    platform: XblockPlatform,
) -> None:
    with installation.runtime.database.transaction(organisation.scope) as session:
        row = add_platform(
            session, organisation, name="xblock", family="sandbox", site_url=server.url,
            client_id=platform.client_id, now=installation.runtime.now(),
        )  # fmt: skip
        add_deployment(session, row, platform.deployment_id, now=installation.runtime.now())


def launch(
    browser: Browser, platform: XblockPlatform, user_id: str, role: str | None, **user: Any
) -> dict[str, Any]:
    start = urlsplit(platform.login_url(user_id, role or "student"))
    login = browser.get(start.path, query_string=start.query)
    assert login.status_code == 302, login.get_data(as_text=True)
    form = platform.launch_form(login.headers["Location"], user_id, role, **user)
    return browser.follow(browser.post("/lti/launch", data=form))


@pytest.mark.parametrize(
    ("role", "wanted"), [("student", ["teacher"]), ("staff", ["coach"]), ("instructor", ["coach"]),
                         (None, [])],
)  # fmt: skip
def test_its_roles(
    browser: Browser, xblock: XblockPlatform, role: str | None, wanted: list[str]
) -> None:
    page = launch(browser, xblock, "mara", role, full_name="Mara Example")
    assert (page["page"], page["name"], page["roles"]) == (ACHIEVEMENT, "Mara Example", wanted)
    assert page["data"]["context_title"] == "Teaching circle"
    assert page["data"]["return_url"] == f"{xblock.server.url}/course"


def test_no_personal_data(browser: Browser, xblock: XblockPlatform) -> None:
    assert launch(browser, xblock, "mara", "student")["name"] is None


def test_e_mail_only(browser: Browser, xblock: XblockPlatform) -> None:
    assert (
        launch(browser, xblock, "mara", "student", email_address="m@school.example")["name"] is None
    )


def test_a_grade_reaches_it(
    browser: Browser, installation: Installation, xblock: XblockPlatform
) -> None:
    page = launch(browser, xblock, "mara", "student")
    runtime = installation.runtime
    runtime.registry = type(runtime.registry)()
    register_jobs(runtime.registry, runtime)
    decision = uuid.uuid4()
    with runtime.database.transaction() as session:
        publish(
            session,
            "review.decided",
            str(decision),
            {
                "submission_id": str(uuid.uuid4()),
                "decision_id": str(decision),
                "person_id": page["person_id"],
                "resource_link_id": page["data"]["resource_link_id"],
                "outcome": "met",
                "score": 100,
                "max": 100,
                "comment": "Clear questions, <b>kindly</b> put.",
                "decided_at": runtime.now().isoformat(),
            },
        )
    worker = Worker(runtime.database, runtime.registry)
    worker.schedule_recurring = lambda _now: None  # type: ignore[method-assign]
    worker.drain()
    [score] = xblock.scores
    assert score["userId"] == "mara"
    assert (score["scoreGiven"], score["scoreMaximum"]) == (100, 100)
    assert (score["activityProgress"], score["gradingProgress"]) == ("Completed", "FullyGraded")
    assert score["comment"] == "Clear questions, <b>kindly</b> put."
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        delivery = session.scalars(select(GradeDelivery)).one()
    assert (delivery.decision_id, delivery.score) == (decision, 100)
