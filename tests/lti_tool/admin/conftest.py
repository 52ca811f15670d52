"""A district with an administrator at its top."""

from __future__ import annotations

import pytest
from flask import Flask

from core.identity import Organisation
from core.runtime import Runtime
from lti_tool.app import create_app
from tests.lti_tool.admin.world import admin_of
from tests.lti_tool.learning.conftest import Visit
from tests.support.badges import District, make_district


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
