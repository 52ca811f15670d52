"""After two people were joined: what a launch under way still wrote about the second is moved."""

from __future__ import annotations

import uuid

from core.outbox import DeliveryError, Job, Registry
from core.runtime import Runtime
from lti_tool.learning.accounts.merging import SETTLE, settle


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Settle each joined person once, some minutes later."""

    def run(job: Job) -> None:
        try:
            gone_id = uuid.UUID(str(job.payload["gone"]))
        except (KeyError, ValueError) as error:
            raise DeliveryError("This names no person.", permanent=True) from error
        with runtime.database.transaction() as session:
            settle(session, gone_id)

    registry.handle(SETTLE, run)
