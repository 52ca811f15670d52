"""What endorsements do outside of requests: signing. And what they tell others."""

from __future__ import annotations

import uuid

from badges.endorsements.service import SIGN
from badges.endorsements.signing import WAITS, sign_endorsement
from core.outbox import Job, Registry
from core.runtime import Runtime
from keys.shared import ring_of


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Sign what was endorsed; declare the news that others may subscribe to."""

    def sign(job: Job) -> None:
        sign_endorsement(runtime, ring_of(runtime), uuid.UUID(job.payload["endorsement_id"]))

    registry.handle(SIGN, sign)
    registry.news(WAITS)
