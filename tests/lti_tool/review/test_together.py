"""Two people, or two tabs of one, at the same moment: nothing is lost and nobody sees a fault."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import func, select

from core.errors import ConflictError, MilepostError
from core.identity import Role
from core.runtime import Runtime
from lti_tool.evidence.models import Revision
from lti_tool.review import desk, scoring
from lti_tool.review.models import ReviewSlot
from lti_tool.review.scoring import Given
from tests.lti_tool.review.world import COACH, NOW, World, make_world


def at_once(acts: Sequence[Callable[[], object]]) -> Counter[str]:
    """Each in a thread of its own; outcomes by error code, "done", or the name of a fault."""
    outcomes: Counter[str] = Counter()
    gate = threading.Barrier(len(acts))

    def one(act: Callable[[], object]) -> None:
        gate.wait()
        try:
            act()
            outcome = "done"
        except MilepostError as exc:
            outcome = exc.code
        except Exception as exc:  # a fault is an outcome here
            outcome = type(exc).__name__
        outcomes[outcome] += 1

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def begun(world: World, author: str = "Wren") -> Revision:
    revision = world.send(author)
    world.claim("Ilse", revision)
    return revision


def stored(world: World, revision: Revision) -> scoring.Place:
    with world.read() as session:
        return scoring.place(session, world.reviewer(session, "Ilse"), revision.id)


@pytest.fixture
def world(any_runtime: Runtime) -> World:
    return make_world(any_runtime, review=COACH)


def saves(world: World, revision: Revision, summary: str, version: int) -> Callable[[], object]:
    return lambda: world.save("Ilse", revision, 3, 3, summary=summary, version=version)


def test_of_two_first_saves_at_once_one_is_kept_and_the_other_told(world: World) -> None:
    for author in ("Wren", "Robin", "Jay"):
        revision = begun(world, author)
        outcomes = at_once([saves(world, revision, f"tab {n}", 0) for n in range(2)])
        assert outcomes == {"done": 1, "review_changed": 1}
        assert stored(world, revision).review is not None


def test_of_two_tabs_at_one_version_only_one_is_saved(world: World) -> None:
    revision = begun(world)
    world.save("Ilse", revision, 1, 1, summary="before")
    for version in range(1, 4):
        acts = [saves(world, revision, f"tab {n}, {version}", version) for n in range(2)]
        assert at_once(acts) == {"done": 1, "review_changed": 1}
        review = stored(world, revision).review
        assert review is not None
        assert review.version == version + 1


def test_a_save_that_waits_while_the_review_is_finished_is_told_so(world: World) -> None:
    revision = begun(world)
    world.save("Ilse", revision, 3, 3, summary="as finished")
    outcomes = at_once(
        [lambda: world.finish("Ilse", revision), *[saves(world, revision, "late", 1)] * 3]
    )
    assert set(outcomes) <= {"done", "review_finished", "review_changed"}
    with pytest.raises(ConflictError, match="review_finished"):
        world.save("Ilse", revision, 1, 1)
    review = stored(world, revision).review
    assert review is not None
    assert review.submitted_at == NOW


def test_a_finish_under_way_makes_a_save_wait_and_then_conflict(world: World) -> None:
    revision = begun(world)
    world.save("Ilse", revision, 3, 3, summary="as finished")
    outcome: list[str] = []

    def late() -> None:
        try:
            world.save("Ilse", revision, 1, 1, summary="late", version=1)
        except Exception as exc:  # a fault is an outcome here
            outcome.append(getattr(exc, "code", type(exc).__name__))

    with world.write() as session:
        scoring.finish(session, world.reviewer(session, "Ilse"), revision.id, NOW)
        thread = threading.Thread(target=late)
        thread.start()
        thread.join(0.3)  # it waits for the lock, or on SQLite for the whole transaction
        assert outcome == []
    thread.join()
    assert outcome == ["review_finished"]


def test_a_version_of_a_draft_that_is_no_more_loses_nothing(world: World) -> None:
    revision = begun(world)
    with world.write() as session:
        place = scoring.save(
            session, world.reviewer(session, "Ilse"), revision.id, {"wait": Given(2, "x")},
            summary="", version=7, now=NOW,
        )  # fmt: skip
    assert place.review is not None
    assert place.review.version == 1


def taking(world: World, name: str) -> Callable[[], object]:
    def act() -> None:
        with world.write() as session:
            desk.claim_next(session, world.reviewer(session, name), NOW)

    return act


def test_many_who_may_take_nothing_do_not_hold_each_other_up(any_runtime: Runtime) -> None:
    world = make_world(any_runtime)
    for number in range(17):
        world.person(f"Author {number}", Role.TEACHER)
        world.send(f"Author {number}")
    for number in range(8):
        world.person(f"Coach {number}", Role.COACH)
    for _round in range(2):
        acts = [taking(world, f"Coach {number}") for number in range(8)]
        assert at_once(acts) == {"done": 8}
    with world.read() as session:
        assert set(session.scalars(select(ReviewSlot.state))) == {"open"}


def test_coaches_and_colleagues_who_take_the_next_at_once_all_get_an_answer(
    any_runtime: Runtime,
) -> None:
    world = make_world(any_runtime)
    for number in range(17):
        world.person(f"Author {number}", Role.TEACHER)
        world.send(f"Author {number}")
    names = ["Ilse", "Otto", *[f"Author {number}" for number in range(6)]]
    assert at_once([taking(world, name) for name in names]) == {"done": 8}
    with world.read() as session:
        held = session.scalar(
            select(func.count()).select_from(ReviewSlot).where(ReviewSlot.state == "leased")
        )
    assert held == 6
