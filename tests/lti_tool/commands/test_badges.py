"""`milepost badge`: list, issue, verify, bake, unbake, revoke."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path

import pytest
from PIL import Image

from badges.awards.models import Credential
from badges.openbadges import baking
from tests.badges.openbadges.test_verify import endorsement
from tests.lti_tool.commands.shell import Shell
from tests.support.badges import District, add_person
from tests.support.environment import BASE_URL


def steps(shell: Shell, *words: object) -> dict[str, str]:
    """What each step of a verification answered."""
    result = shell.run("badge", "verify", *words, "--json")
    report = json.loads(result.stdout)
    assert report["valid"] is (result.exit_code == 0)
    return {step["step"]: step["status"] for step in report["steps"]}


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "#1f6f78").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def files(credential: Credential, tmp_path: Path) -> Path:
    """The credential as files, as its holder would download it."""
    assert credential.document
    assert credential.jwt
    (tmp_path / "badge.json").write_text(credential.document)
    (tmp_path / "badge.jwt").write_text(credential.jwt)
    ready = baking.bakeable_json(json.loads(credential.document))
    (tmp_path / "badge.png").write_bytes(baking.bake_png(picture(), ready))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8"/></svg>'
    (tmp_path / "badge.svg").write_bytes(baking.bake_svg(svg, credential.jwt))
    (tmp_path / "empty.svg").write_bytes(svg)
    (tmp_path / "empty.png").write_bytes(picture())
    return tmp_path


def test_a_new_installation_has_no_badges(at_district: Shell) -> None:
    assert at_district.do("badge", "list") == "None yet.\n"
    assert at_district.json("badge", "list") == []


def test_a_badge_is_listed_with_the_id_of_its_page(
    at_district: Shell, credential: Credential
) -> None:
    [row] = at_district.json("badge", "list")
    assert row["credential"] == str(credential.id)
    assert row["state"] == "signed"
    assert str(credential.id) in at_district.do("badge", "list")
    assert at_district.json("badge", "list", "--state", "signed") == [row]
    assert at_district.json("badge", "list", "--state", "revoked") == []
    at_district.refused("badge", "list", "--state", "lost", code=2)


def test_an_operator_offers_a_badge_once(at_district: Shell, district: District) -> None:
    noor = add_person(district.runtime, district.organisation, "Noor Prove")
    words = ("badge", "issue", district.achievement.id, noor.id)
    [row] = at_district.json(*words)
    assert row["state"] == "offered"
    [listed] = at_district.json("badge", "list")
    assert listed["award"] == row["award"]
    assert listed["credential"] is None, "nothing is signed before she accepts"
    assert "already" in at_district.refused(*words)
    assert len(at_district.json("badge", "list")) == 1


def test_a_badge_is_offered_for_what_exists_to_who_exists(
    at_district: Shell, district: District
) -> None:
    said = at_district.refused("badge", "issue", district.achievement.id, uuid.uuid4())
    assert "nobody with this id" in said
    at_district.refused("badge", "issue", uuid.uuid4(), district.learner.id)
    assert at_district.json("badge", "list") == []


def test_every_form_of_a_badge_verifies(at_district: Shell, files: Path) -> None:
    for name in ("badge.json", "badge.jwt", "badge.png", "badge.svg"):
        answered = steps(at_district, files / name)
        assert set(answered.values()) == {"passed"}
        assert {"read", "issuer", "proof", "status", "time"} <= set(answered)
        told = at_district.do("badge", "verify", files / name)
        assert told.startswith("The badge is valid.\n")
        assert "  proof: holds. The badge is unchanged since it was signed." in told


def test_a_badge_verifies_by_its_address_and_from_standard_input(
    at_district: Shell, files: Path, credential: Credential
) -> None:
    address = f"{BASE_URL}/credentials/{credential.id}"
    assert set(steps(at_district, address).values()) == {"passed"}
    data = (files / "badge.png").read_bytes()
    assert "valid" in at_district.do("badge", "verify", "-", stdin=data)


def test_a_badge_belongs_to_one_person(at_district: Shell, files: Path, district: District) -> None:
    path = files / "badge.json"
    assert steps(at_district, path, "--recipient", district.learner.email)["recipient"] == "passed"
    assert steps(at_district, path, "--recipient", "teo@example.org")["recipient"] == "failed"


def test_a_badge_that_was_changed_does_not_verify(at_district: Shell, files: Path) -> None:
    path = files / "badge.json"
    path.write_text(path.read_text().replace("Wren Samplewood", "Teo Exempel"))
    assert steps(at_district, path)["proof"] == "failed"
    result = at_district.run("badge", "verify", path)
    assert result.exit_code == 1
    assert "proof: DOES NOT HOLD. " in result.stdout
    assert "Message(" not in result.stdout


def test_an_endorsement_is_called_one(at_district: Shell, tmp_path: Path) -> None:
    path = tmp_path / "endorsement.json"
    path.write_text(json.dumps({**endorsement("did:web:district.example.org"), "proof": []}))
    told = at_district.run("badge", "verify", path).stdout
    assert told.startswith("The endorsement is invalid.\n")
    assert "proof: DOES NOT HOLD. This endorsement carries no proof." in told


def test_what_is_no_badge_is_answered_step_by_step(at_district: Shell, tmp_path: Path) -> None:
    path = tmp_path / "it"
    for data in (b"", b"garbage", b"{}", b"\x89PNG\r\n\x1a\n", b"a.b.c", b"\xff", b"[" * 100_000):
        path.write_bytes(data)
        result = at_district.run("badge", "verify", path)
        assert result.exit_code == 1
        assert result.stdout.startswith("The badge is invalid.\n  read: ")
        assert steps(at_district, path)


def test_what_cannot_be_read_is_told(at_district: Shell, tmp_path: Path) -> None:
    assert "No such file" in at_district.refused("badge", "verify", tmp_path / "nowhere")
    assert "Is a directory" in at_district.refused("badge", "verify", tmp_path)
    (tmp_path / "large").write_bytes(b" " * (5 * 1024 * 1024 + 1))
    assert "more than 5 MB" in at_district.refused("badge", "verify", tmp_path / "large")
    said = at_district.refused("badge", "verify", "https://127.0.0.1/credentials/x")
    assert "Nothing could be read at this address" in said


@pytest.mark.parametrize(("form", "image"), [("json", "png"), ("jwt", "png"), ("json", "svg")])
def test_a_badge_is_baked_and_taken_out_again(
    at_district: Shell, files: Path, form: str, image: str
) -> None:
    baked = files / f"baked.{image}"
    words = ("badge", "bake", files / f"badge.{form}", files / f"empty.{image}", "-o", baked)
    assert "holds the badge" in at_district.do(*words)
    assert set(steps(at_district, baked).values()) == {"passed"}
    told = at_district.do("badge", "unbake", baked)
    if form == "jwt":
        assert told.strip() == (files / "badge.jwt").read_text()
    else:
        assert json.loads(told) == json.loads((files / "badge.json").read_text())
    out = files / "out"
    assert "Open Badges 3.0" in at_district.do("badge", "unbake", baked, "-o", out)
    assert out.read_text().strip() == told.strip()


def test_baking_needs_a_badge_and_an_image(at_district: Shell, files: Path) -> None:
    out = files / "out.png"
    said = at_district.refused("badge", "bake", files / "badge.svg", files / "empty.png", "-o", out)
    assert "neither JSON, nor a token" in said
    for broken in ("{", '{"a":' * 50_000):
        (files / "broken.json").write_text(broken)
        at_district.refused("badge", "bake", files / "broken.json", files / "empty.png", "-o", out)
    at_district.refused("badge", "bake", files / "empty.png", files / "empty.png", "-o", out)
    at_district.refused("badge", "bake", files / "badge.json", files / "badge.jwt", "-o", out)
    assert not out.exists()
    nowhere = files / "no" / "out.png"
    words = ("badge", "bake", files / "badge.json", files / "empty.png", "-o", nowhere)
    at_district.refused(*words)


def test_an_image_without_a_badge_is_refused(at_district: Shell, files: Path) -> None:
    at_district.refused("badge", "unbake", files / "empty.png")
    at_district.refused("badge", "unbake", files / "badge.json")
    words = ("badge", "unbake", files / "badge.png", "-o", files / "no" / "out")
    assert "cannot be written" in at_district.refused(*words)


def test_a_revoked_badge_says_so_with_its_reason(
    at_district: Shell, files: Path, credential: Credential
) -> None:
    words = ("badge", "revoke", credential.id, "--reason", "Issued to the wrong person.")
    assert "is revoked" in at_district.do(*words)
    assert steps(at_district, files / "badge.png")["status"] == "failed"
    result = at_district.run("badge", "verify", files / "badge.json")
    assert result.exit_code == 1
    assert "status: DOES NOT HOLD. " in result.stdout
    [row] = at_district.json("badge", "list")
    assert row["state"] == "revoked"
    at_district.do(*words)


def test_revoking_needs_a_badge_and_a_reason(at_district: Shell, credential: Credential) -> None:
    at_district.refused("badge", "revoke", credential.id, code=2)
    said = at_district.refused("badge", "revoke", credential.id, "--reason", " ")
    assert "\nreason: " in said
    at_district.refused("badge", "revoke", uuid.uuid4(), "--reason", "x")
    [row] = at_district.json("badge", "list")
    assert row["state"] == "signed"
