"""Messages that are not answered: nothing is stored, nothing is echoed, none is a 500."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.lti_tool.lti.certification.cases import (
    PEOPLE,
    assert_refused,
    assert_refused_page,
    nothing_stored,
)
from tests.lti_tool.lti.messages.school import AGS, DL, School, Visit
from tests.support.hostile_platform import ABSENT, CLAIM, INSTRUCTOR, LEARNER

for_everybody = pytest.mark.parametrize("roles", PEOPLE.values(), ids=PEOPLE.keys())
QUESTIONS, BLIND = "Questions That Open", "Seen Without Names"
SCRIPT = "<script>alert(1)</script>"


def refused(
    school: School, come: Callable[[Any], Visit], status: int, code: str, reason: str | None = None
) -> None:
    """As a page and as JSON; only the login's own row is there afterwards."""
    for json_wanted in (False, True):
        browser = school.installation.browser()
        browser.json_wanted = json_wanted
        with nothing_stored(school.installation, lti_logins=1):
            visit = come(browser)
        if json_wanted:
            assert_refused(visit.answer, status, code, reason=reason)
        else:
            assert SCRIPT not in assert_refused_page(visit.answer, status, code).replace(
                "&lt;", "<"
            )


SETTINGS: dict[str, tuple[Any, str]] = {
    "missing": (ABSENT, "deep_linking_settings"),
    "null": (None, "deep_linking_settings"),
    "a list": ([], "deep_linking_settings"),
    "a text": (SCRIPT, "deep_linking_settings"),
    "no return url": ({"deep_link_return_url": ABSENT}, "deep_link_return_url"),
    "return url null": ({"deep_link_return_url": None}, "deep_link_return_url"),
    "return url javascript": ({"deep_link_return_url": "javascript:alert(1)"},
                              "deep_link_return_url"),
    "return url data": ({"deep_link_return_url": "data:text/html,x"}, "deep_link_return_url"),
    "return url plain http": ({"deep_link_return_url": "http://lms.example/back"},
                              "deep_link_return_url"),
    "return url relative": ({"deep_link_return_url": "/back"}, "deep_link_return_url"),
    "return url with a user": ({"deep_link_return_url": "https://a@lms.example/back"},
                               "deep_link_return_url"),
    "return url too long": ({"deep_link_return_url": "https://lms.example/" + "x" * 2000},
                            "deep_link_return_url"),
    "types missing": ({"accept_types": ABSENT}, "accept_types"),
    "types a text": ({"accept_types": "ltiResourceLink"}, "accept_types"),
    "types of numbers": ({"accept_types": [1]}, "accept_types"),
    "targets missing": ({"accept_presentation_document_targets": ABSENT},
                        "accept_presentation_document_targets"),
    "targets a text": ({"accept_presentation_document_targets": "iframe"},
                       "accept_presentation_document_targets"),
    "multiple a number": ({"accept_multiple": 7}, "accept_multiple"),
    "line items a list": ({"accept_lineitem": []}, "accept_lineitem"),
    "data a book": ({"data": "x" * 17_000}, "deep_linking_data"),
}  # fmt: skip


@for_everybody
@pytest.mark.parametrize("case", SETTINGS)
def test_deep_linking_settings_that_cannot_be_used(
    school: School, roles: list[str], case: str
) -> None:
    changes, reason = SETTINGS[case]

    def come(browser: Any) -> Visit:
        if isinstance(changes, dict):
            return school.pick(*roles, settings=changes, browser=browser)
        claim = {f"{DL}deep_linking_settings": changes}
        return school.pick(*roles, browser=browser, **claim)

    refused(school, come, 400, "claims_invalid", reason)


def test_a_learner_picks_nothing(school: School) -> None:
    refused(school, lambda browser: school.pick(LEARNER, browser=browser), 403, "picker_role")


@pytest.mark.parametrize("roles", [[], ["urn:unknown"], [f"{INSTRUCTOR}X"]])
def test_nobody_who_teaches_not_picks(school: School, roles: list[str]) -> None:
    refused(
        school, lambda browser: school.pick(LEARNER, *roles, browser=browser), 403, "picker_role"
    )


@for_everybody
@pytest.mark.parametrize("sub", [None, "", 7])
def test_picking_reviewing_and_asking_need_somebody(
    school: School, roles: list[str], sub: Any
) -> None:
    for come in (school.pick, school.review):
        visit = come(*roles, sub=sub)
        assert visit.answer.status_code in (400, 401)


FOR_USER: dict[str, Any] = {
    "missing": ABSENT, "null": None, "a text": "7", "empty": {}, "id null": {"user_id": None},
    "id a number": {"user_id": 7}, "id empty": {"user_id": ""}, "id a book": {"user_id": "7" * 300},
}  # fmt: skip


@for_everybody
@pytest.mark.parametrize("case", FOR_USER)
def test_a_review_must_say_whose_work(school: School, roles: list[str], case: str) -> None:
    claim = {f"{CLAIM}for_user": FOR_USER[case]}
    refused(
        school, lambda browser: school.review(*roles, browser=browser, **claim),
        400, "claims_invalid", "for_user",
    )  # fmt: skip


@for_everybody
@pytest.mark.parametrize(
    "endpoint", [ABSENT, None, "x", [], {}, {"lineitem": None}, {"lineitem": 3},
                 {"lineitem": "javascript:alert(1)"}, {"lineitem": "http://lms.example/1"}],
)  # fmt: skip
def test_a_review_must_say_of_which_column(school: School, roles: list[str], endpoint: Any) -> None:
    refused(
        school, lambda browser: school.review(*roles, browser=browser, **{AGS: endpoint}),
        400, "claims_invalid", "lineitem",
    )  # fmt: skip


@for_everybody
def test_a_review_whose_link_is_odd(school: School, roles: list[str]) -> None:
    for link in ("x", {"id": 5}, {}, []):
        visit = school.review(*roles, resource_link=link)
        assert visit.answer.status_code == 400


def test_a_learner_reviews_nobody_else(school: School) -> None:
    school.link(LEARNER, sub="8")
    school.link(LEARNER, sub="7")
    for about in ("8", "never-seen"):
        refused(
            school,
            lambda browser, about=about: school.review(  # type: ignore[misc]
                LEARNER, sub="7", about=about, browser=browser
            ),
            403, "review_role",
        )  # fmt: skip


def test_nobody_reviews_work_of_another_course(school: School) -> None:
    school.link(LEARNER, sub="8", course="course-2", link="link-2")
    school.link(INSTRUCTOR, sub="7")
    refused(
        school, lambda browser: school.review(INSTRUCTOR, sub="7", about="8", browser=browser),
        403, "review_foreign",
    )  # fmt: skip
    school.make_lead("7")
    refused(
        school, lambda browser: school.review(INSTRUCTOR, sub="7", about="8", browser=browser),
        403, "review_foreign",
    )  # fmt: skip


def test_a_coach_without_a_course_reviews_nobody(school: School) -> None:
    school.link(LEARNER, sub="8")
    refused(
        school,
        lambda browser: school.review(
            INSTRUCTOR, sub="7", about="8", context=ABSENT, browser=browser
        ),
        403, "review_foreign",
    )  # fmt: skip


@for_everybody
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({f"{CLAIM}for_user": ABSENT}, "for_user"),
        ({f"{CLAIM}for_user": "7"}, "for_user"),
        ({f"{CLAIM}for_user": {"user_id": 7}}, "for_user"),
        ({"context": {"id": "c"}}, "context"),
        ({"context": None}, "context"),
        ({"resource_link": {"id": "l"}}, "resource_link"),
    ],
)
def test_a_privacy_launch_of_the_wrong_shape(
    school: School, roles: list[str], claims: dict[str, Any], reason: str
) -> None:
    shape = {"context": ABSENT, "resource_link": ABSENT, f"{CLAIM}for_user": {"user_id": "7"}}
    refused(
        school,
        lambda browser: school.launch(
            *roles, message_type="DataPrivacyLaunchRequest", browser=browser, **{**shape, **claims}
        ),
        400, "claims_invalid", reason,
    )  # fmt: skip


@for_everybody
def test_nobody_asks_for_somebody_elses_data(school: School, roles: list[str]) -> None:
    school.link(LEARNER, sub="8")
    shape = {"context": ABSENT, "resource_link": ABSENT, f"{CLAIM}for_user": {"user_id": "8"}}
    refused(
        school,
        lambda browser: school.launch(
            *roles, message_type="DataPrivacyLaunchRequest", browser=browser, **shape
        ),
        403, "privacy_role",
    )  # fmt: skip


@for_everybody
@pytest.mark.parametrize(
    "message",
    ["LtiStartProctoring", "LtiDeepLinkingResponse", "ltiresourcelinkrequest", ["x"], {}, 1, ""],
)
def test_other_messages_are_not_answered(school: School, roles: list[str], message: Any) -> None:
    refused(
        school, lambda browser: school.launch(*roles, message_type=message, browser=browser),
        400, "claims_invalid", "message_type",
    )  # fmt: skip


PICKS: dict[str, tuple[dict[str, Any], list[str], dict[str, str], str]] = {
    "no activities here": ({"accept_types": ["link", "file"]}, [QUESTIONS], {},
                           "type_not_accepted"),
    "two where one is taken": ({"accept_multiple": False}, [QUESTIONS, BLIND], {}, "one_only"),
    "two where nothing is said": ({"accept_multiple": ABSENT}, [QUESTIONS, BLIND], {}, "one_only"),
    "two where the text is false": ({"accept_multiple": "false"}, [QUESTIONS, BLIND], {},
                                    "one_only"),
    "none": ({}, [], {}, "nothing_chosen"),
    "a column where none is made": ({"accept_lineitem": False}, [QUESTIONS], {"maximum_0": "10"},
                                    "item_invalid"),
    "a window where none is opened": ({"accept_presentation_document_targets": ["iframe"]},
                                      [QUESTIONS], {"shown_in_0": "window"}, "item_invalid"),
    "a place that nobody knows": ({}, [QUESTIONS], {"shown_in_0": SCRIPT}, "item_invalid"),
    "points not a number": ({}, [QUESTIONS], {"maximum_0": "NaN"}, "item_invalid"),
    "points without end": ({}, [QUESTIONS], {"maximum_0": "inf"}, "item_invalid"),
    "points below zero": ({}, [QUESTIONS], {"maximum_0": "-1"}, "item_invalid"),
    "zero points": ({}, [QUESTIONS], {"maximum_0": "0"}, "item_invalid"),
    "points beyond all measure": ({}, [QUESTIONS], {"maximum_0": "1e300"}, "item_invalid"),
    "no title": ({}, [QUESTIONS], {"title_0": " "}, "item_invalid"),
    "a title like a book": ({}, [QUESTIONS], {"title_0": "x" * 300}, "item_invalid"),
    "a date that is none": ({}, [QUESTIONS], {"opens_at_0": "tomorrow"}, "item_invalid"),
    "a year that is none": ({}, [QUESTIONS], {"opens_at_0": "0001-01-01T00:00"}, "item_invalid"),
    "an end before its beginning": ({}, [QUESTIONS], {"due_from_0": "2026-09-02T08:00",
                                    "due_until_0": "2026-09-01T08:00"}, "item_invalid"),
}  # fmt: skip


@pytest.mark.parametrize("case", PICKS)
def test_what_the_platform_does_not_accept_is_said_in_the_picker(school: School, case: str) -> None:
    settings, names, fields, code = PICKS[case]
    visit = school.pick(settings=settings)
    visit.open("/pick")
    with nothing_stored(school.installation):
        page = school.picked(visit, *names, **fields)
        assert page.status_code == 422
        assert 'class="errors' in page.text or "errors" in page.text
        assert SCRIPT not in page.text
        assert 'name="JWT"' not in page.text
        visit.browser.json_wanted = False
    assert school.rows_of_requests()[0].used_at is None
    assert code


@pytest.mark.parametrize(
    "choice", ["home/1", "micro-credential/x", "lead", "", SCRIPT, "submission/1"]
)
def test_a_choice_that_was_not_offered(school: School, choice: str) -> None:
    visit = school.pick()
    for path in ("/pick", "/pick/add"):
        page = visit.post(path, {"choice": choice, "title-0": "x"}, page="/pick")
        assert page.status_code == 422
        assert SCRIPT not in page.text


def test_another_session_has_nothing_to_pick(school: School) -> None:
    visit = school.link(INSTRUCTOR)
    assert visit.open("/pick").status_code == 404


def test_a_form_without_its_mark_picks_nothing(school: School) -> None:
    visit = school.pick()
    answer = visit.browser.post(f"{visit.base}/pick/add", data={"choice": "queue", "title-0": "x"})
    assert answer.status_code == 403


def test_scripts_in_titles_are_escaped(school: School) -> None:
    visit = school.pick()
    page = school.picked(visit, QUESTIONS, title_0=SCRIPT)
    assert page.status_code == 200
    assert SCRIPT not in page.text
    assert "&lt;script&gt;" in page.text
