"""A lead's session over one district, with all the rooms of the tool."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from core.identity import Organisation, OrganisationKind, Role, create_organisation
from core.runtime import Runtime
from lti_tool.app import create_app
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District, add_person, make_district

LEAD = frozenset({Role.LEAD})


@pytest.fixture
def district(runtime: Runtime, organisation: Organisation) -> District:
    return make_district(runtime, organisation)


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime=runtime)


@pytest.fixture
def lead(app: Flask, district: District) -> Visit:
    return visit_as(app, district, add_person(district.runtime, district.organisation, "Ada"), LEAD)


@pytest.fixture
def lead_below(app: Flask, district: District) -> Visit:
    """A lead of a school of the district."""
    with district.runtime.database.transaction() as session:
        parent = session.get_one(Organisation, district.organisation.id)
        school = create_organisation(
            session, name="Elm School", slug="elm", kind=OrganisationKind.SCHOOL, parent=parent
        )
    person = add_person(district.runtime, school, "Ben Lower")
    return visit_as(app, replace(district, organisation=school), person, LEAD)
