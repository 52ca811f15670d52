"""An installation on SQLite with a platform beside it: one a module, emptied for every test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from core.db import utcnow
from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from lti_tool.lti.tool import LtiTool
from tests.lti_tool.lti.harness import (
    Browser,
    Installation,
    hurried,
    mount,
    prepare,
    wipe,
)
from tests.support.environment import make_runtime, migrated_sqlite
from tests.support.local_http import LocalServer, local_server


@dataclass(frozen=True)
class Home:
    """What takes long to make."""

    runtime: Runtime
    app: Flask
    tool: LtiTool
    server: LocalServer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("installation")
    migrated_sqlite(tmp_path_factory.getbasetemp() / "template.sqlite", folder / "milepost.sqlite")
    runtime = make_runtime(folder)
    hurried(runtime.database.engine)
    app, tool = mount(runtime)
    with local_server() as server:
        yield Home(runtime, app, tool, server)
    runtime.close()


@pytest.fixture
def runtime(home: Home) -> Runtime:
    wipe(home.runtime)
    home.runtime.clock = utcnow
    return home.runtime


@pytest.fixture
def server(home: Home) -> LocalServer:
    home.server.routes.clear()
    home.server.requests.clear()
    return home.server


@pytest.fixture
def installation(
    home: Home, runtime: Runtime, organisation: Organisation, server: LocalServer
) -> Installation:
    return prepare(home.app, home.tool, organisation, server)


@pytest.fixture
def any_installation(any_runtime: Runtime, server: LocalServer) -> Installation:
    """The same on SQLite and on PostgreSQL."""
    with any_runtime.database.transaction() as session:
        district = create_organisation(session, name="Alder Valley Schools", slug="alder-valley")
    return prepare(*mount(any_runtime), district, server)


@pytest.fixture
def browser(installation: Installation) -> Browser:
    return installation.browser()
