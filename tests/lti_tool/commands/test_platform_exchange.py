"""`milepost platform invite`, `export` and `import`."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.db import Database, utcnow
from tests.lti_tool.commands.shell import Shell
from tests.support.environment import BASE_URL

ADD = (
    "platform", "add", "--organisation", "alder-valley", "--name", "Our Moodle",
    "--family", "moodle", "--site-url", "https://moodle.example.org", "--client-id", "abc",
    "--deployment-id", "1", "--deployment-id", "2", "--privacy-level", "name",
)  # fmt: skip


@pytest.fixture
def alone(migrated: Shell) -> Shell:
    """An installation with one organisation."""
    migrated.do("organisation", "add", "alder-valley", "--name", "Alder Valley Schools")
    return migrated


@pytest.fixture
def moodle(alone: Shell) -> str:
    """The id of a platform that is registered."""
    return str(alone.json(*ADD)[0]["id"])


def links_of(shell: Shell) -> list[Any]:
    database = Database(f"sqlite:///{shell.home / 'milepost.sqlite'}")
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT platform_id FROM lti_registration_links").all()
    database.close()
    return [row[0] for row in rows]


def test_the_link_alone_is_printed_so_that_it_can_be_piped(alone: Shell) -> None:
    result = alone.run("platform", "invite")
    assert result.exit_code == 0
    [line] = result.stdout.splitlines()
    assert line.startswith(f"{BASE_URL}/lti/register/")
    assert "It works once." in result.stderr
    assert links_of(alone) == [None]


def test_the_link_for_machines(alone: Shell) -> None:
    [row] = alone.json("platform", "invite", "--organisation", "alder-valley")
    assert row["url"].startswith(f"{BASE_URL}/lti/register/")
    assert (row["organisation"], row["platform_id"]) == ("alder-valley", None)
    left = datetime.fromisoformat(row["expires_at"]) - utcnow()
    assert timedelta(days=6) < left <= timedelta(days=7)


def test_a_link_that_updates_one_lms(alone: Shell, moodle: str) -> None:
    alone.do("organisation", "add", "other", "--name", "Other")
    [row] = alone.json("platform", "invite", "--platform", moodle)
    assert (row["organisation"], row["platform_id"]) == ("alder-valley", moodle)
    said = alone.refused("platform", "invite", "--organisation", "other", "--platform", moodle)
    assert "no platform with this id" in said
    assert links_of(alone) == [uuid.UUID(moodle).hex]


def test_links_that_cannot_be_made(migrated: Shell) -> None:
    assert "milepost organisation add" in migrated.refused("platform", "invite")
    for slug in ("north", "south"):
        migrated.do("organisation", "add", slug, "--name", slug)
    assert "--organisation SLUG" in migrated.refused("platform", "invite")
    assert "no organisation called east" in migrated.refused(
        "platform", "invite", "--organisation", "east"
    )
    assert "no platform with this id" in migrated.refused(
        "platform", "invite", "--platform", uuid.uuid4()
    )
    assert "no platform with this id" in migrated.refused(
        "platform", "invite", "--organisation", "north", "--platform", uuid.uuid4()
    )
    migrated.refused("platform", "invite", "--platform", "our-moodle", code=2)
    assert links_of(migrated) == []


def test_what_is_exported_can_be_imported_elsewhere(
    alone: Shell, moodle: str, tmp_path: Path
) -> None:
    written = tmp_path / "moodle.json"
    written.write_text(alone.do("platform", "export", moodle))
    before = json.loads(written.read_text())
    assert before["deployments"] == [
        {"deployment_id": "1", "name": None},
        {"deployment_id": "2", "name": None},
    ]
    assert alone.json("platform", "export", moodle) == [before]
    # The same installation has it already.
    import_it = ("platform", "import", written, "--organisation", "alder-valley")
    assert "registered already" in alone.refused(*import_it)
    written.write_text(json.dumps({**before, "client_id": "another"}))
    [row] = alone.json(*import_it)
    assert (row["client_id"], row["deployments"], row["privacy_level"]) == (
        "another", "1, 2", "name",
    )  # fmt: skip


def test_standard_input_and_a_list_of_one(alone: Shell, moodle: str) -> None:
    document = {**alone.json("platform", "export", moodle)[0], "client_id": "another"}
    result = alone.run(
        "platform", "import", "-", "--organisation", "alder-valley",
        stdin=json.dumps([document]).encode(),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stdout == "Our Moodle was registered, with the deployments: 1, 2.\n"


def test_documents_that_are_refused(alone: Shell, moodle: str, tmp_path: Path) -> None:
    written = tmp_path / "moodle.json"
    import_it = ("platform", "import", written, "--organisation", "alder-valley")
    alone.refused(*import_it, code=2)
    good = {**alone.json("platform", "export", moodle)[0], "client_id": "another"}
    written.write_text("{")
    assert "not JSON" in alone.refused(*import_it)
    for document, field in (
        ([1, 2], "document"),
        ({**good, "issuer": 7}, "issuer"),
        ({name: value for name, value in good.items() if name != "jwks_url"}, "jwks_url"),
        ({**good, "jwks_url": "http://moodle.example.org/keys"}, "jwks_url"),
        ({**good, "colour": "blue"}, "colour"),
        ({**good, "deployments": [{"deployment_id": 1}]}, "deployments"),
        ({**good, "deployments": "1"}, "deployments"),
        ({**good, "frame_origins": [1]}, "frame_origins"),
        ({**good, "verifies_emails": "yes"}, "verifies_emails"),
        ({**good, "privacy_level": "none"}, "privacy_level"),
        ({**good, "role_overrides": {"Juggler": "lead"}}, "role_overrides"),
        ({**good, "token_audience": 1}, "token_audience"),
        ({**good, "version": 99}, "version"),
    ):
        written.write_text(json.dumps(document))
        assert f"\n{field}: " in alone.refused(*import_it)
    written.write_text(json.dumps({**good, "deployments": [{"deployment_id": "1"}] * 2}))
    assert "deployment already" in alone.refused(*import_it)
    assert len(alone.json("platform", "list")) == 1


def test_exporting_nobody(alone: Shell) -> None:
    assert "no platform with this id" in alone.refused("platform", "export", uuid.uuid4())
    alone.refused("platform", "export", "our-moodle", code=2)
