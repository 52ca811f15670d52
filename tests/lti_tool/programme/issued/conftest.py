"""A programme lead's session over a district in which badges were given."""

from __future__ import annotations

import pytest
from flask import Flask

from core.identity import Organisation, Person, Role
from core.runtime import Runtime
from core.worker import Worker
from lti_tool.app import create_app, register_jobs
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District, add_person, make_district
from tests.support.mailbox import Mailbox, with_mail


@pytest.fixture
def box(runtime: Runtime) -> Mailbox:
    return with_mail(runtime)


@pytest.fixture
def app(runtime: Runtime, box: Mailbox) -> Flask:
    register_jobs(runtime)
    return create_app(runtime=runtime)


@pytest.fixture
def district(app: Flask, runtime: Runtime, organisation: Organisation) -> District:
    return make_district(runtime, organisation)


@pytest.fixture
def lead_person(runtime: Runtime, district: District) -> Person:
    return add_person(runtime, district.organisation, "Linden Leadwell")


@pytest.fixture
def lead(app: Flask, district: District, lead_person: Person) -> Visit:
    return visit_as(app, district, lead_person, frozenset({Role.LEAD, Role.ADMINISTRATOR}))


@pytest.fixture
def holder(app: Flask, district: District) -> Visit:
    return visit_as(app, district, district.learner)


def work(runtime: Runtime) -> None:
    """What workers would do."""
    Worker(runtime.database, runtime.registry).drain()
