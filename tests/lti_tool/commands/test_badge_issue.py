"""`milepost badge issue`: one person, or everybody in a file; checked first, cut off, taken up."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from badges.awards.batches.models import Batch
from badges.awards.models import Award
from core.scope import unscoped
from tests.lti_tool.commands.shell import Shell
from tests.support.badges import District, add_person


@pytest.fixture
def with_mail(at_district: Shell) -> Shell:
    return at_district.but(
        SMTP_URL="smtp://localhost:1?tls=never", MAIL_FROM="Milepost <milepost@example.org>"
    )


def awards(district: District) -> int:
    with district.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        return session.scalar(select(func.count(Award.id))) or 0


def written(folder: Path, text: str) -> Path:
    path = folder / "staff.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_one_person_by_their_address(at_district: Shell, district: District) -> None:
    words = ("badge", "issue", district.achievement.id)
    said = at_district.do(*words, "WREN@alder-valley.example")
    assert "1 offered" in said
    assert "to be mended" in at_district.refused(*words, "nobody@elsewhere.example")
    assert awards(district) == 1
    at_district.refused(*words, code=2)


def test_a_dry_run_tells_every_fault_and_offers_nothing(
    with_mail: Shell, district: District, tmp_path: Path
) -> None:
    file = written(tmp_path, "email,name\nwren@alder-valley.example,\nnonsense,\nnew@b.example,\n")
    words = ("badge", "issue", district.achievement.id, "--csv", file)
    said = with_mail.refused(*words, "--dry-run")
    assert "line 3, email: This is not a whole e-mail address" in said
    assert "3 lines: 2 in order, 1 of them not known yet, to be invited by mail, 1 to be" in said
    result = with_mail.run(*words, "--dry-run", "--json")
    assert '"code": "email_unusable"' in result.stdout
    assert "Nothing was offered" in with_mail.refused(*words)
    assert awards(district) == 0
    with district.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        assert session.scalar(select(func.count(Batch.id))) == 0


def test_a_file_is_carried_out_and_the_same_once_more_changes_nothing(
    with_mail: Shell, district: District, tmp_path: Path
) -> None:
    noor = add_person(district.runtime, district.organisation, "Noor Prove")
    file = written(tmp_path, f"email,person\nnonsense,\nnew@b.example,\n,{noor.id}\n")
    words = ("badge", "issue", district.achievement.id, "--csv", file, "--partly")
    rows = with_mail.json(*words)
    assert [(row["line"], row["state"]) for row in rows] == [(3, "offered"), (4, "offered")]
    assert "0 in order, 2 have it already, 1 to be mended" in with_mail.run(*words).stderr
    assert awards(district) == 2


def test_a_file_tells_results_and_what_is_wrong_with_them(
    at_district: Shell, district: District, tmp_path: Path
) -> None:
    head, whom = "email,Planned questions,wait", district.learner.email
    words = ("badge", "issue", district.achievement.id, "--csv")
    wrong = written(tmp_path, f"{head},Mood\n{whom},Splendid,\n")
    said = at_district.refused(*words, wrong, "--dry-run")
    assert "These columns were not read: Mood." in said
    assert "line 2, Planned questions: This must be one of: Beginning, Developing" in said
    assert "line 2, Wait time: Nothing is told here" in said
    at_district.do(*words, written(tmp_path, f"{head}\n{whom},secure,4\n"))
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        (receipt,) = session.scalars(select(Award.receipt))
    assert receipt["levels"] == {"planned": 3, "wait": 4}


def test_a_file_that_is_no_table_is_refused_in_words(
    at_district: Shell, district: District, tmp_path: Path
) -> None:
    words = ("badge", "issue", district.achievement.id, "--csv", written(tmp_path, "a,b\n1,2\n"))
    assert "has to name the columns" in at_district.refused(*words)


def test_after_a_kill_a_worker_finishes_it_and_nobody_has_two(
    with_mail: Shell, district: District, tmp_path: Path
) -> None:
    """A real process is ended with SIGKILL after the first hundred; another takes it up."""
    file = written(tmp_path, "email\n" + "".join(f"p{n}@b.example\n" for n in range(130)))

    def milepost(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        environ = {**with_mail.environ(), "MILEPOST_ENVIRONMENT": "test", **more}
        return subprocess.run(
            [sys.executable, "-m", "lti_tool.cli", *words], env=environ, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    killed = milepost(
        "badge", "issue", str(district.achievement.id), "--csv", str(file),
        MILEPOST_CRASH_POINT="batch-piece",
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert awards(district) == 100
    done = milepost("worker", "--once", MILEPOST_LOG_LEVEL="ERROR")
    assert done.returncode == 0, done.stderr
    assert awards(district) == 130
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        assert session.scalars(select(Batch.state)).one() == "done"
