"""Terminals over an empty folder, a migrated database, and a district with a badge."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from badges.awards.models import Credential
from core.identity import Organisation
from core.runtime import Runtime
from tests.lti_tool.commands.shell import Shell, production, shell_of
from tests.support import cheaper
from tests.support.badges import District, issue_credential, make_district
from tests.support.environment import migrated_sqlite


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command sets the logs of its process, which here is the test run."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    others = {name: logging.getLogger(name).level for name in ("urllib3", "alembic")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in others.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture(autouse=True)
def keys_of_its_own() -> Iterator[None]:
    """Commands make keys beside those of a database that many of these tests copy."""
    with cheaper.apart():
        yield


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An installation that nobody has touched yet."""
    return production(tmp_path / "home")


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `milepost db upgrade` leaves it."""
    shell = production(tmp_path_factory.mktemp("upgraded"))
    path = shell.home / "milepost.sqlite"
    migrated_sqlite(tmp_path_factory.getbasetemp() / "template.sqlite", path)
    shell.do("db", "upgrade")
    return path


@pytest.fixture
def migrated(shell: Shell, upgraded: Path) -> Shell:
    """An installation after `milepost db upgrade`."""
    shell.home.mkdir()
    shutil.copyfile(upgraded, shell.home / "milepost.sqlite")
    return shell


@pytest.fixture
def district(runtime: Runtime, organisation: Organisation) -> District:
    return make_district(runtime, organisation)


@pytest.fixture
def credential(district: District) -> Credential:
    """Signed and published."""
    return issue_credential(district)


@pytest.fixture
def at_district(district: District) -> Shell:
    """A terminal over the district's installation."""
    return shell_of(district.runtime.config)
