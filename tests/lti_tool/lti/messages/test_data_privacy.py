"""The data privacy launch: what is kept about whoever asks, and the organisation's numbers."""

from __future__ import annotations

from typing import Any

from tests.lti_tool.lti.messages.school import ADMINISTRATOR, School
from tests.support.hostile_platform import ABSENT, CLAIM, LEARNER

SYSTEM_ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"


def ask(school: School, *roles: str, sub: str = "8", about: Any = "8") -> Any:
    for_user = {"user_id": about} if about is not None else {}
    return school.launch(
        *roles, sub=sub, message_type="DataPrivacyLaunchRequest", context=ABSENT,
        resource_link=ABSENT, **{f"{CLAIM}for_user": for_user},
    )  # fmt: skip


def test_a_learner_sees_their_own_in_numbers(school: School) -> None:
    school.send(school.link(LEARNER, sub="8"))
    visit = ask(school, LEARNER)
    page = visit.open()
    assert visit.path.endswith("/kept")
    for words in ("p8@school.example", "Course course-1", "1 submission, 1 revision"):
        assert words in page.text, words
    assert "All of Alder Valley Schools" not in page.text


def test_it_says_when_others_looked_without_saying_who(school: School) -> None:
    from tests.support.hostile_platform import INSTRUCTOR

    submission = school.send(school.link(LEARNER, sub="8"))
    school.link(INSTRUCTOR, sub="7").open(f"/work/{submission}")
    page = ask(school, LEARNER).open().text
    assert "read what you sent" in page
    assert "Person 7" not in page


def test_nameless_and_first_seen_people_are_told_kindly(school: School) -> None:
    visit = school.launch(
        LEARNER, sub="new", message_type="DataPrivacyLaunchRequest", context=ABSENT,
        resource_link=ABSENT, name=ABSENT, given_name=ABSENT, family_name=ABSENT, email=ABSENT,
        **{f"{CLAIM}for_user": {}},
    )  # fmt: skip
    assert visit.open().text.count("Not known: your LMS does not send it.") == 2


def test_administrators_see_the_organisations_numbers(school: School) -> None:
    school.send(school.link(LEARNER, sub="8"))
    for role in (ADMINISTRATOR, SYSTEM_ADMINISTRATOR):
        page = ask(school, role, sub="2", about="8").open().text
        assert "All of Alder Valley Schools" in page
        assert "p8@school.example" not in page


def test_everybody_opens_it_from_their_own_visit(school: School) -> None:
    assert school.link(LEARNER, sub="8").open("/kept").status_code == 200
