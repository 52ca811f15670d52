"""The whole way with the practice LMS: a link, the frame, the button, a launch."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.lti.models import Deployment
from lti_tool.lti.registration import approve_deployment
from lti_tool.sandbox import ResourceLinkSpec, SandboxConfig, create_sandbox
from lti_tool.sandbox.driver import FlaskSender, passing_form
from lti_tool.sandbox.people import PIA_SPECIMEN
from tests.lti_tool.lti.harness import ensure_tool_key
from tests.lti_tool.lti.registering.conftest import Desk
from tests.support.environment import BASE_URL


@dataclass
class Practice:
    """The practice LMS, running, its administrator's browser, and the tool's."""

    app: Flask
    base_url: str
    desk: Desk

    def __post_init__(self) -> None:
        self.lms: Any = self.app.test_client()
        self.tool: Any = self.desk.app.test_client()
        self.lms.post("/sign-in", base_url=self.base_url, data={"person": PIA_SPECIMEN})

    def add(self, path: str, variant: str) -> TestResponse:
        """Paste the link, and press the button in the frame."""
        page = self.lms.post(
            "/tools/add", base_url=self.base_url,
            data={"link": f"{BASE_URL}{path}", "variant": variant},
        )  # fmt: skip
        [address] = re.findall(r'<iframe[^>]* src="([^"]+)"', page.text)
        parts = urlsplit(unescape(address))
        frame = self.tool.get(f"{parts.path}?{parts.query}", base_url=BASE_URL)
        assert frame.status_code == 200, frame.text
        return self.desk.press(path, frame)

    def switch_on(self) -> str:
        page = self.lms.get("/tools", base_url=self.base_url).text
        [client_id] = re.findall(r'action="/tools/(\w+)/activate"', page)
        self.lms.post(f"/tools/{client_id}/activate", base_url=self.base_url)
        return str(client_id)

    def launch(self, client_id: str) -> Any:
        """Open the activity through the registered tool."""
        lms, tool = FlaskSender(self.lms), FlaskSender(self.tool)
        query = urlencode({"target": "window", "client": client_id})
        reply = lms.send("GET", f"{self.base_url}/links/home/start?{query}")
        for _step in range(8):
            form = passing_form(reply)
            url, fields = form if form else (str(reply.location), None)
            sender = lms if url.startswith(self.base_url) else tool
            reply = sender.send("POST" if form else "GET", url, fields)
            if fields and "id_token" in fields:
                return reply
        raise AssertionError(reply)


@pytest.fixture
def practice(desk: Desk, tmp_path: Path) -> Iterator[Practice]:
    ensure_tool_key(desk.runtime)
    ring = ring_of(desk.runtime)
    # The address is part of the settings, so the port comes before the application.
    server: Any = make_server("127.0.0.1", 0, Flask("to come"), threaded=True)
    base_url = f"http://127.0.0.1:{server.server_port}"
    config = SandboxConfig(
        data_dir=tmp_path / "lms",
        client_id="practice",
        deployment_id="1",
        base_url=base_url,
        tool_base_url=BASE_URL,
        environment="test",
        links=[ResourceLinkSpec("Home", "", f"{BASE_URL}/to/home", id="home")],
    )
    app = create_sandbox(config, fetch_jwks=lambda _url: json.dumps(ring.jwks(LTI_RING)).encode())
    server.app = app
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield Practice(app, base_url, desk)
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_as_moodle_one_link_is_all_it_takes(practice: Practice) -> None:
    done = practice.add(practice.desk.link(), "moodle")
    assert done.status_code == 200, done.text
    [stored] = practice.desk.platforms()
    assert (stored.issuer, stored.family) == (practice.base_url, "moodle")
    assert practice.desk.deployments() == {"2": "active"}
    client_id = practice.switch_on()
    assert client_id == stored.client_id
    launched = practice.launch(client_id)
    assert launched.status == 303, launched.text


def test_as_moodle_a_second_time_updates(practice: Practice) -> None:
    practice.add(practice.desk.link(), "moodle")
    [stored] = practice.desk.platforms()
    assert practice.add(practice.desk.link(), "moodle").status_code == 409
    assert practice.add(practice.desk.link(stored.id), "moodle").status_code == 200
    assert [one.id for one in practice.desk.platforms()] == [stored.id]


def test_as_canvas_the_first_launch_waits_for_approval(practice: Practice) -> None:
    done = practice.add(practice.desk.link(), "canvas")
    assert done.status_code == 200, done.text
    [stored] = practice.desk.platforms()
    assert stored.family == "canvas"
    assert stored.name == "Alder Valley practice account (Canvas)"
    client_id = practice.switch_on()
    refused = practice.launch(client_id)
    assert refused.status == 403
    assert "waits to be approved" in refused.text
    [(deployment_id, state)] = practice.desk.deployments().items()
    assert state == "waiting"
    desk = practice.desk
    with desk.runtime.database.transaction(desk.organisation.scope) as session:
        row = session.scalars(select(Deployment)).one()
        assert row.deployment_id == deployment_id
        approve_deployment(session, row.id)
    assert practice.launch(client_id).status == 303


def test_by_the_standard_alone(practice: Practice) -> None:
    done = practice.add(practice.desk.link(), "plain")
    assert done.status_code == 200, done.text
    assert practice.desk.platforms()[0].family == "sandbox"
    assert practice.launch(practice.switch_on()).status == 303
