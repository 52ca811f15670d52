"""What batches do outside of requests: being carried out, and being tidied away."""

from __future__ import annotations

import uuid
from datetime import timedelta

from badges.awards.batches import running, service
from core.outbox import Job, Registry
from core.runtime import Runtime


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Carry out batches that were started, and declare the news of people who were unknown."""

    def piece(job: Job) -> None:
        about = job.payload
        running.run(runtime, uuid.UUID(about["batch_id"]), about["first"], about["last"])

    def tidy(_job: Job) -> None:
        with runtime.database.transaction() as session:
            service.tidy(session, runtime.now())

    registry.handle(service.RUN, piece)
    registry.news(running.NEWCOMER_OFFERED)
    registry.every("badge.batch_tidy", timedelta(hours=6), tidy)
