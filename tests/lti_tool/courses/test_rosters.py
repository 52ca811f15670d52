"""Course lists in the database: who joins, who is closed, what is due. On both databases."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.identity import Organisation, Role, create_organisation
from core.outbox import OutboxMessage
from core.runtime import Runtime
from lti_tool.courses import rosters
from lti_tool.courses.models import NEVER_SEEN, Context, Membership
from lti_tool.courses.rosters import Listed
from tests.lti_tool.courses.test_service import course, join, person

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)
URL = "https://lms.example/members"


@pytest.fixture
def district(any_runtime: Runtime) -> Organisation:
    with any_runtime.database.transaction() as session:
        return create_organisation(session, name="Alder Valley Schools", slug="alder-valley")


def listed(people: Iterable[uuid.UUID], role: Role = Role.TEACHER) -> list[Listed]:
    return [Listed(one, frozenset({role}), (role.value,)) for one in people]


def members(session: Session, context: Context) -> dict[uuid.UUID, Membership]:
    rows = session.scalars(
        select(Membership)
        .where(Membership.context_id == context.id)
        .execution_options(populate_existing=True)
    )
    return {row.person_id: row for row in rows}


def test_joining_leaving_and_coming_back(any_runtime: Runtime, district: Organisation) -> None:
    with any_runtime.database.transaction(district.scope) as session:
        circle = course(session, district, memberships_url=URL)
        here = join(session, district, circle, "coach")
        new = person(session, district).id
        rosters.record_listed(session, circle, listed([here, new]), NOW, roles_count=False)
        found = members(session, circle)
        assert (found[here].roles, found[here].launched) == (["coach"], True)
        assert (found[new].roles, found[new].launched) == (["teacher"], False)
        assert found[new].last_seen_at == NEVER_SEEN
        assert rosters.close_missing(session, circle, {here}, NOW) == [new]
        assert members(session, circle)[new].left_at == NOW
        rosters.record_listed(session, circle, listed([new]), NOW, roles_count=False)
        back = members(session, circle)[new]
        assert (back.state, back.left_at) == ("active", None)


def test_whoever_was_never_listed_is_not_closed(
    any_runtime: Runtime, district: Organisation
) -> None:
    with any_runtime.database.transaction(district.scope) as session:
        circle = course(session, district, memberships_url=URL)
        administrator = join(session, district, circle, "coach")
        assert rosters.close_missing(session, circle, set(), NOW) == []
        assert members(session, circle)[administrator].state == "active"


def test_many_who_left_are_told_in_parts(any_runtime: Runtime, district: Organisation) -> None:
    with any_runtime.database.transaction(district.scope) as session:
        circle = course(session, district, memberships_url=URL)
        people = [person(session, district).id for _ in range(7)]
        rosters.record_listed(session, circle, listed(people), NOW, roles_count=True)
        before = rosters.AT_A_TIME
        try:
            rosters.AT_A_TIME = 3  # type: ignore[misc]
            assert len(rosters.close_missing(session, circle, set(), NOW)) == 7
        finally:
            rosters.AT_A_TIME = before  # type: ignore[misc]
    with any_runtime.database.snapshot() as session:
        news = session.scalars(
            select(OutboxMessage).where(OutboxMessage.topic == "course.left")
        ).all()
    assert sorted(len(row.payload["person_ids"]) for row in news) == [1, 3, 3]


def test_what_is_due_and_when_again(any_runtime: Runtime, district: Organisation) -> None:
    with any_runtime.database.transaction(district.scope) as session:
        for name, values, lively in (
            ("read", {"memberships_url": URL}, True),
            ("no list", {}, True),
            ("asleep", {"memberships_url": URL}, False),
        ):
            made = course(session, district, title=name, **values)
            made.lti_id = name
            member = members_of(session, district, made)
            member.last_seen_at = NOW if lively else NOW - timedelta(days=60)
        session.flush()
        assert rosters.request_due(session, NOW) == 1
        assert rosters.request_due(session, NOW + timedelta(hours=1)) == 0
        assert rosters.request_due(session, NOW + timedelta(hours=15)) == 1
    with any_runtime.database.snapshot() as session:
        jobs = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == rosters.TOPIC))
        assert len({job.key for job in jobs}) == 2


def test_lists_for_a_page(any_runtime: Runtime, district: Organisation) -> None:
    with any_runtime.database.transaction(district.scope) as session:
        circle = course(session, district, title="Teaching circle", memberships_url=URL)
        join(session, district, circle, "teacher")
        join(session, district, circle, "teacher", state="left")
        test = join(session, district, circle, "teacher")
        new = person(session, district).id
        rosters.record_listed(session, circle, listed([new]), NOW, roles_count=True)
        mark_as_test(session, test)
        rosters.record_read(
            session, circle.id, NOW, whole=True, differences_url=None, note="A note."
        )
        [found] = rosters.lists(session, NOW)
        assert (found.title, found.people, found.never) == ("Teaching circle", 2, 1)
        assert (found.synced_at, found.note) == (NOW, "A note.")
        assert rosters.lists(session, NOW + timedelta(days=90)) == []


def members_of(session: Session, district: Organisation, made: Context) -> Membership:
    who = join(session, district, made, "teacher")
    return session.scalars(select(Membership).where(Membership.person_id == who)).one()


def mark_as_test(session: Session, person_id: Any) -> None:
    from core.identity import Person

    session.get_one(Person, person_id).is_test = True
    session.flush()
