"""People whom the LMS's list no longer names, and those whom it names before they ever came."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.identity import Role
from core.outbox import Registry
from core.worker import Worker
from lti_tool.courses import rosters
from lti_tool.courses.models import NEVER_SEEN, Membership
from lti_tool.courses.rosters import Listed
from lti_tool.evidence.models import Event, Revision
from lti_tool.evidence.reading import events
from lti_tool.review import desk, queue
from lti_tool.review.jobs import register_jobs
from lti_tool.review.models import ReviewSlot
from tests.lti_tool.review.world import COACH, NOW, World


def closed(world: World, *names: str) -> None:
    """The LMS's list no longer names them, and the worker carries that out."""
    with world.write() as session:
        people = [world.people[name].id for name in names]
        assert len(rosters.close(session, world.context, people, NOW)) == len(names)
    work(world)


def work(world: World) -> None:
    registry = Registry()
    register_jobs(registry, world.runtime)
    Worker(world.database, registry).drain()


def slots(world: World, revision: Revision) -> list[ReviewSlot]:
    with world.read() as session:
        return desk.slots_of(session, revision.id)


def test_seats_of_whoever_left_are_open_at_once_and_the_draft_is_kept(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.claim("Ilse", revision)
    world.save("Ilse", revision, 2, None)
    closed(world, "Ilse")
    assert [slot.state for slot in slots(world, revision)] == ["open"]
    world.claim("Otto", revision)
    with world.read() as session:
        kinds = [event.kind for event in events(session, world_submission(world, revision))]
    assert "review.role_ended" in kinds


def test_finished_reviews_of_whoever_left_stay(world: World) -> None:
    revision = world.send("Wren")
    world.review("Robin", revision, 3, 3)
    closed(world, "Robin")
    assert sorted(slot.state for slot in slots(world, revision)) == ["open", "submitted"]


def test_whoever_is_back_before_the_news_is_carried_out_keeps_their_seat(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.claim("Ilse", revision)
    with world.write() as session:
        ilse = world.people["Ilse"].id
        rosters.close(session, world.context, [ilse], NOW)
        back = Listed(ilse, frozenset({Role.COACH}), ())
        rosters.record_listed(session, world.context, [back], NOW, roles_count=True)
    work(world)
    assert [slot.state for slot in slots(world, revision)] == ["leased"]


def test_who_has_never_come_in_is_not_counted_on_as_a_reader(world: World) -> None:
    """Two colleagues are asked for; one is here and one is only on the list: a coach may help."""
    revision = world.send("Wren")
    assert states(world, "Ilse") == []
    with world.write() as session:
        member = session.scalars(
            select(Membership).where(Membership.person_id == world.people["Jay"].id)
        ).one()
        member.launched, member.last_seen_at = False, NEVER_SEEN
    assert states(world, "Ilse") == ["needs_coach"]
    world.review("Robin", revision, 3, 3)
    world.review("Ilse", revision, 3, 3)
    assert world.state(revision) == "met"


def test_a_grade_that_a_gradebook_kept_is_noted_once_beside_the_work(world: World) -> None:
    from core.outbox import publish

    revision = world.send("Wren")
    for key in ("one", "again"):
        with world.write() as session:
            payload = {"revision_id": str(revision.id), "at": NOW.isoformat()}
            publish(session, "grade.kept", key, payload)
        work(world)
    with world.read() as session:
        found = session.scalars(select(Event).where(Event.kind == "grade.kept")).all()
    assert [(event.revision_id, event.at) for event in found] == [(revision.id, NOW)]


def test_only_the_listed_are_closed_and_nobody_twice(world: World) -> None:
    with world.write() as session:
        wren, robin = world.people["Wren"].id, world.people["Robin"].id
        listed = [Listed(one, frozenset({Role.TEACHER}), ("Learner",)) for one in (wren, robin)]
        rosters.record_listed(session, world.context, listed, NOW, roles_count=True)
        later = NOW + timedelta(days=1)
        assert rosters.close_missing(session, world.context, {wren}, later) == [robin]
        assert rosters.close_missing(session, world.context, {wren}, later) == []
        gone = session.scalars(select(Membership).where(Membership.person_id == robin)).one()
        assert (gone.state, gone.left_at) == ("left", later)


def states(world: World, name: str) -> list[str]:
    with world.read() as session:
        found = queue.queue(session, world.reviewer(session, name), NOW)
        return [entry.state for entry in found.waiting]


def world_submission(world: World, revision: Revision) -> object:
    with world.read() as session:
        return session.get_one(Revision, revision.id).submission_id
