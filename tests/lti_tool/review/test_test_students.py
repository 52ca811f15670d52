"""A platform's test student tries everything out without taking colleagues' time."""

from __future__ import annotations

import pytest

from core.errors import NotAllowedError
from core.identity import Role
from lti_tool.review import guard, queue
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
