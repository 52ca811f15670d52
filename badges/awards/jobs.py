"""What awards do outside of requests: signing. And what they tell others."""

from __future__ import annotations

import uuid

from badges.awards.batches import jobs as batch_jobs
from badges.awards.granting import OFFERED
from badges.awards.published_evidence import REWRITE, rewrite
from badges.awards.reissuing import SIGN_REVISION
from badges.awards.renewing import ASKED, DECLINED
from badges.awards.replacing import SEARCH, search
from badges.awards.revisions import REISSUED, sign_revision
from badges.awards.service import REVOKED, SIGN
from badges.awards.signing import AT_ONCE, ISSUED, sign_credential, sign_together
from core.outbox import Job, Registry
from core.runtime import Runtime
from keys.shared import ring_of


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Sign what was accepted; declare the news that others may subscribe to."""

    def sign(job: Job) -> None:
        sign_credential(runtime, ring_of(runtime), uuid.UUID(job.payload["credential_id"]))

    def sign_again(job: Job) -> None:
        sign_revision(runtime, ring_of(runtime), uuid.UUID(job.payload["credential_id"]))

    registry.handle(SIGN, sign)
    registry.take_along(
        SIGN, lambda jobs: sign_together(runtime, ring_of(runtime), jobs), most=AT_ONCE
    )

    def find_signed(job: Job) -> None:
        search(runtime, uuid.UUID(job.payload["replacement_id"]))

    def rewrite_evidence(job: Job) -> None:
        rewrite(runtime, uuid.UUID(job.payload["credential_id"]))

    registry.handle(SIGN_REVISION, sign_again)
    registry.handle(REWRITE, rewrite_evidence)
    registry.handle(SEARCH, find_signed)
    for topic in (OFFERED, ISSUED, REISSUED, REVOKED, ASKED, DECLINED):
        registry.news(topic)
    batch_jobs.register_jobs(registry, runtime)
