"""What each LMS does in its own way, each asked by itself."""

from __future__ import annotations

import html
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.lti.families import FAMILIES
from lti_tool.lti.quirks import generic, quirks_of
from lti_tool.lti.quirks.kinds import Handed
from lti_tool.lti.quirks.links import mended_link_header

HANDED = Handed("https://milepost.test/to/submission/1", datetime(2026, 3, 14, 10, 30, tzinfo=UTC))


def test_every_family_has_its_own_and_an_unknown_one_the_standards() -> None:
    assert all(quirks_of(family) for family in FAMILIES)
    assert quirks_of("brightspace") is generic.QUIRKS


@pytest.mark.parametrize("family", FAMILIES)
def test_a_graded_score_may_go_anywhere(family: str) -> None:
    assert quirks_of(family).may_send("Completed", "FullyGraded")
    assert quirks_of(family).may_send("Submitted", "FullyGraded")


@pytest.mark.parametrize("family", [one for one in FAMILIES if one != "canvas"])
@pytest.mark.parametrize("grading", ["NotReady", "Failed", "Pending", "PendingManual"])
def test_no_progress_that_might_wipe_a_grade_is_sent(family: str, grading: str) -> None:
    for activity in ("Initialized", "Started", "InProgress", "Submitted", "Completed"):
        assert not quirks_of(family).may_send(activity, grading)
    assert not quirks_of(family).tells_submissions


def test_canvas_is_told_of_submissions_and_what_opens_them() -> None:
    quirks = quirks_of("canvas")
    assert quirks.tells_submissions
    assert quirks.may_send("Submitted", "PendingManual")
    [told] = quirks.extension(HANDED, new=False).values()
    assert told == {
        "new_submission": False,
        "submission_type": "basic_lti_launch",
        "submission_data": HANDED.url,
        "submitted_at": "2026-03-14T10:30:00.000+00:00",
    }


@pytest.mark.parametrize("family", [one for one in FAMILIES if one != "canvas"])
def test_nobody_else_gets_canvas_members(family: str) -> None:
    assert quirks_of(family).extension(HANDED, new=True) == {}


def test_what_counts_as_too_old_a_stamp() -> None:
    said = b'{"errors":{"message":"Provided timestamp before last updated timestamp"}}'
    assert quirks_of("canvas").is_stale(said)
    assert not quirks_of("canvas").is_stale(b'{"errors":"scoreGiven"}')
    assert not quirks_of("moodle").is_stale(said)


def test_names_are_unescaped_where_they_come_escaped() -> None:
    assert quirks_of("moodle").text("O&#039;Example &amp; Sons") == "O'Example & Sons"
    assert quirks_of("canvas").text("Ben &amp; Co") == "Ben &amp; Co"


@given(st.text())
def test_whatever_moodle_escapes_comes_back(name: str) -> None:
    assert quirks_of("moodle").text(html.escape(name)) == name


@pytest.mark.parametrize(
    "header",
    [
        '<https://l.example/m?a=1&from=2>; rel="next"',
        "<https://l.example/m?a=1&amp;from=2>; rel=“next”",
        "<https://l.example/m?a=1&amp;from=2>; rel=“next”".encode().decode("latin-1"),
        "<https://l.example/m?a=1&amp;from=2>; rel=&quot;next&quot;",
    ],
)
def test_paging_links_are_mended(header: str) -> None:
    assert mended_link_header(header) == '<https://l.example/m?a=1&from=2>; rel="next"'


@given(st.text())
def test_mending_never_fails(header: str) -> None:
    mended_link_header(header)


def test_hints_are_sentences_for_a_person() -> None:
    assert quirks_of("moodle").hint(400).startswith(" Moodle takes grades only for people")
    assert quirks_of("moodle").hint(418) == ""
