"""Claims, leases, giving back, conflicts: who reads what, and for how long."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.errors import ConflictError, MilepostError, NotAllowedError, NotFoundError
from core.identity import Role
from core.runtime import Runtime
from lti_tool.evidence.models import Revision
from lti_tool.review import desk, guard, intake, queue, scoring
from lti_tool.review.models import CriterionScore, ReviewSlot
from tests.lti_tool.review.world import COACH, NOW, World, make_world


def slots(world: World, revision: Revision) -> list[ReviewSlot]:
    with world.read() as session:
        return desk.slots_of(session, revision.id)


def in_queue(world: World, name: str) -> dict[str, str]:
    """Labels and states that the reviewer sees waiting."""
    with world.read() as session:
        found = queue.queue(session, world.reviewer(session, name), NOW)
        return {entry.label: entry.state for entry in (*found.mine, *found.waiting)}


def test_sending_makes_k_open_slots_once(world: World) -> None:
    revision = world.send("Wren")
    with world.write() as session:
        again = intake.send(session, revision.id, world.people["Wren"].id, key="k2", now=NOW)
    assert again.receipt == revision.receipt
    assert [slot.state for slot in slots(world, revision)] == ["open", "open"]


def test_nobody_reads_their_own_work(world: World) -> None:
    revision = world.send("Wren")
    with pytest.raises(NotAllowedError, match="review_owner"):
        world.claim("Wren", revision)
    assert in_queue(world, "Wren") == {}


def test_a_claim_lasts_72_hours_and_is_the_same_when_repeated(world: World) -> None:
    revision = world.send("Wren")
    world.claim("Robin", revision)
    world.claim("Robin", revision, NOW + timedelta(hours=1))
    held = [slot for slot in slots(world, revision) if slot.state == "leased"]
    assert [slot.lease_until for slot in held] == [NOW + timedelta(hours=73)]
    assert world.state(revision) == "in_review"


def test_the_one_who_comes_too_late_is_told(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.claim("Ilse", revision)
    with pytest.raises(ConflictError, match="slot_taken"):
        world.claim("Otto", revision)


def test_a_lease_that_ran_out_is_claimable_and_the_draft_is_kept(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.claim("Ilse", revision)
    world.save("Ilse", revision, 2, None)
    later = NOW + timedelta(hours=73)
    world.claim("Otto", revision, later)
    with pytest.raises(ConflictError, match="lease_lost"):
        world.finish("Ilse", revision, later)
    place = world.save("Ilse", revision, 3, 3, now=later)
    assert place.slot is None
    with world.write() as session:
        desk.give_back(session, world.reviewer(session, "Otto"), revision.id, later)
    world.claim("Ilse", revision, later)
    assert world.finish("Ilse", revision, later) is not None


def test_a_review_after_its_lease_is_accepted_while_nobody_else_took_it(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.claim("Ilse", revision)
    world.save("Ilse", revision, 3, 3)
    assert world.finish("Ilse", revision, NOW + timedelta(days=9)) is not None


def test_saving_a_draft_extends_the_lease(world: World) -> None:
    revision = world.send("Wren")
    world.claim("Robin", revision)
    world.save("Robin", revision, 3, None, now=NOW + timedelta(hours=50))
    (held,) = [slot for slot in slots(world, revision) if slot.state == "leased"]
    assert held.lease_until == NOW + timedelta(hours=122)


def test_finishing_twice_is_once(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.review("Ilse", revision, 3, 3)
    assert world.finish("Ilse", revision) is None
    with world.read() as session:
        assert session.scalar(select(func.count()).select_from(CriterionScore)) == 2


def test_a_declared_conflict_holds_for_later_revisions_too(world: World) -> None:
    revision = world.send("Wren")
    world.claim("Robin", revision)
    with world.write() as session:
        desk.declare_conflict(session, world.reviewer(session, "Robin"), revision.id, NOW)
    assert [slot.state for slot in slots(world, revision)] == ["open", "open"]
    with pytest.raises(NotAllowedError, match="review_conflict"):
        world.claim("Robin", revision)


def test_withdrawing_voids_open_slots_and_ends_reviews(world: World) -> None:
    revision = world.send("Wren")
    world.claim("Robin", revision)
    world.save("Robin", revision, 3, 3)
    with world.write() as session:
        intake.withdraw(session, revision.id, world.people["Wren"].id, NOW)
        intake.withdraw(session, revision.id, world.people["Wren"].id, NOW)
    assert {slot.state for slot in slots(world, revision)} == {"voided"}
    with pytest.raises(ConflictError, match="review_over"):
        world.finish("Robin", revision)
    with pytest.raises(ConflictError, match="review_over"):
        world.claim("Jay", revision)


def test_a_decided_revision_can_no_longer_be_taken_back(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.review("Ilse", revision, 3, 3)
    with pytest.raises(ConflictError, match="already_decided"), world.write() as session:
        intake.withdraw(session, revision.id, world.people["Wren"].id, NOW)


def test_people_of_another_course_find_nothing(world: World) -> None:
    revision = world.send("Wren")
    stranger = world.person("Nell", Role.TEACHER, member=False)
    with world.read() as session:
        who = world.reviewer(session, "Nell")
    elsewhere = type(who)(stranger.id, who.scope, None, who.roles)
    with pytest.raises(NotFoundError), world.write() as session:
        desk.claim(session, elsewhere, revision.id, NOW)


def test_a_coach_stands_in_only_where_peers_are_too_few(world: World) -> None:
    revision = world.send("Wren")
    assert in_queue(world, "Ilse") == {}
    with pytest.raises(NotAllowedError, match="review_wrong_role"):
        world.claim("Ilse", revision)
    world.claim("Robin", revision)
    with world.write() as session:
        desk.declare_conflict(session, world.reviewer(session, "Robin"), revision.id, NOW)
    assert in_queue(world, "Ilse") == {revision.label: "needs_coach"}
    world.claim("Ilse", revision)
    (held,) = [slot for slot in slots(world, revision) if slot.state == "leased"]
    assert held.kind == "coach"


def test_the_rubric_of_a_revision_stays_its_own(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.claim("Ilse", revision)
    world.publish(review=COACH, name="Questions That Open Wider")
    world.save("Ilse", revision, 3, 3)
    assert world.finish("Ilse", revision) is not None
    with world.read() as session:
        place = scoring.place(session, world.reviewer(session, "Ilse"), revision.id)
    assert place.review is not None
    assert place.review.achievement_version_id == revision.achievement_version_id


def test_nobody_holds_more_than_five_at_once(world: World) -> None:
    for number in range(guard.HELD_AT_ONCE + 1):
        world.person(f"T{number}", Role.TEACHER)
    revisions = [world.send(f"T{number}") for number in range(guard.HELD_AT_ONCE + 1)]
    for revision in revisions[:-1]:
        world.claim("Robin", revision)
    with pytest.raises(ConflictError, match="too_many_held"):
        world.claim("Robin", revisions[-1])


def test_the_tail_guard_keeps_the_only_reader_for_the_work_that_needs_them(world: World) -> None:
    world.publish(review=COACH)
    revisions = [world.send(name) for name in ("Wren", "Robin", "Jay")]
    for number in range(3):
        world.person(f"T{number}", Role.TEACHER)
        revisions.append(world.send(f"T{number}"))
    needy = revisions[-1]
    world.claim("Otto", needy)
    with world.write() as session:
        desk.declare_conflict(session, world.reviewer(session, "Otto"), needy.id, NOW)
    for revision in revisions[: guard.HELD_AT_ONCE - 1]:
        world.claim("Ilse", revision)
    with pytest.raises(ConflictError, match="needed_elsewhere"):
        world.claim("Ilse", revisions[guard.HELD_AT_ONCE - 1])
    world.claim("Ilse", needy)
    world.claim("Otto", revisions[guard.HELD_AT_ONCE - 1])


def test_the_next_one_is_the_one_that_has_waited_longest(world: World) -> None:
    second = world.send("Jay", NOW + timedelta(hours=1))
    first = world.send("Wren")
    with world.write() as session:
        taken = desk.claim_next(session, world.reviewer(session, "Robin"), NOW)
    assert taken is not None
    assert taken.revision_id == first.id
    with world.write() as session:
        taken = desk.claim_next(session, world.reviewer(session, "Robin"), NOW)
    assert taken is not None
    assert taken.revision_id == second.id
    with world.write() as session:
        assert desk.claim_next(session, world.reviewer(session, "Robin"), NOW) is None


def all_at_once(world: World, names: list[str], act) -> Counter[str]:  # type: ignore[no-untyped-def]
    """Each of `names` in a thread of their own; outcomes counted by error code or "done"."""
    outcomes: Counter[str] = Counter()
    gate = threading.Barrier(len(names))

    def one(name: str) -> None:
        gate.wait()
        try:
            act(name)
            outcomes["done"] += 1
        except MilepostError as exc:
            outcomes[exc.code] += 1

    threads = [threading.Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def crowd(world: World, size: int = 16) -> list[str]:
    names = [f"Peer {number}" for number in range(size)]
    for name in names:
        world.person(name, Role.TEACHER)
    return names


def test_sixteen_who_claim_one_revision_at_once_get_exactly_k_slots(any_runtime: Runtime) -> None:
    world = make_world(any_runtime, review={"kind": "peer", "k": 3, "blindness": "double"})
    revision = world.send("Wren")
    outcomes = all_at_once(world, crowd(world), lambda name: world.claim(name, revision))
    assert outcomes == {"done": 3, "slot_taken": 13}
    assert len({slot.reviewer_id for slot in slots(world, revision)}) == 3


def test_sixteen_who_take_the_next_at_once_fill_every_slot_once(any_runtime: Runtime) -> None:
    world = make_world(any_runtime, review={"kind": "peer", "k": 2, "blindness": "double"})
    revisions = [world.send(name) for name in ("Wren", "Robin", "Jay")]

    def act(name: str) -> None:
        for _turn in range(2):
            with world.write() as session:
                desk.claim_next(session, world.reviewer(session, name), NOW)

    all_at_once(world, crowd(world), act)
    for revision in revisions:
        assert [slot.state for slot in slots(world, revision)] == ["leased", "leased"]


def test_two_last_reviews_at_once_make_one_decision(any_runtime: Runtime) -> None:
    world = make_world(any_runtime)
    for name in ("Wren", "Jay"):
        revision = world.send(name)
        peers = [other for other in ("Wren", "Robin", "Jay") if other != name]
        for peer in peers:
            world.claim(peer, revision)
            world.save(peer, revision, 3, 3)

        def act(peer: str, revision: Revision = revision) -> None:
            world.finish(peer, revision)

        assert all_at_once(world, peers, act) == {"done": 2}
        assert world.state(revision) == "met"


def test_sending_from_many_tabs_at_once_makes_one_receipt(any_runtime: Runtime) -> None:
    world = make_world(any_runtime)
    draft = world.draft("Wren")
    receipts: list[str | None] = []

    def act(key: str) -> None:
        with world.write() as session:
            sent = intake.send(session, draft.id, world.people["Wren"].id, key=key, now=NOW)
            receipts.append(sent.receipt)

    assert all_at_once(world, [f"k{n}" for n in range(8)], act) == {"done": 8}
    assert len(set(receipts)) == 1
    assert len(slots(world, draft)) == 2
