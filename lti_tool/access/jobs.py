"""What the ways in do outside of requests: looking typed addresses up, writing letters, tidying."""

from __future__ import annotations

import uuid
from datetime import timedelta

from core import addresses, quotas
from core.outbox import Job, Registry
from core.runtime import Runtime
from lti_tool.access import leaving, letters


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Who looks addresses up, and who forgets what is over."""

    def look_up(job: Job) -> None:
        with runtime.database.transaction() as session:
            leaving.look_up(
                session, runtime.config, uuid.UUID(job.payload["ask_id"]), runtime.now()
            )

    def tidy(_job: Job) -> None:
        now = runtime.now()
        with runtime.database.transaction() as session:
            leaving.forget(session, now)
            addresses.forget(session, now)
            quotas.forget(session, now)

    letters.register(runtime)
    registry.handle(leaving.LOOK_UP, look_up)
    registry.every("access.tidy", timedelta(hours=6), tidy)
