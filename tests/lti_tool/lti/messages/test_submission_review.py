"""A learner's work opened from a gradebook: by whom, what of it, and who is told."""

from __future__ import annotations

from typing import Any

import pytest

from core.audit import AuditEvent
from core.identity import Role, grant
from lti_tool.evidence.models import EvidenceItem, Revision
from lti_tool.review.models import ConflictOfInterest
from tests.lti_tool.lti.messages.school import AGS, School
from tests.support.hostile_platform import ABSENT, INSTRUCTOR, LEARNER

QUESTIONS, BLIND = "Questions That Open", "Seen Without Names"
COURSE = {"id": "course-1", "title": "Course course-1"}


def send(school: School, name: str = QUESTIONS, sub: str = "8") -> str:
    return school.send(school.link(LEARNER, sub=sub, name=name), name)


def review(school: School, *roles: str, sub: str = "7", about: str = "8", **more: Any) -> Any:
    shape = {"resource_link": {"id": "link-1"}, "context": COURSE, **more}
    return school.review(*(roles or (INSTRUCTOR,)), sub=sub, about=about, **shape)


def test_a_coach_reads_what_was_sent(school: School) -> None:
    submission = send(school)
    visit = review(school)
    page = visit.open()
    assert page.status_code == 200, page.text
    assert "Person 8" in page.text
    assert "R. said that both have one bit missing" in page.text
    assert "https://docs.example.org/plan" in page.text
    assert visit.open(f"/work/{submission}").status_code == 200
    looks = school.rows(AuditEvent, AuditEvent.action == "evidence.viewed")
    assert len(looks) == 2
    with school.runtime.database.transaction() as session:
        assert {one.actor_id for one in looks} == {school.person(session, "7").id}
        assert {one.about_id for one in looks} == {school.person(session, "8").id}


def test_the_work_is_found_by_its_column_alone(school: School) -> None:
    column = f"{school.installation.platform.issuer}/items/1"
    visit = school.link(LEARNER, sub="8", **{AGS: {"lineitem": column, "scope": []}})
    submission = school.send(visit)
    other = school.review(
        INSTRUCTOR, about="8", context=COURSE, resource_link=ABSENT,
        target=f"{school.base}/lti/launch", line_item=column,
    )  # fmt: skip
    assert f"/learners/{school.rows(Revision)[0].submission.person_id}/work" in other.path
    assert f"for={school.achievement()}" in other.path
    shown = other.browser.get(other.path)
    assert shown.headers["Location"].endswith(f"/work/{submission}")


def test_a_column_that_nobody_knows_lists_what_there_is(school: School) -> None:
    send(school)
    visit = review(school, resource_link=ABSENT, target=f"{school.base}/to/home",
                   line_item=f"{school.installation.platform.issuer}/items/9")  # fmt: skip
    assert QUESTIONS in visit.open().text


def test_a_draft_is_its_authors_alone(school: School) -> None:
    learner = school.link(LEARNER, sub="8")
    learner.post(f"/micro-credential/{school.achievement()}/start",
                 page=f"/micro-credential/{school.achievement()}")  # fmt: skip
    page = review(school).open()
    assert page.status_code == 200
    assert "Nothing has been sent yet" in page.text
    (draft,) = school.rows(Revision)
    assert review(school).open(f"/work/{draft.submission_id}").status_code == 404


def test_somebody_who_has_never_been_here(school: School) -> None:
    school.link(INSTRUCTOR, sub="7")
    page = review(school, about="99").open()
    assert page.status_code == 200
    assert "This person has not been here so far" in page.text


def test_ones_own_work_opens_as_ones_own(school: School) -> None:
    submission = send(school)
    visit = review(school, LEARNER, sub="8", about="8")
    assert visit.open().status_code == 200
    assert "What you do" in visit.open().text
    assert "Receipt" in visit.open(f"/work/{submission}").text
    assert school.rows(AuditEvent, AuditEvent.action == "evidence.viewed") == []


def test_learners_and_other_courses_find_nothing(school: School) -> None:
    submission = send(school)
    learner = school.link(LEARNER, sub="9")
    assert learner.open(f"/work/{submission}").status_code == 403
    assert learner.open(f"/learners/{person_of(school, '8')}/work").status_code == 403
    assert learner.post(f"/work/{school.rows(Revision)[0].id}/step-aside").status_code == 403
    elsewhere = school.link(INSTRUCTOR, sub="10", course="course-2", link="link-2")
    assert elsewhere.open(f"/work/{submission}").status_code == 403
    assert elsewhere.open(f"/learners/{person_of(school, '8')}/work").status_code == 403
    assert school.rows(AuditEvent, AuditEvent.action == "evidence.viewed") == []


def person_of(school: School, sub: str) -> Any:
    with school.runtime.database.transaction() as session:
        return school.person(session, sub).id


def test_a_lead_of_the_organisation_reads_it_from_anywhere_of_theirs(school: School) -> None:
    submission = send(school)
    school.link(INSTRUCTOR, sub="10", course="course-2", link="link-2")
    school.make_lead("10")
    lead = school.link(INSTRUCTOR, sub="10", course="course-2", link="link-2")
    assert lead.open(f"/work/{submission}").status_code == 200


@pytest.mark.parametrize("as_lead", [False, True], ids=["coach", "lead"])
def test_blind_work_shows_where_it_stands_until_one_steps_aside(
    school: School, *, as_lead: bool
) -> None:
    submission = send(school, BLIND)
    coach = school.link(INSTRUCTOR, sub="7")
    if as_lead:
        school.make_lead("7")
        coach = school.link(INSTRUCTOR, sub="7")
    page = coach.open(f"/work/{submission}")
    assert "It is being reviewed without names." in page.text
    assert "R. said" not in page.text
    assert "docs.example.org" not in page.text
    assert school.rows(AuditEvent, AuditEvent.action == "evidence.viewed") == []
    assert len(school.rows(AuditEvent, AuditEvent.action == "submission.state_viewed")) == 1
    (revision,) = school.rows(Revision)
    coach.post(f"/work/{revision.id}/step-aside", page=f"/work/{submission}")
    assert "R. said" in coach.open(f"/work/{submission}").text
    assert len(school.rows(ConflictOfInterest)) == 1
    claimed = coach.post(f"/queue/{revision.id}/claim", page=f"/work/{submission}")
    assert claimed.status_code in (403, 404)


def test_stepping_aside_gives_back_what_one_holds(school: School) -> None:
    submission = send(school, BLIND)
    (revision,) = school.rows(Revision)
    coach = school.link(INSTRUCTOR, sub="7", name=BLIND)
    taken = coach.post(f"/queue/{revision.id}/claim", page="/queue")
    assert taken.status_code == 303, taken.text
    coach.post(f"/work/{revision.id}/step-aside", page=f"/reviews/{revision.id}")
    coach.post(f"/work/{revision.id}/step-aside", page=f"/work/{submission}")
    assert len(school.rows(ConflictOfInterest)) == 1
    other = school.link(INSTRUCTOR, sub="11", name=BLIND)
    assert other.post(f"/queue/{revision.id}/claim", page="/queue").status_code == 303


def test_files_open_for_whoever_may_read_the_work(school: School) -> None:
    """The piece here is a link; the rule for files is the same, so it is asked directly."""
    from lti_tool.review import oversight
    from lti_tool.review.people import Reviewer

    send(school, BLIND)
    send(school, QUESTIONS, sub="12")
    runtime, scope = school.runtime, school.organisation.scope
    coach = school.link(INSTRUCTOR, sub="7")
    assert coach.answer.status_code == 303
    with runtime.database.snapshot(scope) as session:
        for item in session.query(EvidenceItem).all():
            place = item.revision.submission.assignment
            who = Reviewer(person_of(school, "7"), scope, place.context_id, frozenset({"coach"}))
            blind = item.revision.policy["blindness"] == "double"
            assert oversight.may_open(session, who, item.revision) is not blind


def test_speedgraders_address_opens_the_one_submission(school: School) -> None:
    """Canvas opens it through a link whose id is another's, so that link must stay as it is."""
    submission = send(school)
    before = school.link_row("link-1")
    target = f"{school.base}/to/submission/{submission}"
    visit = school.launch(
        INSTRUCTOR, sub="7", target=target, context=COURSE, resource_link={"id": "link-1"}
    )
    assert visit.path.endswith(f"/work/{submission}")
    assert "R. said" in visit.open().text
    after = school.link_row("link-1")
    assert (after.target_kind, after.target_argument, after.title) == (
        before.target_kind, before.target_argument, before.title,
    )  # fmt: skip
    unknown = school.launch(
        INSTRUCTOR, target=target, context=COURSE, resource_link={"id": "course-wide"}
    )
    assert unknown.open().status_code == 200
    assert len(school.rows(type(before))) == 1
    assert school.launch(LEARNER, sub="9", target=target, context=COURSE).open().status_code == 403


def test_a_grant_that_ended_ends_the_reading(school: School) -> None:
    submission = send(school)
    school.link(LEARNER, sub="13", course="course-2", link="link-2")
    with school.runtime.database.transaction() as session:
        person = school.person(session, "13")
        grant(session, person, Role.COACH, source="test", now=school.runtime.now())
    visit = school.link(LEARNER, sub="13", course="course-2", link="link-2")
    assert visit.open(f"/work/{submission}").status_code == 403
