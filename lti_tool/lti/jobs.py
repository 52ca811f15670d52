"""What LTI does outside of requests: scores on their way, course lists, old logins forgotten."""

from __future__ import annotations

from datetime import timedelta

from core.outbox import Job, Registry
from core.runtime import Runtime
from keys.shared import ring_of
from lti_tool.courses import rosters as lists
from lti_tool.lti import grades, logins, rosters
from lti_tool.lti.deep_linking import requests
from lti_tool.lti.grades import GradePoster
from lti_tool.lti.rosters import RosterReader
from lti_tool.lti.services.shared import services_of

SWEEP_EVERY = timedelta(minutes=15)


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Subscribe to decisions and submissions, read course lists, and sweep logins."""

    def poster() -> GradePoster:
        services = services_of(runtime)
        return runtime.part(
            GradePoster, lambda shared: GradePoster(shared, ring_of(shared), services)
        )

    def post(job: Job) -> None:
        poster()(job)

    def tell(job: Job) -> None:
        poster().tell_submission(job)

    def reader() -> RosterReader:
        service = services_of(runtime).rosters
        return runtime.part(RosterReader, lambda shared: RosterReader(shared, service))

    def read(job: Job) -> None:
        reader()(job)

    def forget(_job: Job) -> None:
        logins.sweep(runtime.database)
        with runtime.database.transaction() as session:
            requests.forget_old(session, runtime.now())

    registry.subscribe(grades.TOPIC, grades.SUBSCRIBER, post)
    registry.subscribe(grades.SENT_TOPIC, grades.SENT_SUBSCRIBER, tell)
    registry.news(grades.KEPT_TOPIC)
    registry.news(lists.LEFT_TOPIC)
    registry.handle(lists.TOPIC, read)
    registry.every(rosters.DUE_TOPIC, rosters.LOOK_EVERY, lambda job: reader().due(job))
    registry.every("lti.logins", SWEEP_EVERY, forget)
