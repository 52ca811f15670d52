"""Drafts, sending and revising, below the pages."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import func, select

from core.errors import ConflictError, NotFoundError, TooLargeError, UnprocessableError
from lti_tool.evidence import drafts, reading, sending, uploads
from lti_tool.evidence.assignments import assignment_for
from lti_tool.evidence.models import Assignment, Event, EvidenceItem, HistoryError, Revision
from lti_tool.evidence.requirements import MAX_TEXT, GapKind
from lti_tool.review import intake
from tests.lti_tool.review.world import COACH, NOW, World, png


def save(world: World, revision: Revision, text: str, version: int | None) -> Revision:
    with world.write() as session:
        return drafts.save(
            session, revision.id, world.people["Wren"].id,
            texts={"reflection": text}, releases={}, version=version, now=NOW,
        )  # fmt: skip


def test_an_assignment_is_one_per_course_and_follows_the_current_version(world: World) -> None:
    world.draft("Wren")
    version = world.publish(review=COACH)
    with world.write() as session:
        found = assignment_for(
            session,
            achievement_id=world.achievement.id,
            context=world.context,
            scope=world.organisation.scope,
            now=NOW,
            resource_link_id="link-1",
        )
        assert found.achievement_version_id == version.id
        assert found.policy == COACH
        assert found.resource_links == ["link-1"]
        assert session.scalar(select(func.count()).select_from(Assignment)) == 1


def test_starting_twice_is_one_draft(world: World) -> None:
    assert world.draft("Wren").id == world.draft("Wren").id


def test_a_save_from_a_page_that_is_behind_changes_nothing(world: World) -> None:
    draft = world.draft("Wren")
    first = save(world, draft, "from one tab", 1)
    with pytest.raises(drafts.StaleDraftError):
        save(world, draft, "from the other", 1)
    assert save(world, draft, "from one tab", 1).version == first.version


def test_a_text_over_the_limit_is_refused_with_both_numbers(world: World) -> None:
    draft = world.draft("Wren")
    with pytest.raises(UnprocessableError) as caught:
        save(world, draft, "x" * (MAX_TEXT + 1), None)
    assert "20001" in str(caught.value.fields["text-reflection"])
    assert save(world, draft, "x" * MAX_TEXT, None).texts["reflection"] == "x" * MAX_TEXT


def test_characters_that_no_database_keeps_are_left_out(world: World) -> None:
    draft = world.draft("Wren")
    assert save(world, draft, "a\x00b\r\nc\ud800", None).texts["reflection"] == "ab\nc"


def test_nobody_else_may_save_or_send(world: World) -> None:
    draft = world.draft("Wren")
    with pytest.raises(NotFoundError), world.write() as session:
        drafts.save(session, draft.id, world.people["Robin"].id, texts={}, releases={},
                    version=None, now=NOW)  # fmt: skip
    with pytest.raises(NotFoundError), world.write() as session:
        intake.send(session, draft.id, world.people["Robin"].id, key="k", now=NOW)


def test_an_unfinished_draft_is_not_sent_and_says_what_is_missing(world: World) -> None:
    draft = world.draft("Wren")
    save(world, draft, "too short", None)
    with pytest.raises(sending.NotReadyError) as caught, world.write() as session:
        intake.send(session, draft.id, world.people["Wren"].id, key="k", now=NOW)
    assert [gap.kind for gap in caught.value.gaps] == [GapKind.TOO_FEW_WORDS]
    assert world.state(draft) == "draft"


def test_what_was_sent_is_never_edited(world: World) -> None:
    revision = world.send("Wren")
    with pytest.raises(ConflictError, match="already_sent"):
        save(world, revision, "later", None)
    edits = [(Revision, "texts", {}), (Revision, "n", 9), (EvidenceItem, "url", "https://x.org/"),
             (Event, "kind", "other")]  # fmt: skip
    for model, name, value in edits:
        with pytest.raises(HistoryError), world.write() as session:  # noqa: PT012
            setattr(session.scalars(select(model)).first(), name, value)
            session.flush()
    for model in (Revision, EvidenceItem, Event):
        with pytest.raises(HistoryError), world.write() as session:  # noqa: PT012
            session.delete(session.scalars(select(model)).first())
            session.flush()


def test_every_change_of_state_has_its_event(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.review("Ilse", revision, 3, 3)
    with world.read() as session:
        kinds = [one.kind for one in reading.events(session, revision.submission_id)]
    assert kinds == ["draft.begun", "sent", "review.begun", "review.submitted", "decided"]


def test_a_revision_cannot_begin_while_reviewers_have_the_last_one(world: World) -> None:
    revision = world.send("Wren")
    with pytest.raises(ConflictError, match="in_review"), world.write() as session:
        sending.revise(session, revision.submission_id, world.people["Wren"].id, NOW)


def test_a_new_revision_takes_a_new_version_only_with_the_same_criteria(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.review("Ilse", revision, 1, 1)
    reworded = world.publish(review=COACH, method="Plan three questions; wait; build on them.")
    with world.write() as session:
        draft = sending.revise(session, revision.submission_id, world.people["Wren"].id, NOW)
        assert draft.achievement_version_id == reworded.id
        assert sending.revise(
            session, revision.submission_id, world.people["Wren"].id, NOW
        ).id == draft.id  # fmt: skip


def test_pieces_end_at_the_number_that_is_asked_for(world: World) -> None:
    draft = world.draft("Wren")
    me = world.people["Wren"].id

    def add(n: int) -> EvidenceItem:
        with world.write() as session:
            return drafts.add_link(
                session, draft.id, me, "plan", url=f"https://example.org/{n}", title="", now=NOW
            )

    assert add(1).id == add(1).id
    with pytest.raises(UnprocessableError, match="too_many_pieces"):
        add(2)


def test_a_file_that_two_revisions_share_stays_until_both_let_go(world: World) -> None:
    world.publish(review=COACH)
    draft = world.draft("Wren")
    me, files = world.people["Wren"].id, world.runtime.files
    received = uploads.receive(
        files, io.BytesIO(png()), "C:\\photos\\line.png", folder=draft.owner_id, max_bytes=10**6
    )
    assert received.name == "line.png"
    with world.write() as session:
        drafts.add_file(session, draft.id, me, "plan", received, NOW)
    sent = world.send("Wren")
    world.review("Ilse", sent, 1, 1)
    with world.write() as session:
        again = sending.revise(session, sent.submission_id, me, NOW)
        copied = next(item for item in again.items if item.file_key)
        assert copied.sha256 == received.sha256
        assert drafts.remove_item(session, again.id, me, copied.id) == []
    assert files.open(received.key).read() == png()


def test_a_refused_upload_leaves_nothing_behind(world: World) -> None:
    files = world.runtime.files
    for data, name, limit in (
        (png(), "a.pdf", 10**6),
        (b"MZ", "a.exe", 10**6),
        (png(), "a.png", 9),
    ):
        with pytest.raises((UnprocessableError, TooLargeError)):
            uploads.receive(
                files, io.BytesIO(data), name, folder=world.organisation.id, max_bytes=limit
            )
    assert files.filesystem.find(files.root) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("\x00\n", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_file_names_are_shown_without_paths_and_tricks(name: str, shown: str) -> None:
    assert uploads.file_name(name) == shown
