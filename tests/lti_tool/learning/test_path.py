"""My path: what is met, what is missing in words, and where the next action is."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from badges.awards import service as awards
from badges.pathways import service as pathways
from badges.pathways.facts import HoursFact
from badges.pathways.rules import evaluate, parse
from core.identity import Role
from core.runtime import Runtime
from lti_tool.evidence.assignments import assignment_for
from lti_tool.evidence.models import Revision, Submission
from lti_tool.learning.path import steps_of
from lti_tool.learning.wording import Names, hours, missing_text, node_title
from tests.lti_tool.learning.conftest import NOW, Visit, mark_as_test_student, visit_as
from tests.support.badges import (
    District,
    add_person,
    decision,
    earn,
    issue_credential,
    micro_credential,
)


def test_an_empty_path_offers_what_can_be_begun(visit: Visit, district: District) -> None:
    page = visit.get("/path").text
    assert "Your path begins with a micro-credential" in page
    assert f"/micro-credential/{district.achievement.id}" in page
    assert "Questions That Open" in page


def begin(runtime: Runtime, district: District) -> None:
    with runtime.database.transaction() as session:
        pathways.enrol(session, district.learner, district.version, NOW)


def decide(runtime: Runtime, district: District, outcome: str, level: int) -> None:
    with runtime.database.transaction() as session:
        pathways.record_fact(
            session,
            district.learner,
            decision(district.version, outcome=outcome, level=level, at=NOW),
            NOW,
        )


def test_who_has_begun_is_asked_for_evidence(
    visit: Visit, district: District, runtime: Runtime
) -> None:
    begin(runtime, district)
    page = visit.get("/path").text
    assert "Gather evidence for “Questions That Open” and send it." in page
    assert ">Go to your evidence</a>" in page
    assert "0 of 3 steps met" in page
    assert "Your turn" in page


def send(runtime: Runtime, district: District, state: str) -> None:
    """Evidence in `state`, as the evidence room keeps it."""
    sent = state != "draft"
    scope = district.organisation.scope
    with runtime.database.transaction(scope) as session:
        assignment = assignment_for(
            session, achievement_id=district.achievement.id, context=None, scope=scope, now=NOW
        )
        owner = {"owner_id": district.organisation.id, "owner_path": district.organisation.path}
        submission = Submission(
            **owner, assignment_id=assignment.id, person_id=district.learner.id, created_at=NOW
        )
        session.add(submission)
        session.flush()
        session.add(
            Revision(
                **owner, submission_id=submission.id, n=1, state=state,
                achievement_version_id=district.version.id, policy={} if sent else None,
                receipt="MP-1234-5678" if sent else None,
                idempotency_key=str(uuid.uuid4()) if sent else None,
                created_at=NOW, saved_at=NOW, submitted_at=NOW if sent else None,
            )
        )  # fmt: skip


def test_a_draft_is_continued(visit: Visit, district: District, runtime: Runtime) -> None:
    begin(runtime, district)
    send(runtime, district, "draft")
    assert "Continue your draft" in visit.get("/path").text


def test_waiting_for_reviewers_asks_nothing_of_the_learner(
    visit: Visit, district: District, runtime: Runtime
) -> None:
    begin(runtime, district)
    send(runtime, district, "in_review")
    page = visit.get("/path").text
    assert "Nothing for you to do today" in page
    assert "Your reviewers have it." in page
    assert "With your reviewers" in page
    assert "Your turn" not in page


def test_not_yet_names_the_criteria_with_levels_and_links_to_revising(
    visit: Visit, district: District, runtime: Runtime
) -> None:
    begin(runtime, district)
    decide(runtime, district, "not_yet", 2)
    page = visit.get("/path").text
    assert "Planned questions (now Developing, needed Secure)" in page
    assert "Wait time (now Developing, needed Secure)" in page
    assert f"/micro-credential/{district.achievement.id}" in page
    assert "Revise your evidence" in page
    assert "fail" not in page.lower()


def test_an_offer_comes_first(visit: Visit, district: District, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        award = earn(session, district)
    page = visit.get("/path").text
    assert "Your badge is ready" in page
    assert f"/badges/{award.id}" in page
    assert "2 of 3 steps met" in page


@pytest.mark.parametrize(("published", "words"), [(False, "Only you can see it"), (True, "3 of 3")])
def test_a_badge_that_is_held_completes_the_path(
    visit: Visit, district: District, published: bool, words: str
) -> None:
    issue_credential(district, published=published)
    assert words in visit.get("/path").text


def test_declined_and_signing_are_said(visit: Visit, district: District, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        award = earn(session, district)
        awards.decline(session, award.id, district.learner.id, NOW)
    assert "You can still change your mind." in visit.get("/path").text
    with runtime.database.transaction() as session:
        awards.accept(
            session, award.id, district.learner.id,
            name="W", badge_url=district.badge_url, now=NOW + timedelta(hours=2),
        )  # fmt: skip
    assert "It is being signed" in visit.get("/path").text


@pytest.mark.parametrize(
    ("roles", "place"),
    [
        ({Role.TEACHER}, "/path"),
        ({Role.TEACHER, Role.COACH}, "/path"),
        ({Role.COACH}, "/queue"),
        ({Role.LEAD, Role.TEACHER}, "/lead"),
        ({Role.ADMINISTRATOR}, "/connections"),
        (set(), "/path"),
    ],
)
def test_home_is_where_the_role_begins(
    app: Flask, district: District, roles: set[Role], place: str
) -> None:
    visit = visit_as(app, district, district.learner, frozenset(roles))
    answer = visit.get("/home")
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(place)


def test_without_a_session_nothing_is_shown(app: Flask, visit: Visit) -> None:
    stranger = app.test_client()
    for path in ("/path", "/badges", f"/badges/{uuid.uuid4()}"):
        answer = stranger.get(f"/s/{visit.sid}{path}", base_url="https://milepost.test")
        assert answer.status_code == 401


A, B = str(uuid.uuid4()), str(uuid.uuid4())
RULE = {
    "schema": 1,
    "root": {
        "id": "r", "op": "all", "of": [
            {"id": "bd", "op": "badge", "achievement": A},
            {"id": "hr", "op": "hours", "min": 7.5},
            {"id": "el", "op": "at_least", "n": 1, "of": [
                {"id": "ru", "op": "rubric", "task": B, "min": {"*": 1}},
                {"id": "ek", "op": "evidence_kinds", "n": 2, "task": B},
            ]},
            {"id": "at", "op": "attest", "role": "coach", "statement": "a visit took place"},
        ],
    },
}  # fmt: skip


def test_every_kind_of_node_has_words_and_a_state() -> None:
    rule = parse(RULE)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    facts = [HoursFact(source="h", source_id="1", revision=0, at=at, minutes=300, activity="group")]
    result = evaluate(rule, facts, at + timedelta(days=1))
    names = Names({A: micro_credential(name="Noticing")})
    steps = steps_of(rule, result)
    assert [node_title(step.node, names) for step in steps] == [
        "Noticing",
        "7½ hours of learning",
        "1 of these 2",
        "Confirmed by your coach",
    ]
    assert [step.state for step in steps] == ["here", "here", "here", "wait"]
    assert len(steps[2].children) == 2
    words = " ".join(missing_text(item, names) for item in result.missing)
    assert "Earn the badge “Noticing”." in words
    assert "2½ hours of learning are still to be logged." in words
    assert "Ask your coach to confirm: “a visit took place”." in words
    assert "another micro-credential" in words


@pytest.mark.parametrize(
    ("minutes", "words"), [(60, "1 hour"), (900, "15 hours"), (30, "½ hours"), (75, "1 h 15 min")]
)
def test_hours_read_as_people_say_them(minutes: int, words: str) -> None:
    assert hours(minutes) == words


def test_moments_are_absolute(visit: Visit, district: District, runtime: Runtime) -> None:
    begin(runtime, district)
    page = visit.get("/path").text
    assert '<time datetime="2026-03-14">14 March 2026</time>' in page


def test_a_test_student_sees_the_whole_path_and_that_no_badge_is_at_its_end(
    app: Flask, district: District, runtime: Runtime
) -> None:
    student = add_person(runtime, district.organisation, "Test Student")
    mark_as_test_student(runtime, student)
    with runtime.database.transaction() as session:
        pathways.enrol(session, student, district.version, NOW)
        assert pathways.record_fact(session, student, decision(district.version), NOW) == []
    page = visit_as(app, district, student).get("/path").text
    assert "2 of 3 steps met" in page
    assert "Test students walk the whole path, but are given no badge at its end." in page
    assert "Your badge is ready" not in page


def test_a_path_that_time_alone_completed_says_that_the_badge_is_coming(
    visit: Visit, district: District, runtime: Runtime
) -> None:
    mark_as_test_student(runtime, visit.person)
    begin(runtime, district)
    decide(runtime, district, "met", 3)
    # Met and not offered yet, as it is until the next sweep.
    mark_as_test_student(runtime, visit.person, is_test=False)
    page = visit.get("/path")
    assert page.status_code == 200
    assert "Everything is met. Your badge is being made ready." in page.text
