"""The whole tool with a course: one a module, emptied of people for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.db import Base, utcnow
from core.identity import create_organisation
from core.runtime import Runtime
from tests.lti_tool.lti.harness import hurried
from tests.lti_tool.lti.messages.school import School, open_school
from tests.support.environment import make_runtime, migrated_sqlite
from tests.support.local_http import local_server

# What is offered and who is connected stays; who came and what they did goes.
KEPT = {
    "organisations", "signing_keys", "issuers", "achievements", "achievement_versions",
    "pathways", "pathway_versions", "lti_platforms", "lti_deployments",
}  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    folder = tmp_path_factory.mktemp("school")
    migrated_sqlite(tmp_path_factory.getbasetemp() / "template.sqlite", folder / "milepost.sqlite")
    runtime = make_runtime(folder)
    hurried(runtime.database.engine)
    with runtime.database.transaction() as session:
        organisation = create_organisation(
            session, name="Alder Valley Schools", slug="alder-valley", timezone="Europe/Vienna"
        )
    with local_server() as server:
        yield open_school(runtime, organisation, server)
    runtime.close()


@pytest.fixture
def school(opened: School) -> School:
    with opened.runtime.database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        for name in Base.metadata.tables:
            if name not in KEPT:
                connection.exec_driver_sql(f"DELETE FROM {name}")
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.exec_driver_sql("BEGIN")
    opened.runtime.clock = utcnow
    return opened


@pytest.fixture
def runtime(school: School) -> Runtime:
    return school.runtime
