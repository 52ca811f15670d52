"""The public host over one district with a published badge."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from badges.app import create_app
from badges.awards.models import Credential
from core.identity import Organisation
from core.runtime import Runtime
from tests.support.badges import District, issue_credential, make_district

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def district(request: pytest.FixtureRequest) -> District:
    """On SQLite, or on the installation that the test names."""
    if hasattr(request, "param"):
        return make_district(request.getfixturevalue(request.param))
    organisation: Organisation = request.getfixturevalue("organisation")
    return make_district(request.getfixturevalue("runtime"), organisation)


@pytest.fixture
def credential(district: District) -> Credential:
    """Signed and published."""
    return issue_credential(district)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime=runtime)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
