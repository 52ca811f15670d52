"""The practice LMS is a platform like any other: the same launches, and grades in its gradebook."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.serving import make_server

from core.identity import Organisation
from core.outbox import Job
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.lti.grades import GradePoster
from lti_tool.lti.registration import add_deployment, add_platform
from lti_tool.sandbox import ResourceLinkSpec, SandboxConfig, create_sandbox, sandbox_of
from lti_tool.sandbox.driver import FlaskSender, LaunchDriver, Reply
from lti_tool.sandbox.people import ILSE_MUSTER, PIA_SPECIMEN, WREN_SAMPLEWOOD
from tests.lti_tool.lti.harness import ACHIEVEMENT, Browser, Installation, ensure_tool_key


@dataclass(frozen=True)
class Practice:
    """The practice LMS, running, and connected to the tool under test."""

    app: Flask
    base_url: str

    def launch(self, browser: Browser, person: str, *, target: str = "iframe") -> Reply:
        driver = LaunchDriver(
            self.base_url, FlaskSender(self.app.test_client()), FlaskSender(browser.client)
        )
        return driver.launch(person, "questions", target=target)

    def page(self, browser: Browser, person: str) -> dict[str, Any]:
        reply = self.launch(browser, person)
        assert reply.status == 303, reply.text
        return dict(browser.get(urlsplit(str(reply.location)).path).get_json())


@pytest.fixture
def practice(
    installation: Installation, organisation: Organisation, tmp_path: Path
) -> Iterator[Practice]:
    runtime = installation.runtime
    ensure_tool_key(runtime)
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        base_url = f"http://127.0.0.1:{door.getsockname()[1]}"
        config = SandboxConfig(
            data_dir=tmp_path / "lms",
            client_id="practice",
            deployment_id="1",
            base_url=base_url,
            tool_base_url=installation.base,
            environment="test",
            links=[
                ResourceLinkSpec(
                    "Questions that open", "", installation.target,
                    {"who": "$Person.nobody"}, score_maximum=10, id="questions",
                )
            ],
        )  # fmt: skip
        ring = ring_of(runtime)
        app = create_sandbox(
            config, fetch_jwks=lambda _url: json.dumps(ring.jwks(LTI_RING)).encode()
        )
        server = make_server(
            "127.0.0.1", door.getsockname()[1], app, threaded=True, fd=door.fileno()
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        with runtime.database.transaction(organisation.scope) as session:
            row = add_platform(
                session, organisation, name="Practice LMS", family="sandbox",
                site_url=base_url, client_id="practice", now=runtime.now(),
            )  # fmt: skip
            add_deployment(session, row, "1", now=runtime.now())
        yield Practice(app, base_url)
        server.shutdown()
        thread.join(5)
        server.server_close()


def test_everybody_of_the_practice_lms_comes_in(browser: Browser, practice: Practice) -> None:
    roles = {
        person: practice.page(browser, person)["roles"]
        for person in (WREN_SAMPLEWOOD, ILSE_MUSTER, PIA_SPECIMEN)
    }
    assert roles[WREN_SAMPLEWOOD] == ["teacher"]
    # Nobody is a lead or an administrator here because the LMS says so.
    assert all(set(found) <= {"teacher", "coach"} for found in roles.values())


def test_in_a_frame_and_in_a_window(browser: Browser, practice: Practice) -> None:
    for target in ("iframe", "window"):
        reply = practice.launch(browser, WREN_SAMPLEWOOD, target=target)
        page = browser.get(urlsplit(str(reply.location)).path).get_json()
        assert (page["page"], page["data"]["document_target"]) == (ACHIEVEMENT, target)
        assert page["data"]["frame_origins"] == [practice.base_url]
        assert page["data"]["return_url"].startswith(practice.base_url)


def test_a_grade_stands_in_its_gradebook(
    browser: Browser, installation: Installation, practice: Practice
) -> None:
    page = practice.page(browser, WREN_SAMPLEWOOD)
    runtime = installation.runtime
    poster = GradePoster(runtime, ring_of(runtime))
    decision = {
        "decision_id": str(uuid.uuid4()),
        "person_id": page["person_id"],
        "resource_link_id": page["data"]["resource_link_id"],
        "outcome": "met",
        "score": 80,
        "max": 100,
        "comment": "Thank you.",
        "decided_at": runtime.now().isoformat(),
    }
    poster(Job(uuid.uuid4(), "t", "k", decision, 1, None, uuid.uuid4(), runtime.now()))
    grade = sandbox_of(practice.app).grade(WREN_SAMPLEWOOD, "questions")
    assert grade is not None
    assert (grade.result, grade.comment) == (8, "Thank you.")
