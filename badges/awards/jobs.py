"""What awards do outside of requests: signing. And what they tell others."""

from __future__ import annotations

import uuid

from badges.awards.granting import OFFERED
from badges.awards.service import REVOKED, SIGN
from badges.awards.signing import ISSUED, sign_credential
from core.outbox import Job, Registry
from core.runtime import Runtime
from keys.shared import ring_of


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Sign what was accepted; declare the news that others may subscribe to."""

    def sign(job: Job) -> None:
        sign_credential(runtime, ring_of(runtime), uuid.UUID(job.payload["credential_id"]))

    registry.handle(SIGN, sign)
    for topic in (OFFERED, ISSUED, REVOKED):
        registry.news(topic)
