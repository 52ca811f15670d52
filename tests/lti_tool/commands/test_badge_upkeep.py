"""`milepost badge revoke | renew | correct | versions` and `milepost keys retire`."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from badges.awards.models import Credential
from badges.awards.proofs import IssuerKeys
from badges.awards.revisions import sign_revision
from badges.awards.service import own_credential
from tests.lti_tool.commands.shell import Shell
from tests.support.badges import District, add_person, issue_credential
from tests.support.verifying import verify_badge


@pytest.fixture
def other(district: District) -> Credential:
    return issue_credential(
        district, add_person(district.runtime, district.organisation, "Moss Testfield")
    )


def stored(district: District, credential: Credential) -> Credential:
    with district.runtime.database.snapshot() as session:
        return own_credential(session, credential.id, credential.person_id)


def test_many_are_withdrawn_from_a_file_all_or_none(
    at_district: Shell, district: District, credential: Credential, other: Credential,
    tmp_path: Path,
) -> None:  # fmt: skip
    table = tmp_path / "wrong.csv"
    words = ("badge", "revoke", "--csv", table, "--reason", "The course was cut.")
    table.write_text(f"name,credential\nWren,{credential.id}\nMoss,nobody\n", "utf-8-sig")
    assert "Line 3: this names no badge." in at_district.refused(*words)
    table.write_text("name\nWren\n")
    assert "no column" in at_district.refused(*words)
    table.write_text(f"credential\nhttps://milepost.test/credentials/{credential.id}\n")
    stranger = uuid.uuid4()
    assert f"There is no badge {stranger}." in at_district.refused(*words, stranger)
    assert "would be revoked" in at_district.do(*words, other.id, "--dry-run")
    assert stored(district, credential).state == "signed"
    assert at_district.do(*words, other.id).count("is revoked.") == 2
    assert {stored(district, one).state for one in (credential, other)} == {"revoked"}
    assert at_district.do(*words, other.id).count("was revoked before.") == 2
    at_district.refused("badge", "revoke", "--reason", "None.", code=2)


def test_a_badge_is_corrected_renewed_and_its_versions_listed(
    at_district: Shell, district: District, credential: Credential
) -> None:
    words = ("badge", "correct", credential.id, "--note", "Misspelt.")
    [row] = at_district.json(
        *words, "--name", "Wren S.", "--level", "wait=4", "--level", "planned=3"
    )
    assert (row["version"], row["state"]) == (2, "being signed")
    sign_revision(district.runtime, district.ring, credential.id)
    assert stored(district, credential).recipient_name == "Wren S."
    assert "nothing was changed" in at_district.refused(*words, "--name", "Wren S.")
    assert "no version 9" in at_district.refused(*words, "--version", 9)
    at_district.refused(*words, "--level", "wait", code=2)
    [row] = at_district.json("badge", "renew", credential.id)
    assert row["valid_until"].startswith("2032-03-14")
    sign_revision(district.runtime, district.ring, credential.id)
    rows = at_district.json("badge", "versions", credential.id)
    assert [(one["version"], one["reason"]) for one in rows] == [
        (3, "renewed"), (2, "corrected"), (1, "issued"),
    ]  # fmt: skip
    at_district.refused("badge", "renew", credential.id, "--until", "2030-01-01")
    for words in (("renew", credential.id), ("correct", credential.id, "--note", "The end.")):
        told = at_district.refused("badge", *words, "--until", "9999-12-31")
        assert "until: Choose a day within the next hundred years." in told


def test_a_key_is_retired_and_a_compromised_one_replaced(
    at_district: Shell, district: District, credential: Credential, other: Credential
) -> None:
    old = IssuerKeys.of(district.ring, district.issuer)
    said = at_district.do("keys", "retire", old.token.kid)
    assert "signs from now on" in said
    assert "nothing was changed" in at_district.do("keys", "retire", old.token.kid)
    assert verify_badge(district, credential, credential.jwt).valid
    at_district.refused("keys", "retire", old.token.kid, "--here", code=2)
    at_district.refused("keys", "retire", "unheard")
    at_district.refused("keys", "retire", old.embedded.kid, "--compromised")
    words = ("keys", "retire", old.embedded.kid, "--compromised", "--reason", "Seen in a log.")
    [row] = at_district.json(*words)
    assert (row["state"], row["looked_at"]) == ("searching", 0)
    [row] = at_district.json(*words, "--here")
    assert (row["state"], row["found"], row["signed"]) == ("done", 2, 2)
    assert at_district.json("keys", "replacements") == [row]
    assert [stored(district, one).revision for one in (credential, other)] == [2, 2]
    assert not verify_badge(district, credential, credential.document).valid


def test_an_id_that_begins_with_a_hyphen_is_no_option(at_district: Shell) -> None:
    kid = "-F" + "a" * 41
    assert "There is no such key." in at_district.refused("keys", "retire", kid)
    words = ("keys", "retire", kid, "--compromised", "--reason", "Seen in a log.")
    assert "There is no such key." in at_district.refused(*words)
