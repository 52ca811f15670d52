"""Who is in a course, as features ask."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.identity import Organisation, Person, Role, create_organisation, owner_of
from core.runtime import Runtime
from core.scope import ScopeMissingError
from lti_tool.courses.models import Context, Membership
from lti_tool.courses.service import active_members, context, membership

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)


def person(session: Session, organisation: Organisation) -> Person:
    made = Person(**owner_of(organisation), name="Mara Example")
    session.add(made)
    session.flush()
    return made


def join(
    session: Session,
    organisation: Organisation,
    course: Context,
    *roles: str,
    state: str = "active",
) -> uuid.UUID:
    member = person(session, organisation)
    session.add(
        Membership(
            **owner_of(organisation),
            context_id=course.id,
            person_id=member.id,
            roles=list(roles),
            lti_roles=[],
            state=state,
            first_seen_at=NOW,
            last_seen_at=NOW,
        )
    )
    session.flush()
    return member.id


def course(session: Session, organisation: Organisation, **values: Any) -> Context:
    made = Context(
        **owner_of(organisation), platform_id=uuid.uuid4(), deployment_id=uuid.uuid4(),
        lti_id="course-1", created_at=NOW, updated_at=NOW, **values,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def test_members_are_those_who_hold_the_role_and_have_not_left(
    runtime: Runtime, organisation: Organisation
) -> None:
    with runtime.database.transaction(organisation.scope) as session:
        circle, other = course(session, organisation), course(session, organisation)
        teachers = {join(session, organisation, circle, "teacher") for _ in range(2)}
        coach = join(session, organisation, circle, "coach")
        both = join(session, organisation, circle, "coach", "teacher")
        gone = join(session, organisation, circle, "teacher", state="left")
        join(session, organisation, other, "teacher")
        found = active_members(session, circle.id, Role.TEACHER)
        assert set(found) == {*teachers, both}
        assert found == active_members(session, circle.id, Role.TEACHER)
        assert set(active_members(session, circle.id, Role.COACH)) == {coach, both}
        left = membership(session, circle.id, gone)
        assert left is not None
        assert left.state == "left"
        assert membership(session, other.id, coach) is None


def test_another_organisations_course_is_nothing(
    runtime: Runtime, organisation: Organisation
) -> None:
    with runtime.database.transaction(organisation.scope) as session:
        circle = course(session, organisation)
        join(session, organisation, circle, "teacher")
    with runtime.database.transaction() as session:
        stranger = create_organisation(session, name="Other", slug="other")
    with runtime.database.snapshot(stranger.scope) as session:
        assert context(session, circle.id) is None
        assert active_members(session, circle.id, Role.TEACHER) == []
    with runtime.database.snapshot() as session, pytest.raises(ScopeMissingError):
        active_members(session, circle.id, Role.TEACHER)
