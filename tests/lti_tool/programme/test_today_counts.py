"""What a lead is shown to wait is the work of people; an LMS's test students are left out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from core.identity import OrganisationKind, Person, Role, create_organisation
from core.runtime import Runtime
from lti_tool.programme.today import today
from tests.lti_tool.review.world import COACH, World, make_world


@pytest.fixture
def world(runtime: Runtime) -> World:
    world = make_world(runtime)
    world.person("Test Student", Role.TEACHER, is_test=True)
    return world


def counts(world: World) -> tuple[int, int, int]:
    """Open seats, work in review, offers."""
    with world.read() as session:
        seen = today(session)
    return seen.open_slots, seen.in_review, seen.offers


def test_a_test_students_seats_and_reviews_are_not_counted(world: World) -> None:
    revision = world.send("Test Student")
    assert counts(world) == (0, 0, 0)
    world.claim("Ilse", revision)
    assert counts(world) == (0, 0, 0)
    world.send("Wren")
    assert counts(world) == (2, 0, 0)


def test_an_offer_to_somebody_who_turns_out_to_be_a_test_student_is_not_counted(
    world: World,
) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.review("Ilse", revision, 3, 3)
    assert counts(world) == (0, 0, 1)
    set_people(world, "Wren", is_test=True)
    assert counts(world) == (0, 0, 0)


def test_work_of_somebody_from_a_sibling_school_is_counted_where_it_was_sent(world: World) -> None:
    world.send("Wren")
    with world.runtime.database.transaction() as session:
        elsewhere = create_organisation(
            session, name="Elsewhere", slug="elsewhere", kind=OrganisationKind.SCHOOL
        )
    set_people(world, "Wren", owner_id=elsewhere.id, owner_path=elsewhere.path)
    assert counts(world) == (2, 0, 0)


def set_people(world: World, name: str, **values: Any) -> None:
    table: Any = Person.__table__
    with world.runtime.database.transaction() as session:
        session.connection().execute(
            update(table).where(table.c.id == world.people[name].id).values(**values)
        )
