"""`deploy/backup.py`: a copy is whole, starts as it is, and takes little room."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import select

from core.config import Config
from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from tests.support import postgres
from tests.support.environment import BASE_URL, MASTER_KEY, make_runtime

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "backup.py"


def back_up(config: Config, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
        "MILEPOST_ENVIRONMENT": "test",
        "MILEPOST_BASE_URL": BASE_URL,
        "MILEPOST_HOME": str(config.home),
        "MILEPOST_MASTER_KEY": b64encode(MASTER_KEY).decode(),
        "MILEPOST_DATABASE_URL": config.database_url,
        "MILEPOST_FILES_URL": config.files_url,
    }
    return subprocess.run(
        [sys.executable, SCRIPT, folder, *words],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


def fill(runtime: Runtime, text: bytes = b"evidence") -> str:
    with runtime.database.transaction() as session:
        create_organisation(session, name="Alder Valley", slug=f"alder-{len(text)}")
    return runtime.files.put(BytesIO(text), folder="evidence/x", max_bytes=1000).key


def names(runtime: Runtime) -> list[str]:
    with runtime.database.snapshot() as session:
        return list(session.scalars(select(Organisation.name)))


def newest(folder: Path) -> Path:
    return sorted(folder.iterdir())[-1]


def test_a_copy_starts_as_it_is(runtime: Runtime, tmp_path: Path) -> None:
    key = fill(runtime)
    done = back_up(runtime.config, tmp_path / "copies")
    assert done.returncode == 0, done.stderr
    copy = newest(tmp_path / "copies")
    assert done.stdout.strip() == str(copy)
    restored = make_runtime(copy)
    try:
        assert names(restored) == ["Alder Valley"]
        with restored.files.open(key) as stream:
            assert stream.read() == b"evidence"
    finally:
        restored.close()


def test_a_file_that_a_copy_holds_takes_no_room_again(runtime: Runtime, tmp_path: Path) -> None:
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        backup = __import__("backup")
    finally:
        sys.path.remove(str(SCRIPT.parent))
    key = fill(runtime)
    first = backup.make(runtime.config, tmp_path / "copies", runtime.now())
    later = fill(runtime, b"more evidence")
    second = _a_minute_later(backup, runtime, tmp_path / "copies")
    assert (first / "files" / key).samefile(second / "files" / key)
    assert (second / "files" / later).read_bytes() == b"more evidence"
    assert not (first / "files" / later).exists()


def _a_minute_later(backup: ModuleType, runtime: Runtime, folder: Path) -> Path:
    from datetime import timedelta

    made: Path = backup.make(runtime.config, folder, runtime.now() + timedelta(minutes=1))
    return made


def test_the_oldest_copies_go_and_other_folders_stay(runtime: Runtime, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    for name in ("20200101T000000Z", "20200102T000000Z", "mine"):
        (folder / name).mkdir(parents=True)
    assert back_up(runtime.config, folder, "--keep", "2").returncode == 0
    assert not (folder / "20200101T000000Z").exists()
    assert {"20200102T000000Z", "mine"} < {path.name for path in folder.iterdir()}


def test_half_a_copy_is_never_left(runtime: Runtime, tmp_path: Path) -> None:
    runtime.close()
    (tmp_path / "milepost.sqlite").unlink()
    done = back_up(runtime.config, tmp_path / "copies")
    assert done.returncode == 1
    assert done.stderr.startswith("No copy was made: there is no database")
    assert list((tmp_path / "copies").iterdir()) == []


def test_postgresql_is_copied_by_its_own_program(
    runtime_pg: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = postgres.programs()
    assert programs is not None
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    key = fill(runtime_pg)
    done = back_up(runtime_pg.config, tmp_path / "copies")
    assert done.returncode == 0, done.stderr
    copy = newest(tmp_path / "copies")
    assert (copy / "files" / key).read_bytes() == b"evidence"
    listed = subprocess.run(
        [programs / "pg_restore", "--list", copy / "database.dump"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "TABLE DATA public organisations" in listed.stdout
