"""`milepost badge bake` and `unbake` of Open Badges 2.0, for older backpacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lti_tool.cli import main
from tests.support.ob3 import SVG, full_credential, png, sign

ASSERTION = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "Assertion",
    "id": "https://old.example.org/assertions/1",
    "badge": "https://old.example.org/badges/1",
    "recipient": {"type": "email", "hashed": False, "identity": "ada@example.org"},
}


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["badge", *map(str, words)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "older.json").write_text(json.dumps(ASSERTION))
    (tmp_path / "older.txt").write_text(ASSERTION["id"])
    (tmp_path / "newer.json").write_text(json.dumps(sign(full_credential())))
    (tmp_path / "empty.png").write_bytes(png())
    (tmp_path / "empty.svg").write_bytes(SVG)
    return tmp_path


@pytest.mark.parametrize("image", ["png", "svg"])
@pytest.mark.parametrize("form", ["json", "txt"])
def test_an_older_badge_is_baked_and_taken_out(files: Path, form: str, image: str) -> None:
    baked = files / f"baked.{image}"
    told = run("bake", files / f"older.{form}", files / f"empty.{image}", "-o", baked)
    assert "(Open Badges 2.0)" in told.output
    out = run("unbake", baked).output.strip()
    # In an SVG the package that reads it takes the address, which is the proof.
    assert ASSERTION["id"] in out
    if (form, image) == ("json", "png"):
        assert json.loads(out) == ASSERTION
    assert "Open Badges 2.0" in run("unbake", baked, "-o", files / "out").output


@pytest.mark.parametrize("image", ["png", "svg"])
@pytest.mark.parametrize("order", [("older", "newer"), ("newer", "older")])
def test_no_image_holds_both(files: Path, order: tuple[str, str], image: str) -> None:
    first, second = order
    baked, both = files / f"baked.{image}", files / f"both.{image}"
    assert run("bake", files / f"{first}.json", files / f"empty.{image}", "-o", baked).output
    refused = run("bake", files / f"{second}.json", baked, "-o", both)
    assert refused.exit_code == 1
    assert "badge already" in refused.output
    assert not both.exists()
