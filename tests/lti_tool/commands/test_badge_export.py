"""`milepost badge export-static`, and `badge verify` over what is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from badges.awards.models import Credential
from tests.lti_tool.commands.shell import Shell
from tests.support.badges import District, add_person, issue_credential


def test_an_export_is_written_and_told(
    at_district: Shell, credential: Credential, tmp_path: Path
) -> None:
    folder = tmp_path / "public" / "badges"
    told = at_district.do("badge", "export-static", folder)
    assert "1 published badges" in told
    assert "Put it at the root of https://milepost.test" in told
    assert (folder / "credentials" / f"{credential.id}.json").is_file()
    [summary] = at_district.json("badge", "export-static", folder)
    assert summary["folder"] == str(folder)
    assert (summary["credentials"], summary["changed"]) == (1, 0)
    certificate = folder / "credentials" / f"{credential.id}.pdf"
    assert certificate.is_file()
    at_district.do("badge", "export-static", folder, "--no-certificates")
    assert not certificate.exists()


def test_an_exported_file_verifies(
    at_district: Shell, credential: Credential, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    at_district.do("badge", "export-static", folder)
    for form in ("json", "jwt", "png", "svg"):
        path = folder / "credentials" / f"{credential.id}.{form}"
        assert "The badge is valid.\n" in at_district.do("badge", "verify", path)


def test_progress_is_told_beside_the_answer(
    at_district: Shell, credential: Credential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lti_tool.commands.badge_export.EVERY", 1)
    result = at_district.run("badge", "export-static", tmp_path / "site", "--json")
    assert "1 of 1 badges" in result.stderr
    assert "badges\n" not in result.stdout


def test_a_folder_with_other_things_in_it_is_refused(
    at_district: Shell, credential: Credential, tmp_path: Path
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    said = at_district.refused("badge", "export-static", tmp_path / "letters")
    assert "holds files that no export wrote" in said
    assert (tmp_path / "letters" / "dear.txt").read_text() == "Dear"
    at_district.refused("badge", "export-static", code=2)


def test_a_place_that_cannot_be_written_is_told(
    at_district: Shell, credential: Credential, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    said = at_district.refused("badge", "export-static", tmp_path / "file" / "below")
    assert "cannot be written" in said
    assert "An earlier export is as it was" in said


def test_a_private_badge_is_not_counted(
    at_district: Shell, district: District, credential: Credential, tmp_path: Path
) -> None:
    hidden = add_person(district.runtime, district.organisation, "Ida Hidden")
    private = issue_credential(district, hidden, published=False)
    [summary] = at_district.json("badge", "export-static", tmp_path / "site")
    assert summary["credentials"] == 1
    assert not list((tmp_path / "site").rglob(f"{private.id}*"))


def test_a_badge_may_be_typed_instead_of_named(at_district: Shell, credential: Credential) -> None:
    for text in (credential.document, credential.jwt):
        assert "The badge is valid.\n" in at_district.do("badge", "verify", text)
    assert at_district.run("badge", "verify", "{").exit_code == 1
