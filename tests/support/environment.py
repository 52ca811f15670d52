"""A test installation: settings, a migrated SQLite file, a Runtime."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import migrate
from core.config import Config
from core.db import Database
from core.runtime import Runtime

MASTER_KEY = bytes(range(32))
BASE_URL = "https://milepost.test"


def make_config(home: Path, **changes: Any) -> Config:
    """Settings of a test installation under `home`."""
    config = Config(
        base_url=BASE_URL,
        badge_url=BASE_URL,
        content_url=None,
        home=home,
        database_url=f"sqlite:///{home / 'milepost.sqlite'}",
        files_url=f"file://{home / 'files'}",
        master_key=MASTER_KEY,
        environment="test",
        upload_max_bytes=5 * 1024 * 1024,
    )
    return replace(config, **changes)


def migrated_sqlite(template: Path, target: Path) -> None:
    """Copy a migrated empty database to `target`; the first call makes the template."""
    if not template.exists():
        partial = template.with_suffix(".part")
        partial.unlink(missing_ok=True)
        database = Database(f"sqlite:///{partial}")
        migrate.upgrade(database)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.rollback()
        database.close()
        partial.rename(template)
    shutil.copyfile(template, target)


def make_runtime(home: Path, **changes: Any) -> Runtime:
    """A Runtime over `home` (see make_config); the database must be migrated already."""
    return Runtime.from_config(make_config(home, **changes))
