"""A platform's test student tries everything out without taking colleagues' time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.errors import NotAllowedError
from core.identity import Role
from lti_tool.review import desk, guard, queue
from tests.lti_tool.review.world import NOW, World


@pytest.fixture
def world(world: World) -> World:
    world.person("Test Student", Role.TEACHER, is_test=True)
    return world


def waiting(world: World, name: str) -> set[str]:
    with world.read() as session:
        found = queue.queue(session, world.reviewer(session, name), NOW)
        return {entry.label for entry in found.waiting}


def test_their_work_waits_for_a_coach_and_never_for_colleagues(world: World) -> None:
    revision = world.send("Test Student")
    assert revision.policy == {"kind": "coach", "k": 1, "blindness": "double"}
    assert waiting(world, "Robin") == set()
    assert waiting(world, "Ilse") == {revision.label}
    with pytest.raises(NotAllowedError, match="review_wrong_role"):
        world.claim("Robin", revision)
    decision = world.review("Ilse", revision, 3, 3)
    assert decision is not None


def test_nobody_is_counted_or_given_their_work_but_a_coach_may_take_it(world: World) -> None:
    world.publish(review={"kind": "coach", "k": 1, "blindness": "double"})
    first = world.send("Test Student")
    with world.read() as session:
        found = queue.queue(session, world.reviewer(session, "Ilse"), NOW)
    assert (found.total, found.takeable, found.pages) == (0, 0, 1)
    assert [(entry.label, entry.test, entry.state) for entry in found.waiting] == [
        (first.label, True, "open")
    ]
    with world.write() as session:
        assert desk.claim_next(session, world.reviewer(session, "Ilse"), NOW) is None
    second = world.send("Wren", NOW + timedelta(hours=1))
    with world.read() as session:
        found = queue.queue(session, world.reviewer(session, "Ilse"), NOW)
    assert (found.total, found.takeable) == (1, 1)
    assert [entry.label for entry in found.waiting] == [second.label, first.label]
    with world.write() as session:
        slot = desk.claim_next(session, world.reviewer(session, "Ilse"), NOW)
    assert slot is not None
    assert slot.revision_id == second.id
    world.review("Ilse", first, 3, 3)
    with world.read() as session:
        assert queue.queue(session, world.reviewer(session, "Ilse"), NOW).done == 0


def test_their_work_keeps_no_coach_from_real_work(world: World) -> None:
    """A coach who is the only one left for a test student's work may read a colleague's first."""
    world.publish(review={"kind": "coach", "k": 1, "blindness": "double"})
    world.send("Test Student")
    with world.read() as session:
        who = world.reviewer(session, "Ilse")
        assert guard._open_slots(session, who, limit=9) == []


@pytest.mark.parametrize("role", [Role.COACH, Role.LEAD, Role.TEACHER])
def test_they_review_nobody_whatever_roles_they_came_with(world: World, role: Role) -> None:
    revision = world.send("Wren")
    world.person("Test Staff", role, is_test=True)
    assert waiting(world, "Test Staff") == set()
    with pytest.raises(NotAllowedError, match="review_wrong_role"):
        world.claim("Test Staff", revision)


def test_they_are_nobodys_colleague(world: World) -> None:
    revision = world.send("Wren")
    assert waiting(world, "Test Student") == set()
    with pytest.raises(NotAllowedError, match="review_wrong_role"):
        world.claim("Test Student", revision)


def test_they_do_not_count_among_the_colleagues_who_are_left(world: World) -> None:
    world.leave("Jay")
    revision = world.send("Wren")
    with world.read() as session:
        assert guard.short_of_peers(session, world.context.id, NOW) == {revision.id}
