"""What wallets leave to tidy up."""

from __future__ import annotations

from datetime import timedelta

from badges.wallets import service
from core.outbox import Job, Registry
from core.runtime import Runtime


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Forget exchanges that ended long ago."""

    def tidy(_job: Job) -> None:
        with runtime.database.transaction() as session:
            service.forget(session, runtime.now())

    registry.every("wallets.tidy", timedelta(hours=6), tidy)
