"""Two administrators who register the same platform, or deployment, in the same moment."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.app import create_app
from lti_tool.lti.deployments import add_deployment
from lti_tool.lti.models import Deployment, Platform
from lti_tool.lti.registration import add_platform
from tests.lti_tool.admin.world import admin_of, register
from tests.lti_tool.learning.conftest import Visit
from tests.support.badges import NOW, District, make_district
from tests.support.meeting import meet

CANVAS = {"name": "Mine", "client_id": "10000000001", "deployments": "1:abc"}


@pytest.fixture
def district(runtime_pg: Runtime) -> District:
    return make_district(runtime_pg)


@pytest.fixture
def app(district: District) -> Flask:
    return create_app(runtime=district.runtime)


@pytest.fixture
def pia(app: Flask, district: District) -> Visit:
    return admin_of(app, district, district.organisation)


def test_a_platform_that_was_registered_in_this_moment_is_said_so(
    pia: Visit, district: District
) -> None:
    def quicker(session: Session) -> Platform:
        return add_platform(
            session, district.organisation, name="Theirs", family="canvas",
            client_id=CANVAS["client_id"], now=NOW,
        )  # fmt: skip

    page = "/connections/new/canvas"
    answer = meet(
        district.runtime,
        district.organisation.scope,
        quicker,
        lambda: pia.post(page, CANVAS, page=page),
    )
    assert answer.status_code == 409
    assert "This issuer and client id are registered already; nothing was changed." in answer.text
    for kept in ('value="Mine"', 'value="10000000001"', "1:abc", "Everything you typed"):
        assert kept in answer.text
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        assert session.scalars(select(Platform.name)).all() == ["Theirs"]
        assert session.scalars(select(Deployment.deployment_id)).all() == []


def test_a_deployment_that_was_added_in_this_moment_is_said_so(
    pia: Visit, district: District
) -> None:
    platform = register(district.runtime, district.organisation, "Alder Moodle")
    path = f"/connections/{platform.id}"
    answer = meet(
        district.runtime,
        district.organisation.scope,
        lambda session: add_deployment(session, platform, "7", now=NOW),
        lambda: pia.post(f"{path}/deployments", {"deployment_id": "7"}, page=path),
    )
    assert answer.status_code == 422
    assert "This platform has that deployment already; nothing was changed." in answer.text
    assert 'value="7"' in answer.text
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        assert session.scalars(select(Deployment.deployment_id)).all() == ["7"]
