"""The pages of both rooms as a teacher and a reviewer walk them, by plain forms."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.identity import Role, RoleGrant
from core.runtime import Runtime
from lti_tool.evidence.models import EvidenceItem, Revision, Submission
from lti_tool.review.models import ReviewSlot
from tests.lti_tool.review.browser import (
    Visit,
    app_of,
    begin,
    filled,
    hidden,
    send,
    text_of,
    upload,
    visit,
)
from tests.lti_tool.review.world import COACH, NOW, World, make_world, png


@pytest.fixture
def world(runtime: Runtime) -> World:
    made = make_world(runtime)
    runtime.clock = lambda: NOW
    return made


def test_the_rubric_is_there_before_anybody_starts(world: World) -> None:
    who = visit(world, app_of(world), "Wren")
    words = text_of(who.get(f"/micro-credential/{world.achievement.id}"))
    for text in ("Questions That Open", "Planned questions: secure.", "2 colleagues", "Start"):
        assert text in words


def test_from_draft_to_receipt_to_decision_to_a_new_revision(world: World) -> None:
    world.publish(review=COACH)
    who, draft = begin(
        world,
        resource_link_id="6f2a3c1e-0000-4000-8000-000000000001",
        target={"kind": "micro-credential", "argument": str(world.achievement.id)},
    )
    assert "still missing" in text_of(who.get(f"{draft}/check"))
    filled(who, draft)
    receipt_path = send(who, draft)
    receipt = text_of(who.get(receipt_path))
    assert re.search(r"MP-\w{4}-\w{4}", receipt)
    assert who.get(f"{draft}/draft").status_code == 303
    with world.read() as session:
        revision = session.scalars(select(Revision)).one()
        link = session.scalar(select(Submission.resource_link_id))
    assert link == "6f2a3c1e-0000-4000-8000-000000000001"
    coach = visit(world, app_of(world), "Ilse")
    queue = coach.get("/queue").get_data(as_text=True)
    assert revision.label in queue
    assert "Wren" not in queue.replace(revision.label, "")
    answer = coach.post(f"/queue/{revision.id}/claim")
    score_path = answer.location.split(coach.sid)[1]
    form = {"level-planned": "3", "comment-planned": "Lovely.", "level-wait": "2",
            "comment-wait": "Say what one pupil said.", "go": "finish", "version": "0"}  # fmt: skip
    answer = coach.post(score_path, form)
    assert answer.location.endswith("/queue?thanks=1")
    page = text_of(who.get(receipt_path))
    for text in ("Not yet", "Say what one pupil said.", "Begin revision 2", "Lovely."):
        assert text in page
    answer = who.post(f"{receipt_path}/revise")
    again = text_of(who.get(answer.location.split(who.sid)[1]))
    assert "What your reviewers asked for." in again
    assert "R. said that both" in again


def test_pressing_send_twice_leads_to_one_receipt(world: World) -> None:
    who, draft = begin(world)
    filled(who, draft)
    page = who.get(f"{draft}/check").get_data(as_text=True)
    form = {"key": hidden(page, "key"), "seen": hidden(page, "seen")}
    places = {who.post(f"{draft}/send", form).location for _press in range(3)}
    assert len(places) == 1
    with world.read() as session:
        assert session.scalar(select(func.count()).select_from(Revision)) == 1
        assert session.scalar(select(func.count()).select_from(ReviewSlot)) == 2


def test_a_draft_that_changed_after_the_check_is_not_sent(world: World) -> None:
    who, draft = begin(world)
    filled(who, draft)
    page = who.get(f"{draft}/check").get_data(as_text=True)
    who.post(f"{draft}/draft", {"text-_narrative": "Changed elsewhere.", "version": "1"})
    answer = who.post(f"{draft}/send", {"key": hidden(page, "key"), "seen": hidden(page, "seen")})
    assert answer.status_code == 409
    assert "has changed since you checked it" in text_of(answer)


def test_two_tabs_get_a_page_with_both_versions(world: World) -> None:
    who, draft = begin(world)
    who.post(f"{draft}/draft", {"text-reflection": "From the first tab", "version": "0"})
    answer = who.post(f"{draft}/draft", {"text-reflection": "From the second", "version": "0"})
    assert answer.status_code == 409
    assert "From the first tab" in text_of(answer)
    assert "From the second" in text_of(answer)
    kept = who.post(
        f"{draft}/draft", {"text-reflection": "From the second", "version": "0", "go": "mine"}
    )
    assert kept.status_code == 303
    assert "From the second" in text_of(who.get(f"{draft}/draft"))


def test_autosave_answers_with_the_new_version_or_where_the_newer_one_is(world: World) -> None:
    who, draft = begin(world)
    json = {"Accept": "application/json"}
    first = who.post(f"{draft}/autosave", {"text-reflection": "one", "version": "0"}, headers=json)
    assert first.json is not None
    assert first.json["version"] == 1
    assert first.json["saved"].startswith("Saved at 10:30")
    stale = who.post(f"{draft}/autosave", {"text-reflection": "two", "version": "0"}, headers=json)
    assert stale.status_code == 409
    assert stale.json is not None
    assert stale.json["url"].endswith(f"{draft}/draft")


def test_a_text_over_the_limit_comes_back_whole_with_the_limit(world: World) -> None:
    who, draft = begin(world)
    long = "word " * 5000
    answer = who.post(f"{draft}/draft", {"text-reflection": long, "version": "0"})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "the limit is 20000" in page
    assert long.strip() in page


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/x", "https://"),
        ("https://10.0.0.1/x", "inside one network"),
        ("https://localhost/x", "inside one network"),
        ("https://2130706433/", "inside one network"),
        ("https://user:pw@example.org/", "user name"),
        ("javascript:alert(1)", "https://"),
        ("", "Paste the address"),
    ],
)
def test_links_that_are_refused_say_why_and_lose_nothing(
    world: World, url: str, words: str
) -> None:
    who, draft = begin(world)
    answer = who.post(
        f"{draft}/links/plan",
        {"link_url-plan": url, "text-reflection": "kept text", "version": "0"},
    )
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "kept text" in text_of(answer)


def test_other_routes_do_not_take_large_bodies(world: World) -> None:
    who, draft = begin(world)
    answer = who.post(f"{draft}/draft", {"text-reflection": "a" * (3 * 1024 * 1024)})
    assert answer.status_code == 413


def test_what_is_somebody_elses_is_not_there(world: World) -> None:
    who, draft = begin(world)
    upload(who, draft, "plan.png", png())
    with world.read() as session:
        item = session.scalars(select(EvidenceItem)).one()
        submission = session.scalar(select(Submission.id))
    other = visit(world, app_of(world), "Robin")
    for path in (f"{draft}/draft", f"{draft}/check", f"/evidence/files/{item.id}",
                 f"/evidence/{submission}"):  # fmt: skip
        assert other.get(path).status_code == 404
    for path in (f"{draft}/draft", f"{draft}/send", f"{draft}/autosave", f"{draft}/withdraw"):
        assert other.post(path, {"text-reflection": "x"}).status_code == 404
    assert other.get(f"/reviews/{draft.rsplit('/', 1)[1]}").status_code == 404


def test_a_script_in_a_text_is_text(world: World) -> None:
    world.publish(review=COACH)
    who, draft = begin(world)
    filled(who, draft)
    bad = "<script>alert(1)</script>"
    who.post(f"{draft}/draft", {"text-_narrative": bad, "version": "1"})
    path = send(who, draft)
    with world.read() as session:
        revision = session.scalars(select(Revision)).one()
    coach = visit(world, app_of(world), "Ilse")
    coach.post(f"/queue/{revision.id}/claim")
    for page in (who.get(path), coach.get(f"/reviews/{revision.id}")):
        assert bad not in page.get_data(as_text=True)
        assert bad in text_of(page)


def scoring(world: World) -> tuple[Visit, str]:
    world.publish(review=COACH)
    revision = world.send("Wren")
    coach = visit(world, app_of(world), "Ilse")
    coach.post(f"/queue/{revision.id}/claim")
    return coach, f"/reviews/{revision.id}"


def test_finishing_without_a_level_names_the_criterion_and_keeps_everything(world: World) -> None:
    coach, path = scoring(world)
    answer = coach.post(
        path, {"level-planned": "3", "comment-wait": "typed", "go": "finish", "version": "0"}
    )
    assert answer.status_code == 422
    assert "Choose a level for “Wait time”." in text_of(answer)
    assert "typed" in text_of(answer)
    assert "typed" in text_of(coach.get(path))


@pytest.mark.parametrize("form", [{"level-wait": "9"}, {"level-nothing": "1"}, {"level-wait": "x"}])
def test_a_foreign_level_is_refused_by_its_field(world: World, form: dict[str, str]) -> None:
    coach, path = scoring(world)
    answer = coach.post(path, {**form, "version": "0"})
    assert answer.status_code == 422


def test_two_tabs_of_one_review_get_both_versions(world: World) -> None:
    coach, path = scoring(world)
    coach.post(path, {"comment-wait": "first tab", "version": "0"})
    answer = coach.post(path, {"comment-wait": "second tab", "version": "0"})
    assert answer.status_code == 409
    assert "first tab" in text_of(answer)
    assert "second tab" in text_of(answer)
    kept = coach.post(path, {"comment-wait": "second tab", "version": "1", "go": "mine"})
    assert kept.status_code == 303
    assert "second tab" in text_of(coach.get(path))


def test_a_lease_that_was_lost_keeps_the_draft_and_says_so(world: World) -> None:
    coach, path = scoring(world)
    coach.post(path, {"comment-wait": "so far", "version": "0"})
    world.runtime.clock = lambda: NOW + timedelta(hours=80)
    other = visit(world, app_of(world), "Otto")
    other.post(f"/queue/{path.rsplit('/', 1)[1]}/claim")
    coach = visit(world, app_of(world), "Ilse")
    answer = coach.post(
        path,
        {"level-planned": "3", "level-wait": "3", "comment-wait": "and on", "go": "finish",
         "version": "1"},
    )  # fmt: skip
    assert answer.status_code == 409
    assert "no longer with you" in text_of(answer)
    assert "and on" in text_of(answer)


def test_a_role_that_ended_mid_lease_is_403_and_reopens_the_slot_at_the_next_save(
    world: World,
) -> None:
    coach, path = scoring(world)
    world.leave("Ilse")
    assert coach.get(path).status_code == 403
    with world.read() as session:
        assert session.scalar(select(ReviewSlot.state)) == "leased"
    assert coach.post(path, {"comment-wait": "late", "version": "0"}).status_code == 403
    with world.read() as session:
        assert session.scalar(select(ReviewSlot.state)) == "open"


def test_a_review_opens_and_is_saved_from_a_launch_of_another_course(world: World) -> None:
    _coach, path = scoring(world)
    course = world.course("Lesson Study", Ilse=Role.TEACHER)
    elsewhere = visit(world, app_of(world), "Ilse", course=course, roles=frozenset({Role.TEACHER}))
    assert path in elsewhere.get("/queue").get_data(as_text=True)
    assert elsewhere.get(path).status_code == 200
    assert elsewhere.post(path, {"comment-wait": "typed", "version": "0"}).status_code == 303
    assert "typed" in text_of(elsewhere.get(path))
    claim = elsewhere.post(f"/queue/{path.rsplit('/', 1)[1]}/claim")
    assert claim.status_code == 303
    with world.read() as session:
        assert session.scalar(select(ReviewSlot.state)) == "leased"


def test_an_adjudicating_lead_may_come_in_from_a_course_where_they_are_a_teacher(
    world: World,
) -> None:
    revision = world.send("Wren")
    world.review("Robin", revision, 4, 3)
    world.review("Jay", revision, 1, 3)
    world.claim("Ada", revision)
    course = world.course("Lesson Study", Ada=Role.TEACHER)
    elsewhere = visit(world, app_of(world), "Ada", course=course, roles=frozenset({Role.TEACHER}))
    assert elsewhere.get(f"/reviews/{revision.id}").status_code == 200
    with world.write() as session:
        for held in session.scalars(select(RoleGrant)):
            held.ended_at = NOW
    assert elsewhere.get(f"/reviews/{revision.id}").status_code == 403


def test_giving_back_and_conflicts_reopen_the_slot(world: World) -> None:
    coach, path = scoring(world)
    coach.post(f"{path}/return")
    with world.read() as session:
        assert session.scalar(select(ReviewSlot.state)) == "open"
    revision_id = path.rsplit("/", 1)[1]
    coach.post(f"/queue/{revision_id}/claim")
    coach.post(f"{path}/conflict")
    answer = coach.post(f"/queue/{revision_id}/claim")
    assert answer.status_code == 403
    assert "You said that you know whose work this is" in text_of(answer)


def test_empty_pages_say_what_will_be_there(world: World) -> None:
    who = visit(world, app_of(world), "Wren")
    assert "Your evidence will stand here" in text_of(who.get("/evidence"))
    assert "Nobody is waiting" in text_of(who.get("/queue"))


def test_an_administrator_alone_has_no_queue(world: World) -> None:
    world.person("Adam", Role.ADMINISTRATOR)
    who = visit(world, app_of(world), "Adam")
    assert who.get("/queue").status_code == 403
    assert who.post(f"/micro-credential/{world.achievement.id}/start").status_code == 403


def test_taking_back_shows_and_allows_sending_again(world: World) -> None:
    who, draft = begin(world)
    filled(who, draft)
    path = send(who, draft)
    assert who.post(f"{draft}/withdraw").status_code == 303
    page = text_of(who.get(path))
    assert "Taken back" in page
    assert "Begin revision 2" in page
    with world.read() as session:
        assert set(session.scalars(select(ReviewSlot.state))) == {"voided"}
