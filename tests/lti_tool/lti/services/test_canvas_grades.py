"""Scores and submissions to a Canvas, where every careless score is one attempt more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.lti_tool.lti.services.conftest import NOW, Scene, decision, submission
from tests.support.local_http import Answer
from tests.support.platforms.canvas import SUBMISSION

LATER = NOW + timedelta(days=1)


@pytest.fixture
def page(canvas: Scene) -> dict[str, Any]:
    canvas.platform.add_item(resource_link_id="link-1")
    return canvas.launch("7")


def test_what_was_handed_in_is_told_with_its_time_and_the_way_to_open_it(
    canvas: Scene, page: dict[str, Any]
) -> None:
    news = submission(page)
    canvas.publish("evidence.sent", news)
    canvas.work()
    [score] = canvas.platform.received
    assert (score["activityProgress"], score["gradingProgress"]) == ("Submitted", "PendingManual")
    assert "scoreGiven" not in score
    told = score[SUBMISSION]
    assert told["submission_data"] == f"https://milepost.test/to/submission/{news['submission_id']}"
    assert datetime.fromisoformat(told["submitted_at"]) == NOW
    cell = canvas.platform.grade("7")
    assert (cell.given, cell.attempts) == (None, 1)


def test_a_decision_is_no_new_attempt(canvas: Scene, page: dict[str, Any]) -> None:
    canvas.hand_in(page)
    canvas.decide(page, score="66", outcome="not_yet")
    canvas.hand_in(page, sent_at=LATER.isoformat())
    canvas.decide(page, decided_at=(LATER + timedelta(hours=1)).isoformat())
    cell = canvas.platform.grade("7")
    assert (cell.given, cell.attempts) == (100, 2)
    assert [score.get(SUBMISSION, {}).get("new_submission") for score in canvas.platform.received]\
        == [True, False, True, False]  # fmt: skip


def test_a_late_word_of_a_submission_does_not_follow_its_decision(
    canvas: Scene, page: dict[str, Any]
) -> None:
    canvas.decide(page, decided_at=LATER.isoformat())
    canvas.hand_in(page, sent_at=NOW.isoformat())
    assert len(canvas.platform.received) == 1


def test_400_to_an_older_timestamp_is_stamped_afresh(canvas: Scene, page: dict[str, Any]) -> None:
    cell = canvas.platform.grade("7")
    cell.stamp = datetime.now(UTC) + timedelta(minutes=2)
    path = "/api/lti/courses/1/line_items/1/scores"
    refused = canvas.platform.judge_score({"userId": "7", "timestamp": NOW.isoformat()},
                                          canvas.platform.items[0])  # fmt: skip
    ahead = (datetime.now(UTC) + timedelta(minutes=3)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    canvas.platform.answers[path] = [
        Answer(refused.status, refused.body, {**refused.headers, "Date": ahead})
    ]
    canvas.decide(page)
    assert cell.given == 100


def test_400_for_another_reason_is_for_a_person_to_look_at(
    canvas: Scene, page: dict[str, Any]
) -> None:
    path = "/api/lti/courses/1/line_items/1/scores"
    canvas.platform.answers[path] = [Answer(400, b'{"errors": "scoreGiven"}')]
    canvas.decide(page)
    [job] = canvas.messages("review.decided>grade.post")
    assert (job.state, canvas.platform.received) == ("dead", [])


def test_staff_are_refused_for_good(canvas: Scene) -> None:
    canvas.platform.add_item(resource_link_id="link-1")
    canvas.decide(canvas.launch("3"))
    [job] = canvas.messages("review.decided>grade.post")
    assert job.state == "dead"
    assert "only for students" in str(job.last_error)


def test_a_teacher_s_change_is_left_alone(canvas: Scene, page: dict[str, Any]) -> None:
    canvas.decide(page, score="66", outcome="not_yet")
    canvas.platform.teacher_grades("7", 90)
    canvas.decide(page, decided_at=LATER.isoformat())
    assert canvas.platform.grade("7").given == 90
    assert canvas.deliveries()[-1].state == "kept"


def test_a_zero_that_canvas_wrote_for_missing_work_is_no_teacher_s_grade(
    canvas: Scene, page: dict[str, Any]
) -> None:
    canvas.platform.teacher_grades("7", 0)
    canvas.decide(page)
    assert canvas.platform.grade("7").given == 100


def test_a_new_line_item_takes_the_maximum_that_was_chosen_and_scores_are_scaled_to_it(
    canvas: Scene,
) -> None:
    page = canvas.launch("7")
    choose_maximum(canvas, 20)
    canvas.decide(page, score="50", outcome="not_yet")
    [item] = canvas.platform.items
    assert (item.maximum, item.label, item.tag) == (20, "Questions That Open", "milepost")
    [score] = canvas.platform.received
    assert (score["scoreGiven"], score["scoreMaximum"]) == (10, 20)


def test_title_and_maximum_are_kept_in_step_where_we_made_the_column(canvas: Scene) -> None:
    page = canvas.launch("7")
    canvas.decide(page, score="50", outcome="not_yet")
    choose_maximum(canvas, 40)
    canvas.launch("7", resource_link={"id": "link-1", "title": "Better Questions"})
    canvas.decide(page, decided_at=LATER.isoformat())
    [item] = canvas.platform.items
    assert (item.label, item.maximum) == ("Better Questions", 40)


def test_what_a_teacher_renamed_stays(canvas: Scene) -> None:
    page = canvas.launch("7")
    canvas.decide(page, score="50", outcome="not_yet")
    [item] = canvas.platform.items
    item.label = "Week 3"
    canvas.launch("7", resource_link={"id": "link-1", "title": "Better Questions"})
    canvas.decide(page, decided_at=LATER.isoformat())
    assert item.label == "Week 3"


def test_a_column_of_the_teacher_is_never_changed(canvas: Scene, page: dict[str, Any]) -> None:
    canvas.decide(page)
    canvas.launch("7", resource_link={"id": "link-1", "title": "Better Questions"})
    canvas.decide(page, decided_at=LATER.isoformat())
    assert canvas.platform.items[0].label == "Questions That Open"
    assert not [one for one in canvas.platform.server.requests if one.method == "PUT"]


def test_through_a_link_to_several_each_micro_credential_has_its_column(canvas: Scene) -> None:
    page = canvas.launch("7")
    choose_target(canvas, "path")
    first, second = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    canvas.decide(page, achievement_id=first, title="Questions", decided_at=LATER.isoformat())
    canvas.decide(page, achievement_id=second, title="Feedback", score="50", outcome="not_yet")
    canvas.decide(page, achievement_id=first, title="Questions", score="100",
                  decided_at=(LATER + timedelta(days=1)).isoformat())  # fmt: skip
    columns = {item.label: item for item in canvas.platform.items}
    assert {name: canvas.platform.grade("7", item).given for name, item in columns.items()} == {
        "Questions": 100, "Feedback": 50,
    }  # fmt: skip
    assert {item.resource_link_id for item in columns.values()} == {None}
    assert {one.state for one in canvas.deliveries()} == {"sent"}


def test_a_column_of_ours_that_was_deleted_is_made_anew_when_a_person_retries(
    canvas: Scene,
) -> None:
    from core.outbox import revive

    page = canvas.launch("7")
    canvas.decide(page, score="50", outcome="not_yet")
    canvas.platform.items.clear()
    path = "/api/lti/courses/1/line_items/1"
    canvas.platform.answers = {f"{path}/results": [Answer(404)], f"{path}/scores": [Answer(404)]}
    canvas.decide(page, decided_at=LATER.isoformat())
    [job] = [one for one in canvas.messages("review.decided>grade.post") if one.state == "dead"]
    assert "a retry makes it anew" in str(job.last_error)
    assert canvas.platform.items == []
    with canvas.runtime.database.transaction() as session:
        assert revive(session, job.id, now=canvas.runtime.now())
    canvas.work()
    [item] = canvas.platform.items
    assert canvas.platform.grade("7", item).given == 100


@pytest.mark.parametrize("maximum", [0, -5, float("nan"), float("inf")])
def test_a_maximum_that_is_none_is_refused(canvas: Scene, maximum: float) -> None:
    page = canvas.launch("7")
    canvas.publish("review.decided", {**decision(page), "max": str(maximum)})
    canvas.work()
    [job] = canvas.messages("review.decided>grade.post")
    assert (job.state, canvas.platform.received) == ("dead", [])


def choose_maximum(scene: Scene, maximum: float) -> None:
    change_link(scene, maximum=maximum)


def choose_target(scene: Scene, kind: str) -> None:
    change_link(scene, target_kind=kind, target_argument=None)


def change_link(scene: Scene, **values: Any) -> None:
    from lti_tool.lti.models import ResourceLink

    with scene.runtime.database.transaction() as session:
        session.connection().execute(ResourceLink.__table__.update().values(**values))
