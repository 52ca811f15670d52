"""`milepost doctor` says what is wrong, in words, and what to do."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path

import pytest

from badges.awards.models import Credential
from core.db import utcnow
from core.outbox import bury, claim, publish
from core.runtime import Runtime
from tests.lti_tool.commands.shell import Shell, shell_of
from tests.support.ports import free_port


def examine(shell: Shell, code: int = 0) -> dict[str, tuple[str, str]]:
    """Each check's state and words; the table says the same as the JSON."""
    result = shell.run("doctor", "--json")
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    rows = json.loads(result.stdout)
    table = shell.run("doctor")
    assert table.exit_code == code
    assert all(row["says"] in table.stdout for row in rows)
    return {row["check"]: (row["state"], row["says"]) for row in rows}


@pytest.fixture
def small(runtime: Runtime) -> Shell:
    """A migrated installation whose outbox the test can write to."""
    shell = shell_of(runtime.config)
    shell.do("db", "upgrade")
    return shell


def test_a_healthy_installation_is_all_well(migrated: Shell) -> None:
    found = examine(migrated)
    assert {state for state, _says in found.values()} == {"ok"}
    assert {
        "settings", "database", "migrations", "signature", "files", "worker", "badge address",
    } <= set(found)  # fmt: skip


def test_another_master_key_is_named(migrated: Shell) -> None:
    other = base64.b64encode(bytes(32)).decode()
    state, says = examine(migrated.but(MASTER_KEY=other), code=1)["signature"]
    assert state == "wrong"
    assert "MILEPOST_MASTER_KEY must be the one" in says


def test_a_database_that_was_never_migrated_is_told_once(shell: Shell) -> None:
    shell.home.mkdir()
    found = examine(shell, code=1)
    assert found["database"][0] == "ok"
    state, says = found["migrations"]
    assert state == "wrong"
    assert "Run: milepost db upgrade" in says
    assert "signature" not in found, "the keys cannot be asked, and that is not another fault"
    assert "sqlalche.me" not in str(found)


def test_a_database_that_does_not_answer_is_told_once(shell: Shell) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    found = examine(shell.but(DATABASE_URL=url), code=1)
    assert found["database"][0] == "wrong"
    assert "MILEPOST_DATABASE_URL" in found["database"][1]
    assert not {"migrations", "signature", "worker"} & set(found)
    assert found["files"][0] == "ok"


def test_a_folder_for_files_that_cannot_be_written_is_named(
    migrated: Shell, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    url = f"file://{tmp_path / 'file' / 'files'}"
    state, says = examine(migrated.but(FILES_URL=url), code=1)["files"]
    assert state == "wrong"
    assert str(tmp_path / "file") in says
    assert "MILEPOST_FILES_URL" in says
    assert "Errno" not in says


def test_a_badge_address_on_this_machine_is_something_to_look_at(migrated: Shell) -> None:
    state, says = examine(migrated.but(BASE_URL="http://localhost:8000"))["badge address"]
    assert state == "look"
    assert "http://localhost:8000" in says
    assert "MILEPOST_BADGE_URL" in says
    settled = migrated.but(BASE_URL="http://localhost:8000", BADGE_URL="https://badges.test")
    assert examine(settled)["badge address"][0] == "ok"


def test_a_badge_address_that_badges_do_not_carry_is_wrong(
    at_district: Shell, credential: Credential
) -> None:
    at_district.do("db", "upgrade")
    moved = at_district.but(BADGE_URL="https://elsewhere.test")
    state, says = examine(moved, code=1)["issued badges"]
    assert state == "wrong"
    assert "Set MILEPOST_BADGE_URL to https://milepost.test again." in says
    assert "issued badges" not in examine(at_district)


def test_an_installation_without_a_launch_key_is_wrong(at_district: Shell) -> None:
    state, says = examine(at_district, code=1)["launch key"]
    assert state == "wrong"
    assert "Run: milepost db upgrade" in says
    at_district.do("db", "upgrade")
    assert "launch key" not in examine(at_district)


def test_work_that_waits_means_that_no_worker_runs(small: Shell, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        publish(session, "grade.post", "1", {}, run_at=utcnow() - timedelta(minutes=1))
    assert examine(small)["worker"][0] == "ok"
    with runtime.database.transaction() as session:
        publish(session, "grade.post", "2", {}, run_at=utcnow() - timedelta(minutes=3))
    state, says = examine(small, code=1)["worker"]
    assert state == "wrong"
    assert "Run: milepost worker" in says


def test_what_was_given_up_is_something_to_look_at(small: Shell, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        publish(session, "grade.post", "1", {})
    [job] = claim(runtime.database, limit=1, now=utcnow())
    bury(runtime.database, job, "The LMS said no.", now=utcnow())
    assert examine(small)["deliveries"] == (
        "look", "1 were given up; an administrator can try them again.",
    )  # fmt: skip
