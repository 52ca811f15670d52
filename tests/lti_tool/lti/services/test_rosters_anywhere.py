"""Reading a list into SQLite and into PostgreSQL, and meeting a first launch in the same moment."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.identity import Person, create_organisation
from core.outbox import Job
from core.runtime import Runtime
from core.scope import unscoped
from keys.shared import ring_of
from lti_tool.courses.models import Context, Membership
from lti_tool.lti import rosters
from lti_tool.lti.models import PlatformUser
from lti_tool.lti.registration import add_deployment, add_platform
from lti_tool.lti.rosters import RosterReader
from lti_tool.lti.services.shared import Services
from tests.lti_tool.lti.harness import ensure_tool_key
from tests.lti_tool.lti.services.conftest import keys_of, people
from tests.support.local_http import LocalServer
from tests.support.platforms import Enrolled, MoodlePlatform


def job_for(runtime: Runtime, server: LocalServer) -> tuple[MoodlePlatform, Job]:
    """A Moodle, a course of it that we know, and the job of reading its list."""
    ensure_tool_key(runtime)
    platform = MoodlePlatform(
        issuer=server.url, server=server, tool_keys=keys_of(runtime), people=people()
    )
    with runtime.database.transaction() as session:
        district = create_organisation(session, name="Alder Valley", slug="alder-valley")
    with runtime.database.transaction(district.scope) as session:
        row = add_platform(
            session, district, name="Moodle", family="moodle", client_id=platform.client_id,
            now=runtime.now(), **platform.endpoints,
        )  # fmt: skip
        deployment = add_deployment(session, row, "1", now=runtime.now())
        context = Context(
            owner_id=district.id, owner_path=district.path, platform_id=row.id,
            deployment_id=deployment.id, lti_id="2", memberships_url=platform.members_url(),
            created_at=runtime.now(), updated_at=runtime.now(),
        )  # fmt: skip
        session.add(context)
        session.flush()
        payload = {"context_id": str(context.id)}
    return platform, Job(uuid.uuid4(), "lti.roster", "k", payload, 1, None, uuid.uuid4(),
                         runtime.now())  # fmt: skip


def reader(runtime: Runtime) -> RosterReader:
    return RosterReader(runtime, Services.make(runtime, ring_of(runtime)).rosters)


def rows(runtime: Runtime, kind: type[Any]) -> list[Any]:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return list(session.scalars(select(kind)))


def test_a_whole_list_and_then_a_shorter_one(any_runtime: Runtime, server: LocalServer) -> None:
    platform, job = job_for(any_runtime, server)
    platform.people += [Enrolled(str(n), "Pupil", f"<{n}> & Co") for n in range(20, 30)]
    reader(any_runtime)(job)
    assert len(rows(any_runtime, Person)) == 13
    assert "Pupil <20> & Co" in {row.name for row in rows(any_runtime, Person)}
    del platform.people[5:]
    reader(any_runtime)(job)
    states = [row.state for row in rows(any_runtime, Membership)]
    assert (states.count("active"), states.count("left")) == (5, 8)
    assert len(rows(any_runtime, Person)) == 13


def test_a_first_launch_in_the_same_moment_makes_nobody_twice(
    any_runtime: Runtime, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _platform, job = job_for(any_runtime, server)
    record, met = rosters._record_batch, []

    def meets_a_launch(*given: Any) -> set[uuid.UUID]:
        if not met:
            met.append(True)
            raise IntegrityError("insert", None, Exception("platform_id, sub"))
        return record(*given)

    monkeypatch.setattr(rosters, "_record_batch", meets_a_launch)
    reader(any_runtime)(job)
    assert len(rows(any_runtime, PlatformUser)) == 3


@pytest.mark.parametrize("payload", [{}, {"context_id": None}, {"context_id": "x"}])
def test_a_job_that_names_no_course_is_for_a_person(
    any_runtime: Runtime, server: LocalServer, payload: dict[str, Any]
) -> None:
    from core.outbox import DeliveryError

    _platform, job = job_for(any_runtime, server)
    odd = Job(job.id, job.topic, job.key, payload, 1, None, job.lease_token, job.created_at)
    with pytest.raises(DeliveryError) as refused:
        reader(any_runtime)(odd)
    assert refused.value.permanent
