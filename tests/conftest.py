"""Fixtures that every test may use: installations on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

import lti_tool.models  # noqa: F401 - every table, for migrations compared with models
from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from tests.support import cheaper, postgres
from tests.support.environment import make_runtime, migrated_sqlite

cheaper.install()

settings.register_profile(
    "test", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("soak", settings.get_profile("test"), max_examples=500)
settings.load_profile("soak" if os.environ.get("MILEPOST_SOAK") else "test")

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHARED = Path(__file__).resolve().parents[2] / "shared"


def run_root(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    base = factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None:
        postgres.stop_server(factory.getbasetemp())


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[object]:
    shared = fixturedef.scope != "function"
    with cheaper.apart() if shared else nullcontext():  # a test's own may decide
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "runtime_pg" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgres)
        kind = getattr(item, "callspec", None) and item.callspec.params.get("any_runtime")
        if kind and kind != _database_in_every_run(item, kind):
            item.add_marker(pytest.mark.soak)


def _database_in_every_run(item: pytest.Item, kind: str) -> str:
    """Which of both databases a test of a feature meets outside of `make soak`.

    Flows and what happens at once meet PostgreSQL, the rest SQLite. What databases themselves do
    (core), the badge service and the ways in (lti) meet both, and so do crashes.
    """
    folder, _, name = item.nodeid.partition("::")
    if not folder.startswith(("tests/flows/", "tests/lti_tool/")) or "/lti/" in folder:
        return kind
    if "_crash" in folder:
        return kind
    apart = folder.startswith("tests/flows/") or re.search("at_once|together", folder + name)
    return "postgres" if apart else "sqlite"


@pytest.fixture
def runtime(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """An installation on SQLite."""
    migrated_sqlite(
        tmp_path_factory.getbasetemp() / "template.sqlite", tmp_path / "milepost.sqlite"
    )
    made = make_runtime(tmp_path)
    yield made
    made.close()


@pytest.fixture
def postgres_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The socket folder of this run's PostgreSQL server."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return postgres.ensure_server(run_root(tmp_path_factory))


@pytest.fixture
def postgres_url(postgres_folder: str) -> Iterator[str]:
    """The address of a fresh, migrated PostgreSQL database."""
    name, url = postgres.clone(postgres_folder)
    yield url
    postgres.drop(postgres_folder, name)


@pytest.fixture
def runtime_pg(tmp_path: Path, postgres_url: str) -> Iterator[Runtime]:
    """An installation on PostgreSQL."""
    made = make_runtime(tmp_path, database_url=postgres_url)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_runtime(request: pytest.FixtureRequest) -> Runtime:
    """The same test on SQLite and on PostgreSQL."""
    return request.getfixturevalue("runtime" if request.param == "sqlite" else "runtime_pg")


@pytest.fixture
def organisation(runtime: Runtime) -> Organisation:
    """A district called Alder Valley Schools."""
    with runtime.database.transaction() as session:
        return create_organisation(
            session, name="Alder Valley Schools", slug="alder-valley", timezone="Europe/Vienna"
        )


@pytest.fixture
def ob3_folder() -> Path:
    """1EdTech's schema and samples, where they are at hand."""
    folder = SHARED / "ob3"
    if not folder.is_dir():
        pytest.skip("the Open Badges samples (../shared/ob3) are not here")
    return folder


def pytest_report_header() -> str:
    return "PostgreSQL: " + re.sub(r"/bin$", "", str(postgres.programs() or "not installed"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one browser of all tests in this process."""
    from tests.support.chromium import chromium  # only where a test needs it

    with chromium() as made:
        yield made
