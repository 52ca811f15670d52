"""Copies the database and the files into a folder, so that the copy can be started as it is.

    python deploy/backup.py FOLDER [--keep 14]

Settings come from the environment, as for `milepost`. Each copy is a folder of its own, named by
its time in UTC, with `files/` and either `milepost.sqlite` or `database.dump` (of `pg_dump`).
The database is copied first: a file is stored before the row that names it, so the copy holds
every file its rows name. A stored file never changes, so one that an earlier copy holds already
takes no room again (a hard link). The master key is not copied: keep it elsewhere.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy.engine import URL, make_url

from core.config import Config
from core.errors import ConfigError

NAME = re.compile(r"\d{8}T\d{6}Z")


class BackupError(Exception):
    """The copy could not be made; what is said goes to the operator."""


def main(words: list[str]) -> int:
    """Make one copy and let go of the oldest; 0, or 1 where it could not be made."""
    parser = argparse.ArgumentParser(description="Copy Milepost's database and files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", type=int, default=14, help="How many copies stay (14).")
    asked = parser.parse_args(words)
    try:
        copy = make(Config.from_env(), asked.folder.absolute(), datetime.now(UTC))
    except ConfigError as exc:
        sys.stderr.write("\n".join(exc.faults) + "\n")
        return 1
    except (BackupError, OSError, sqlite3.Error) as exc:
        sys.stderr.write(f"No copy was made: {exc}\n")
        return 1
    for old in copies(asked.folder)[: -max(asked.keep, 1)]:
        shutil.rmtree(old)
    sys.stdout.write(f"{copy}\n")
    return 0


def copies(folder: Path) -> list[Path]:
    """The whole copies in `folder`, oldest first."""
    return sorted(item for item in folder.iterdir() if NAME.fullmatch(item.name))


def make(config: Config, folder: Path, now: datetime) -> Path:
    """Copy what `config` names into a new folder below `folder`; whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    earlier = copies(folder)
    target = folder / now.strftime("%Y%m%dT%H%M%SZ")
    partial = folder / f"{target.name}.part"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o750)
    try:
        _database(make_url(config.database_url), partial)
        _files(config.files_url, partial / "files", earlier[-1] / "files" if earlier else None)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return target


def _database(url: URL, target: Path) -> None:
    if url.get_backend_name() == "sqlite":
        _sqlite(Path(url.database or ""), target / "milepost.sqlite")
    else:
        _postgresql(url, target / "database.dump")


def _sqlite(source: Path, target: Path) -> None:
    """A copy of one moment, while others read and write."""
    if not source.exists():
        raise BackupError(f"there is no database at {source}")
    # Opened for writing: a reader of a WAL database takes part in its shared memory.
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise BackupError(f"the copy of the database is damaged: {found}")


def _postgresql(url: URL, target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupError("pg_dump is missing (Debian: apt-get install postgresql-client)")
    env = dict(os.environ)
    if url.password:  # not among the arguments, which everybody on the machine can read
        env["PGPASSWORD"] = url.password
    plain = url.set(drivername="postgresql", password=None).render_as_string()
    done = subprocess.run(
        [program, "--format=custom", f"--file={target}", f"--dbname={plain}"],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BackupError(done.stderr.strip() or "pg_dump did not succeed")


def _files(files_url: str, target: Path, earlier: Path | None) -> None:
    parts = urlsplit(files_url)
    if parts.scheme != "file":
        sys.stderr.write(f"Files are kept at {parts.scheme}: and are not part of this copy.\n")
        return
    root = Path(unquote(parts.path))
    target.mkdir(mode=0o750)
    for place, _folders, names in os.walk(root):
        inside = Path(place).relative_to(root)
        (target / inside).mkdir(exist_ok=True, mode=0o750)
        for name in names:
            if not name.endswith(".part") and not name.startswith(".probe-"):
                key = inside / name
                _file(root / key, target / key, earlier / key if earlier else None)


def _file(source: Path, target: Path, earlier: Path | None) -> None:
    try:
        size = source.stat().st_size
        if earlier is not None and earlier.is_file() and earlier.stat().st_size == size:
            os.link(earlier, target)
        else:
            shutil.copy2(source, target)
    except FileNotFoundError:
        return  # somebody erased it meanwhile, which is to hold here as well


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
