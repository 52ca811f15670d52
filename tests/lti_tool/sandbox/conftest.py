from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lti_tool.sandbox import ResourceLinkSpec, Sandbox, SandboxConfig, create_sandbox, sandbox_of
from lti_tool.sandbox.people import NEW_TEACHERS
from lti_tool.sandbox.platform_key import load_platform_key
from tests.lti_tool.sandbox.actors import Tool, ToolKeyRing, TurnableClock

LINKS = (
    ResourceLinkSpec(
        "Asking better questions",
        "Show how you plan questions that make everybody think.",
        "http://localhost:8000/micro-credentials/questions",
        {"micro_credential": "questions", "who": "$Person.name.full", "odd": "$Unknown.thing"},
        score_maximum=4,
    ),
    ResourceLinkSpec(
        "Reading room", "Nothing to grade.", "http://localhost:8000/reading", score_maximum=None
    ),
    ResourceLinkSpec(
        "First weeks",
        "",
        "http://localhost:8000/first-weeks",
        score_maximum=10,
        course=NEW_TEACHERS,
        share_name=False,
        share_email=False,
        id="first-weeks",
    ),
)


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture(scope="session")
def shared_ring() -> ToolKeyRing:
    return ToolKeyRing()


@pytest.fixture
def ring(shared_ring: ToolKeyRing) -> ToolKeyRing:
    ring = ToolKeyRing.__new__(ToolKeyRing)
    ring.__dict__.update(keys=dict(shared_ring.keys), fetches=0, body=None, fault=None)
    return ring


@pytest.fixture(scope="session")
def platform_pem(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One key for all tests: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("key") / "platform-key.pem"
    load_platform_key(path)
    return path.read_bytes()


@pytest.fixture
def config(tmp_path: Path, platform_pem: bytes) -> SandboxConfig:
    (tmp_path / "lms").mkdir()
    (tmp_path / "lms" / "platform-key.pem").write_bytes(platform_pem)
    return SandboxConfig(
        data_dir=tmp_path / "lms",
        client_id="milepost-tool",
        deployment_id="1",
        links=LINKS,
        environment="test",
    )


@pytest.fixture
def app(config: SandboxConfig, ring: ToolKeyRing, clock: TurnableClock) -> Flask:
    app = create_sandbox(config, fetch_jwks=ring.fetch, clock=clock)
    app.testing = True
    return app


@pytest.fixture
def sandbox(app: Flask) -> Sandbox:
    return sandbox_of(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def tool(
    config: SandboxConfig, client: FlaskClient, ring: ToolKeyRing, clock: TurnableClock
) -> Tool:
    return Tool(config, client, ring, clock)
