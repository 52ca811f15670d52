"""A PostgreSQL server of the tests' own, started from the machine's programs.

It runs as an unprivileged user, in a folder of its own, on a Unix socket alone. All processes of
one test run share it; each test gets a clone of one migrated template database.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import psycopg

from core import migrate
from core.db import Database

TEMPLATE = "milepost_template"


def programs() -> Path | None:
    """The folder of the newest `initdb` on this machine; None where PostgreSQL is not installed."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True
    )
    for folder in folders:
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _unprivileged() -> str | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


def _run(*command: str) -> None:
    done = subprocess.run(
        command, user=_unprivileged(), capture_output=True, text=True, cwd="/", check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr or done.stdout}")


def ensure_server(root: Path) -> str:
    """The socket folder of this run's server; the first caller starts it."""
    root.mkdir(parents=True, exist_ok=True)
    info = root / "postgres.json"
    with (root / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if info.exists():
            return str(json.loads(info.read_text())["folder"])
        folder = _start()
        info.write_text(json.dumps({"folder": folder}))
        return folder


def _start() -> str:
    bin_folder = programs()
    assert bin_folder is not None
    folder = tempfile.mkdtemp(prefix="milepost-pg-", dir="/tmp")
    if user := _unprivileged():
        shutil.chown(folder, user)
    data = f"{folder}/data"
    _run(
        str(bin_folder / "initdb"), "-D", data, "-U", "milepost", "--auth=trust",
        "--encoding=UTF8", "--locale=C", "--no-sync",
    )  # fmt: skip
    options = (
        f"-k {folder} -c listen_addresses= -c fsync=off -c full_page_writes=off"
        " -c max_connections=200 -c shared_buffers=64MB"
    )
    _run(
        str(bin_folder / "pg_ctl"), "-D", data, "-l", f"{folder}/log", "-w", "-o", options, "start"
    )
    with psycopg.connect(_dsn(folder, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    database = Database(url(folder, TEMPLATE))
    migrate.upgrade(database)
    database.close()
    return folder


def stop_server(root: Path) -> None:
    """Stop the run's server, if one was started, and remove its folder."""
    info, bin_folder = root / "postgres.json", programs()
    if not info.exists() or bin_folder is None:
        return
    folder = json.loads(info.read_text())["folder"]
    info.unlink()
    _run(str(bin_folder / "pg_ctl"), "-D", f"{folder}/data", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def _dsn(folder: str, name: str) -> str:
    return f"postgresql:///{name}?host={folder}&user=milepost"


def url(folder: str, name: str) -> str:
    """SQLAlchemy's address of the database `name`."""
    return "postgresql+psycopg" + _dsn(folder, name).removeprefix("postgresql")


def clone(folder: str) -> tuple[str, str]:
    """A fresh database from the template: (name, address)."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(_dsn(folder, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return name, url(folder, name)


def drop(folder: str, name: str) -> None:
    """Remove a clone, whoever is still connected."""
    with psycopg.connect(_dsn(folder, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
