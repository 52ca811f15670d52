"""Scores to a Moodle that wipes what it does not understand, and keeps what a teacher set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lti_tool.lti.keeping import CHANGED_BY_HAND, COMMENT_BY_HAND, GIVEN_BY_HAND, NOT_TAKEN
from tests.lti_tool.lti.services.conftest import NOW, Scene
from tests.support.local_http import Answer
from tests.support.platforms.base import AGS, AGS_SCOPES, RESULT, SCORE

LATER = (NOW + timedelta(days=1)).isoformat()


@pytest.fixture
def page(moodle: Scene) -> dict[str, Any]:
    moodle.platform.add_item(resource_link_id="link-1")
    return moodle.launch("7")


def test_score_and_comment_arrive_once_and_rightly(moodle: Scene, page: dict[str, Any]) -> None:
    moodle.decide(page, comment="Met: all 3 criteria reach what is asked.")
    [score] = moodle.platform.received
    assert score["query"] == {"type_id": ["3"]}
    assert score["gradingProgress"] == "FullyGraded"
    cell = moodle.platform.grade("7")
    assert (cell.given, cell.comment) == (100, "Met: all 3 criteria reach what is asked.")
    [delivery] = moodle.deliveries()
    assert (delivery.state, delivery.note) == ("sent", None)


def test_a_submission_is_never_told_to_moodle(moodle: Scene, page: dict[str, Any]) -> None:
    moodle.decide(page, score="66", outcome="not_yet")
    moodle.hand_in(page, sent_at=LATER)
    assert len(moodle.platform.received) == 1
    assert moodle.platform.grade("7").given == 66, "any other progress would have wiped it"


def test_the_scripted_moodle_really_wipes(moodle: Scene, page: dict[str, Any]) -> None:
    """Else the tests above would hold for any code."""
    moodle.decide(page)
    wiping = {"userId": "7", "gradingProgress": "PendingManual",
              "timestamp": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}  # fmt: skip
    moodle.platform.judge_score(wiping, moodle.platform.items[0])
    assert moodle.platform.grade("7").given is None


def test_a_new_decision_replaces_what_milepost_sent(moodle: Scene, page: dict[str, Any]) -> None:
    moodle.decide(page, score="66", outcome="not_yet", comment="Not yet.")
    moodle.decide(page, score="100", comment="Met.", decided_at=LATER)
    cell = moodle.platform.grade("7")
    assert (cell.given, cell.comment) == (100, "Met.")
    assert [one.state for one in moodle.deliveries()] == ["sent", "sent"]


@pytest.mark.parametrize(
    ("given", "comment", "note"),
    [(80, "Not yet.", CHANGED_BY_HAND), (66, "Spoke with Mara.", COMMENT_BY_HAND),
     (0, "Not yet.", CHANGED_BY_HAND)],
)  # fmt: skip
def test_a_teacher_s_change_is_left_alone_and_told(
    moodle: Scene, page: dict[str, Any], given: float, comment: str, note: str
) -> None:
    moodle.decide(page, score="66", outcome="not_yet", comment="Not yet.")
    moodle.platform.teacher_grades("7", given, comment)
    moodle.decide(page, decided_at=LATER)
    cell = moodle.platform.grade("7")
    assert (cell.given, cell.comment) == (given, comment)
    kept = moodle.deliveries()[-1]
    assert (kept.state, kept.note) == ("kept", note)
    [news] = moodle.messages("grade.kept")
    assert news.state == "done"


def test_a_grade_that_was_there_before_ours_is_left_alone(
    moodle: Scene, page: dict[str, Any]
) -> None:
    moodle.platform.teacher_grades("7", 75, "By hand.")
    moodle.decide(page)
    assert moodle.platform.received == []
    [kept] = moodle.deliveries()
    assert (kept.state, kept.note) == ("kept", GIVEN_BY_HAND)


def test_a_grade_that_a_teacher_emptied_is_given_anew(moodle: Scene, page: dict[str, Any]) -> None:
    moodle.decide(page, score="66", outcome="not_yet")
    moodle.platform.teacher_grades("7", None)
    moodle.decide(page, decided_at=LATER)
    assert moodle.platform.grade("7").given == 100


def test_rounding_is_no_teacher_s_change(moodle: Scene, page: dict[str, Any]) -> None:
    moodle.platform.items[0].maximum = 3
    moodle.decide(page, score="66", outcome="not_yet")
    moodle.platform.grade("7").given = 1.98
    moodle.decide(page, decided_at=LATER)
    assert moodle.platform.grade("7").given == 3


def test_a_locked_grade_that_answers_200_is_not_called_sent(
    moodle: Scene, page: dict[str, Any]
) -> None:
    moodle.platform.grade("7").stays = True
    moodle.decide(page)
    assert len(moodle.platform.received) == 1
    [kept] = moodle.deliveries()
    assert (kept.state, kept.note) == ("kept", NOT_TAKEN)


def test_a_locked_item_waits_and_says_why(moodle: Scene, page: dict[str, Any]) -> None:
    moodle.platform.items[0].locked = True
    moodle.decide(page)
    [job] = moodle.messages("review.decided>grade.post")
    assert job.state == "ready"
    assert "the grade item is locked" in str(job.last_error)
    assert moodle.deliveries() == []


def test_a_teacher_s_own_work_is_refused_in_clear_words(moodle: Scene) -> None:
    moodle.platform.add_item(resource_link_id="link-1")
    page = moodle.launch("3")
    moodle.decide(page)
    [job] = moodle.messages("review.decided>grade.post")
    assert job.state == "dead"
    assert "enrolled in the course as students" in str(job.last_error)
    assert "Incorrect" not in str(job.last_error), "a platform's own words are not repeated"


def test_a_stamp_that_is_not_newer_than_moodle_s_clock_is_made_afresh(
    moodle: Scene, page: dict[str, Any]
) -> None:
    moodle.decide(page, score="66", outcome="not_yet")
    cell = moodle.platform.grade("7")
    cell.stamp = datetime.now(UTC) + timedelta(seconds=1)
    path = "/mod/lti/services.php/2/lineitems/1/lineitem/scores"
    ahead = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    moodle.platform.answers[path] = [Answer(409, b"{broken", {"Date": ahead})]
    moodle.decide(page, decided_at=LATER)
    assert cell.given == 100


def test_where_results_may_not_be_read_scores_are_sent_all_the_same(moodle: Scene) -> None:
    moodle.platform.add_item(resource_link_id="link-1")
    claim = moodle.platform.grade_claim("link-1")
    for scopes, granted in (([SCORE], {SCORE}), (AGS_SCOPES, {SCORE})):
        moodle.platform.granted = granted
        page = moodle.launch("7", **{AGS: {**claim, "scope": scopes}})
        moodle.decide(page, decided_at=(NOW + timedelta(days=len(scopes))).isoformat())
    assert [one.state for one in moodle.deliveries()] == ["sent", "sent"]
    assert RESULT not in moodle.platform.granted


def test_results_that_cannot_be_read_just_now_hold_the_score_back(
    moodle: Scene, page: dict[str, Any]
) -> None:
    path = "/mod/lti/services.php/2/lineitems/1/lineitem/results"
    moodle.platform.answers[path] = [Answer(200, b"<html>"), Answer(503)]
    moodle.decide(page)
    [job] = moodle.messages("review.decided>grade.post")
    assert (job.state, moodle.platform.received) == ("ready", [])


def test_a_second_column_leaves_the_launch_without_one_and_ours_is_found(moodle: Scene) -> None:
    moodle.platform.add_item("Another", resource_link_id="link-1")
    ours = moodle.platform.add_item("Ours", resource_link_id="link-1", tag="milepost")
    page = moodle.launch("7")
    assert moodle.link().line_item_url is None
    moodle.decide(page)
    assert moodle.platform.grade("7", ours).given == 100
    assert len(moodle.platform.items) == 2
