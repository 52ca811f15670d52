"""What the ways in do outside of requests: looking typed addresses up, writing letters, tidying."""

from __future__ import annotations

import uuid
from datetime import timedelta

from badges.awards import links
from badges.awards.batches.running import NEWCOMER_OFFERED
from core import addresses, quotas
from core.outbox import Job, Registry
from core.runtime import Runtime
from lti_tool.access import inviting, leaving, letters


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
            inviting.forget(session, now)
            addresses.forget(session, now)
            quotas.forget(session, now)
            links.forget(session, now)

    def invite(job: Job) -> None:
        about = job.payload
        with runtime.database.transaction() as session:
            inviting.invite(
                session, runtime.config, uuid.UUID(about["person_id"]), job.key, runtime.now()
            )

    letters.register(runtime)
    registry.subscribe(NEWCOMER_OFFERED, "invite", invite)
    registry.handle(leaving.LOOK_UP, look_up)
    registry.every("access.tidy", timedelta(hours=6), tidy)
