"""`milepost admin link`: printed once, for one organisation."""

from __future__ import annotations

import re

import pytest

from tests.lti_tool.commands.shell import Shell


@pytest.fixture
def alder(migrated: Shell) -> Shell:
    migrated.do("organisation", "add", "alder-valley", "--name", "Alder Valley Schools")
    return migrated


def test_the_link_is_printed_with_whom_it_is_for_and_until_when(alder: Shell) -> None:
    told = alder.do("admin", "link", "--organisation", "alder-valley", "--name", "Pia Specimen")
    first, url = told.strip().splitlines()
    assert re.fullmatch(
        r"Pia Specimen comes in as administrator of Alder Valley Schools, once, until"
        r" \d\d:\d\d UTC:",
        first,
    )
    assert re.fullmatch(r"https://milepost\.test/access/[\w-]{43}", url)


def test_machines_read_it_as_json(alder: Shell) -> None:
    [row] = alder.json("admin", "link", "--organisation", "alder-valley")
    assert row["url"].startswith("https://milepost.test/access/")
    assert (row["organisation"], row["name"]) == ("alder-valley", "Administrator")
    assert row["expires_at"].endswith("+00:00")


def test_two_links_are_two_links(alder: Shell) -> None:
    rows = [alder.json("admin", "link", "--organisation", "alder-valley")[0] for _ in range(2)]
    assert rows[0]["url"] != rows[1]["url"]


def test_an_unknown_organisation_or_an_empty_name_is_refused_in_words(alder: Shell) -> None:
    assert "There is no organisation called nowhere." in alder.refused(
        "admin", "link", "--organisation", "nowhere"
    )
    said = alder.refused("admin", "link", "--organisation", "alder-valley", "--name", " ")
    assert "Give a name of at most 200 characters." in said
