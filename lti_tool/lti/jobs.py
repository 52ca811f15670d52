"""What LTI does outside of requests: scores on their way, and old logins forgotten."""

from __future__ import annotations

from datetime import timedelta

from core.outbox import Job, Registry
from core.runtime import Runtime
from keys.shared import ring_of
from lti_tool.lti import logins
from lti_tool.lti.grades import SUBSCRIBER, TOPIC, GradePoster

SWEEP_EVERY = timedelta(minutes=15)


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Subscribe to decisions, and sweep logins."""

    def post(job: Job) -> None:
        ring = ring_of(runtime)
        runtime.part(GradePoster, lambda shared: GradePoster(shared, ring))(job)

    def forget(_job: Job) -> None:
        logins.sweep(runtime.database)

    registry.subscribe(TOPIC, SUBSCRIBER, post)
    registry.every("lti.logins", SWEEP_EVERY, forget)
