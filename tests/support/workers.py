"""Real worker processes, which a test may have ended with SIGKILL at a place of its choice.

They are forked from a process that has imported the tool once, so that many of them cost little.
"""

from __future__ import annotations

import base64
import multiprocessing
import os
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy import update

from badges.awards import replacing
from core.db import Database, utcnow
from core.outbox import OutboxMessage
from core.runtime import Runtime
from lti_tool.cli import main
from tests.support.environment import MASTER_KEY

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["lti_tool.app", __name__])


def work(
    runtime: Runtime,
    *,
    crash_at: str | None = None,
    window: int = replacing.WINDOW,
    more: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Let a worker process do all that is due in the installation; returns how it ended.

    `crash_at` is the place as `core.crash` takes it. `window` is how many credentials are looked at
    in one transaction while what a key has signed is searched. `more` are further settings.
    """
    settings = {**settings_of(runtime), **more}
    if crash_at:
        settings["MILEPOST_CRASH_POINT"] = crash_at
    process = _forks.Process(target=_worker, args=(settings, window))
    process.start()
    process.join(timeout=120)
    assert process.exitcode is not None, "the worker did not come to an end"
    return process.exitcode


def settings_of(runtime: Runtime) -> dict[str, str]:
    """The environment in which a process of its own finds the same installation."""
    config = runtime.config
    return {
        "MILEPOST_ENVIRONMENT": "test",
        "MILEPOST_BASE_URL": config.base_url,
        "MILEPOST_HOME": str(config.home),
        "MILEPOST_DATABASE_URL": config.database_url.replace("+psycopg", ""),
        "MILEPOST_FILES_URL": config.files_url,
        "MILEPOST_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "MILEPOST_LOG_LEVEL": "ERROR",
    }


def leases_run_out(database: Database) -> None:
    """What two minutes do."""
    with database.transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.state == "leased")
            .values(lease_until=utcnow() - timedelta(seconds=1))
        )


def _worker(settings: dict[str, str], window: int) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MILEPOST_")}
    os.environ.clear()
    os.environ.update(kept | settings)
    replacing.WINDOW = window  # type: ignore[misc]
    main(["worker", "--once"], standalone_mode=False)
