"""Links of copied courses: asked about once, and never two courses' work in one place."""

from __future__ import annotations

from typing import Any

import pytest

from core.audit import AuditEvent
from lti_tool.evidence.models import Assignment, Submission
from lti_tool.lti.models import ResourceLink
from tests.lti_tool.lti.messages.school import DL, School
from tests.support.hostile_platform import INSTRUCTOR, LEARNER

QUESTIONS, BLIND = "Questions That Open", "Seen Without Names"
OLD, NEW = "course-1", "course-2"


def picked_item(school: School, course: str = OLD) -> dict[str, Any]:
    """An item picked for a course, and opened there once by its coach."""
    visit = school.pick(context={"id": course, "title": f"Course {course}"})
    (item,) = school.content_items(school.picked(visit, QUESTIONS, maximum_0="20"))[1][
        f"{DL}content_items"
    ]
    school.link(INSTRUCTOR, custom=item["custom"], course=course, link=f"link-{course}")
    return dict(item)


def copied(school: School, *roles: str, sub: str = "7", **more: Any) -> Any:
    """The link in the new course, as Moodle copies it: same custom, new link."""
    custom = more.pop("custom", None) or picked_item(school)["custom"]
    return school.link(*roles, sub=sub, custom=custom, course=NEW, link="link-new", **more)


def test_a_coach_is_asked_once_and_keeps_the_micro_credential(school: School) -> None:
    item = picked_item(school)
    visit = copied(school, INSTRUCTOR, custom=item["custom"])
    page = visit.open()
    assert visit.path.endswith("/copied-link")
    assert "It opened “Questions That Open” in Course course-1." in page.text
    answer = visit.post("/copied-link", {"answer": "same"})
    assert answer.headers["Location"].endswith(f"/micro-credential/{school.achievement()}")
    row = school.link_row("link-new")
    assert (row.copy_state, row.maximum, row.chosen_target) == ("connected", 20, None)
    assert row.copied_from == school.link_row(f"link-{OLD}").id
    again = copied(school, INSTRUCTOR, sub="9", custom=item["custom"])
    assert again.path.endswith(f"/micro-credential/{school.achievement()}")
    assert visit.open("/copied-link").status_code == 200
    (note,) = school.rows(AuditEvent, AuditEvent.action == "lti.copied_link_answered")
    assert note.details["answer"] == "connected"


def test_or_begins_fresh_with_another_one_for_everybody(school: School) -> None:
    item = picked_item(school)
    visit = copied(school, INSTRUCTOR, custom=item["custom"])
    other = f"micro-credential/{school.achievement(BLIND)}"
    answer = visit.post("/copied-link", {"answer": "other", "choice": other})
    assert answer.headers["Location"].endswith(other)
    for roles, sub in (([LEARNER], "8"), ([INSTRUCTOR], "9")):
        later = copied(school, *roles, sub=sub, custom=item["custom"])
        assert later.path.endswith(other)
    row = school.link_row("link-new")
    assert (row.copy_state, row.target_argument) == ("fresh", school.achievement(BLIND))
    # The old course's link opens what it always did.
    assert school.link_row(f"link-{OLD}").target_argument == school.achievement()
    old = school.link(LEARNER, sub="8", custom=item["custom"], course=OLD, link=f"link-{OLD}")
    assert old.path.endswith(school.achievement())


def test_learners_are_not_kept_waiting(school: School) -> None:
    visit = copied(school, LEARNER, sub="8")
    assert visit.path.endswith(f"/micro-credential/{school.achievement()}")
    assert visit.open("/copied-link").status_code == 403


def test_of_two_answers_the_first_is_heard(school: School) -> None:
    item = picked_item(school)
    first = copied(school, INSTRUCTOR, sub="7", custom=item["custom"])
    second = copied(school, INSTRUCTOR, sub="9", custom=item["custom"])
    page = second.open()
    assert "copied course" in page.text
    mark = {"answer": "other", "choice": f"micro-credential/{school.achievement(BLIND)}"}
    late = prepared(second, mark)
    first.post("/copied-link", {"answer": "same"})
    assert late().headers["Location"].endswith(school.achievement())
    assert school.link_row("link-new").copy_state == "connected"


def prepared(visit: Any, data: dict[str, str]) -> Any:
    """The form as filled in now, to be sent later."""
    import re

    mark = re.search(r'name="csrf_token" value="([^"]+)"', visit.open().text)
    assert mark
    fields = {"csrf_token": mark[1], **data}
    return lambda: visit.browser.post(f"{visit.base}/copied-link", data=fields)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose one of the two."),
        ({"answer": "other"}, "Choose what it shall open."),
        ({"answer": "other", "choice": "submission/1"}, "Choose what it shall open."),
    ],
)
def test_an_answer_that_says_nothing(school: School, data: dict[str, str], words: str) -> None:
    page = copied(school, INSTRUCTOR).post("/copied-link", data)
    assert page.status_code == 422
    assert words in page.text
    assert school.link_row("link-new").copy_state == "asked"


def test_deciding_later_asks_again(school: School) -> None:
    item = picked_item(school)
    visit = copied(school, INSTRUCTOR, custom=item["custom"])
    assert visit.open(f"/micro-credential/{school.achievement()}").status_code == 200
    assert copied(school, INSTRUCTOR, custom=item["custom"]).path.endswith("/copied-link")


def test_a_duplicate_in_the_same_course_is_no_copied_course(school: School) -> None:
    item = picked_item(school)
    visit = school.link(INSTRUCTOR, custom=item["custom"], course=OLD, link="link-twin")
    assert visit.path.endswith(school.achievement())
    assert school.link_row("link-twin").copy_state is None


def test_an_item_picked_for_this_course_is_no_copy(school: School) -> None:
    item = picked_item(school, NEW)
    history = {"milepost_context_history": OLD, "milepost_link_history": "link-1"}
    school.link(INSTRUCTOR)
    visit = copied(school, INSTRUCTOR, custom={**item["custom"], **history})
    assert visit.path.endswith(school.achievement())


@pytest.mark.parametrize(
    "history",
    [
        {"milepost_link_history": "unknown, link-1"},
        {"milepost_link_history": "link-1"},
        {"milepost_context_history": "course-0,course-1"},
        {"milepost_item": "not-a-uuid", "milepost_context_history": " course-1 "},
    ],
)
def test_a_copy_is_known_by_its_history(school: School, history: dict[str, str]) -> None:
    """Canvas fills in the histories; links typed by hand have no item of ours."""
    school.link(INSTRUCTOR)
    visit = copied(school, INSTRUCTOR, custom=history)
    assert visit.path.endswith("/copied-link")
    assert school.link_row("link-new").copied_from == school.link_row("link-1").id


@pytest.mark.parametrize(
    "history",
    [
        {"milepost_link_history": "$ResourceLink.id.history"},
        {"milepost_context_history": "$Context.id.history"},
        {"milepost_link_history": "unknown", "milepost_context_history": "unknown"},
        {"milepost_context_history": NEW, "milepost_link_history": "link-new"},
        {"milepost_item": "6f0c1c1e-7a55-4d3e-9d52-0f0f3a1e2b4c"},
        {"milepost_item": "$Nothing", "milepost_link_history": ",,, ,"},
        {"milepost_link_history": "x" * 5000, "milepost_context_history": "\x00,é,\u202e"},
        {"milepost_link_history": None, "milepost_context_history": 7},
        {},
    ],
)
def test_histories_that_name_nothing(school: School, history: dict[str, Any]) -> None:
    school.link(INSTRUCTOR)
    visit = copied(school, INSTRUCTOR, custom=history or {"x": "y"})
    assert visit.path.endswith(school.achievement())


def test_a_page_that_is_the_same_for_everybody_is_never_asked_about(school: School) -> None:
    target = f"{school.base}/to/path"
    school.link(INSTRUCTOR, target=target)
    visit = copied(school, INSTRUCTOR, custom={"milepost_link_history": "link-1"}, target=target)
    assert visit.path.endswith("/path")


def test_choosing_anew_in_the_picker_settles_it(school: School) -> None:
    item = picked_item(school)
    visit = copied(school, INSTRUCTOR, custom=item["custom"])
    other = f"micro-credential/{school.achievement(BLIND)}"
    visit.post("/copied-link", {"answer": "other", "choice": other})
    again = school.pick(custom=item["custom"], context={"id": NEW, "title": "New"})
    (newer,) = school.content_items(school.picked(again, QUESTIONS))[1][f"{DL}content_items"]
    opened = copied(school, LEARNER, sub="8", custom=newer["custom"])
    assert opened.path.endswith(school.achievement())
    assert school.link_row("link-new").copy_state is None


@pytest.mark.parametrize("answer", ["same", None])
def test_two_courses_never_share_work(school: School, answer: str | None) -> None:
    """One person in both courses, one micro-credential, the same custom: two pieces of work."""
    item = picked_item(school)
    first = school.link(LEARNER, sub="8", custom=item["custom"], course=OLD, link=f"link-{OLD}")
    sent = school.send(first)
    coach = copied(school, INSTRUCTOR, sub="9", custom=item["custom"])
    if answer:
        coach.post("/copied-link", {"answer": answer})
    second = copied(school, LEARNER, sub="8", custom=item["custom"])
    assert "Begin a draft" in second.open().text
    sent_too = school.send(second)
    assert sent != sent_too
    old, new = school.rows(Submission)
    assert old.assignment_id != new.assignment_id
    assert {str(old.resource_link_id), str(new.resource_link_id)} == {
        str(row.id) for row in school.rows(ResourceLink)
    }
    contexts = {row.context_id for row in school.rows(Assignment)}
    assert len(contexts) == 2
    # The new course's coach finds the new course's work alone.
    queue = coach.open("/queue").text
    assert queue.count("/claim") == 1
    assert coach.open(f"/work/{sent}").status_code == 403
    assert coach.open(f"/work/{sent_too}").status_code == 200


def test_two_deployments_with_one_course_id_are_two_courses(school: School) -> None:
    """Some platforms count courses from one for every school."""
    from lti_tool.lti.models import Platform
    from lti_tool.lti.registration import add_deployment

    runtime = school.runtime
    with runtime.database.transaction(school.organisation.scope) as session:
        platform = session.get_one(Platform, school.installation.platform_id)
        add_deployment(session, platform, "other-school", now=runtime.now())
    school.installation.tool.platforms.forget()
    one = school.link(LEARNER, sub="8")
    other = school.link(LEARNER, sub="8", deployment_id="other-school")
    assert school.send(one) != school.send(other)
    assert len({row.assignment_id for row in school.rows(Submission)}) == 2
