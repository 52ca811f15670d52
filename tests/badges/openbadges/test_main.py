"""`python -m badges.openbadges` works alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from badges.openbadges import bake_png
from badges.openbadges.__main__ import main
from tests.support.ob3 import (
    ISSUER,
    STATUS_LIST,
    TestSigner,
    full_credential,
    mini_credential,
    png,
    sign,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def badge(tmp_path: Path) -> Path:
    path = tmp_path / "badge.png"
    path.write_bytes(bake_png(png(), sign(mini_credential())))
    return path


@pytest.fixture
def controllers(tmp_path: Path) -> Path:
    path = tmp_path / "controllers.json"
    path.write_text(json.dumps({ISSUER: TestSigner().controller()}))
    return path


def test_a_valid_badge_is_0(
    badge: Path, controllers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(badge), "--controllers", str(controllers)]) == 0
    shown = capsys.readouterr().out
    assert "The badge is valid." in shown
    assert "published by the issuer" in shown


def test_what_needs_the_network_is_not_possible_and_2(
    badge: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(badge)]) == 2
    shown = capsys.readouterr().out
    assert "not possible" in shown
    assert "not everything could be checked" in shown


def test_a_bad_badge_is_1_and_the_report_is_json(
    tmp_path: Path, controllers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "badge.json"
    path.write_text(json.dumps({**sign(mini_credential()), "name": "Another"}))
    assert main(["verify", str(path), "--controllers", str(controllers), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["outcome"] == "invalid"
    assert [step["step"] for step in report["steps"] if step["status"] == "failed"] == ["proof"]


def test_a_list_of_controllers_and_one_alone_are_taken(badge: Path, tmp_path: Path) -> None:
    document = TestSigner().controller()
    for number, value in enumerate((document, [document])):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(value))
        assert main(["verify", str(badge), "--controllers", str(path)]) == 0


def test_problems_are_shown_with_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "badge.json"
    path.write_text(json.dumps({**full_credential(), "evidence": []}))
    assert main(["verify", str(path), "--recipient", "ada@example.org"]) == 1
    assert "- /evidence: an empty array may not stand here" in capsys.readouterr().out


def test_unbake_prints_what_the_image_holds(
    badge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["unbake", str(badge)]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "Teamwork"
    plain = tmp_path / "plain.png"
    plain.write_bytes(png())
    assert main(["unbake", str(plain)]) == 1
    assert "no badge" in capsys.readouterr().err


def test_a_missing_or_wrong_file_is_one_sentence_and_2(
    badge: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err
    wrong = tmp_path / "wrong.json"
    for text in ("7", "{", '{"a": 1}'):
        wrong.write_text(text)
        assert main(["verify", str(badge), "--controllers", str(wrong)]) == 2
        assert "wrong.json" in capsys.readouterr().err


ALONE = f"""
import sys
import badges.openbadges.__main__
import badges.openbadges.canonical_child
# PyLD imports requests where it finds it, for loaders that we never use.
strange = {{"flask", "sqlalchemy", "httpx", "aiohttp", "core", "keys", "lti_tool",
           "openbadges_bakery", "PIL"}} & set(sys.modules)
strange |= {{name for name in sys.modules if name.startswith("badges.") and
            not name.startswith("badges.openbadges")}}
assert not strange, strange
print({STATUS_LIST!r})
"""


def test_the_library_brings_no_web_framework_database_or_client() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ALONE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_module_runs(badge: Path, controllers: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "badges.openbadges",
            "verify",
            str(badge),
            "--controllers",
            str(controllers),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
