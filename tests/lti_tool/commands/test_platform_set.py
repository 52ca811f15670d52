"""`milepost platform set`: what was typed wrongly is put right."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.lti_tool.commands.shell import Shell

ADD = (
    "platform", "add", "--organisation", "alder-valley", "--name", "Our Moodle",
    "--family", "moodle", "--site-url", "https://moodle.example.org", "--client-id", "abc",
    "--deployment-id", "1",
)  # fmt: skip


@pytest.fixture
def moodle(migrated: Shell) -> str:
    """The id of a platform that is registered."""
    migrated.do("organisation", "add", "alder-valley", "--name", "Alder Valley Schools")
    return str(migrated.json(*ADD)[0]["id"])


def listed(shell: Shell) -> dict[str, Any]:
    [row] = shell.json("platform", "list")
    return dict(row)


def test_the_list_shows_the_id_that_is_asked_for(migrated: Shell, moodle: str) -> None:
    assert moodle in migrated.do("platform", "list")


def test_what_is_given_changes_and_nothing_else(migrated: Shell, moodle: str) -> None:
    before = listed(migrated)
    assert before["verifies_emails"] is False
    [row] = migrated.json(
        "platform", "set", moodle, "--name", "The Moodle", "--verifies-emails",
        "--frame-origin", "https://a.example.org", "--frame-origin", "https://b.example.org",
        "--auth-login-url", "https://moodle.example.org/login",
    )  # fmt: skip
    assert row == listed(migrated) == {
        **before,
        "name": "The Moodle",
        "verifies_emails": True,
        "frame_origins": ["https://a.example.org", "https://b.example.org"],
        "auth_login_url": "https://moodle.example.org/login",
    }  # fmt: skip
    assert migrated.json("platform", "set", moodle, "--no-verifies-emails")[0] == {
        **row, "verifies_emails": False,
    }  # fmt: skip


def test_a_platform_is_switched_off_and_on(migrated: Shell, moodle: str) -> None:
    told = migrated.do("platform", "set", moodle, "--disable")
    assert told == "Our Moodle was changed. Running processes follow within seconds.\n"
    assert listed(migrated)["state"] == "disabled"
    assert migrated.json("platform", "set", moodle, "--name", "X")[0]["state"] == "disabled"
    assert migrated.json("platform", "set", moodle, "--enable")[0]["state"] == "enabled"


def test_every_fault_is_told_and_nothing_changes(migrated: Shell, moodle: str) -> None:
    before = listed(migrated)
    said = migrated.refused(
        "platform", "set", moodle, "--name", "", "--jwks-url", "http://moodle.example.org",
        "--frame-origin", "*", "--verifies-emails",
    )  # fmt: skip
    for field in ("name: ", "jwks_url: ", "frame_origins: "):
        assert f"\n{field}" in said
    assert listed(migrated) == before


def test_nothing_to_change_and_nobody_there(migrated: Shell, moodle: str) -> None:
    assert "Say what to change" in migrated.refused("platform", "set", moodle, code=2)
    assert "no platform with this id" in migrated.refused(
        "platform", "set", uuid.uuid4(), "--disable"
    )
    migrated.refused("platform", "set", "our-moodle", "--disable", code=2)


def test_who_registers_it_again_is_led_here(migrated: Shell, moodle: str) -> None:
    assert "milepost platform set" in migrated.refused(*ADD)
