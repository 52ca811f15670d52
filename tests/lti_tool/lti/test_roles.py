"""What platforms' roles mean: context roles first, sub-roles by their principal, no promotions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.identity import Role
from lti_tool.lti.roles import is_test_user, milepost_roles

LIS = "http://purl.imsglobal.org/vocab/lis/v2/"
CONTEXT, SUB = f"{LIS}membership#", f"{LIS}membership/"
INSTITUTION, SYSTEM = f"{LIS}institution/person#", f"{LIS}system/person#"
URN = "urn:lti:role:ims/lis/"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
TEACHER, COACH = frozenset({Role.TEACHER}), frozenset({Role.COACH})
BOTH, NOBODY = TEACHER | COACH, frozenset[Role]()

CASES: dict[str, tuple[list[str], frozenset[Role]]] = {
    "learner": ([f"{CONTEXT}Learner"], TEACHER),
    "learner, short": (["Learner"], TEACHER),
    "learner, URN": ([f"{URN}Learner"], TEACHER),
    "student, as some say": (["Student"], TEACHER),
    "instructor": ([f"{CONTEXT}Instructor"], COACH),
    "instructor, URN with a sub-role": ([f"{URN}Instructor/GuestInstructor"], COACH),
    "teaching assistant": ([f"{CONTEXT}TeachingAssistant"], COACH),
    "teaching assistant, as a sub-role": ([f"{SUB}Instructor#TeachingAssistant"], COACH),
    "guest instructor": ([f"{SUB}Instructor#GuestInstructor"], COACH),
    "guest instructor beside instructor, as Canvas says": (
        [f"{SUB}Instructor#GuestInstructor", f"{CONTEXT}Instructor"], COACH),
    "guest learner": ([f"{SUB}Learner#GuestLearner"], TEACHER),
    "a learner who is called instructor": ([f"{SUB}Learner#Instructor"], TEACHER),
    "mentor, a parent who looks on": ([f"{CONTEXT}Mentor"], NOBODY),
    "mentor, short": (["Mentor"], NOBODY),
    "a mentor who is called instructor": ([f"{SUB}Mentor#Instructor"], NOBODY),
    "mentor beside learner": ([f"{CONTEXT}Mentor", f"{CONTEXT}Learner"], TEACHER),
    "both, as a co-teacher who takes part": ([f"{CONTEXT}Instructor", f"{CONTEXT}Learner"], BOTH),
    "content developer": ([f"{CONTEXT}ContentDeveloper"], NOBODY),
    "administrator of a course": ([f"{CONTEXT}Administrator"], NOBODY),
    "Moodle's switched role": ([f"{CONTEXT}Learner", f"{INSTITUTION}Administrator"], TEACHER),
    "institution's instructor alone": ([f"{INSTITUTION}Instructor"], NOBODY),
    "institution's faculty alone": ([f"{INSTITUTION}Faculty", f"{INSTITUTION}Staff"], NOBODY),
    "institution's student alone": ([f"{INSTITUTION}Student"], TEACHER),
    "institution's learner alone": ([f"{INSTITUTION}Learner"], TEACHER),
    "institution's instructor who learns here": (
        [f"{INSTITUTION}Instructor", f"{CONTEXT}Learner"], TEACHER),
    "institution's student who teaches here": (
        [f"{INSTITUTION}Student", f"{CONTEXT}Instructor"], COACH),
    "institution's student who looks on here": (
        [f"{INSTITUTION}Student", f"{CONTEXT}Mentor"], NOBODY),
    "system's administrator alone": ([f"{SYSTEM}SysAdmin", f"{SYSTEM}User"], NOBODY),
    "test student, as Canvas says": ([f"{CONTEXT}Learner", TEST_USER], TEACHER),
    "test student alone": ([TEST_USER], NOBODY),
    "unknown principal": ([f"{SUB}Wizard#Instructor"], NOBODY),
    "unknown words": (["Juggler", "https://example.org/roles#Odd", "", "learner"], NOBODY),
    "nothing": ([], NOBODY),
}  # fmt: skip


@pytest.mark.parametrize(("said", "meant"), CASES.values(), ids=CASES.keys())
def test_roles(said: list[str], meant: frozenset[Role]) -> None:
    assert milepost_roles(said) == meant
    assert milepost_roles(said[::-1]) == meant


@pytest.mark.parametrize("said", [[TEST_USER], [f"{CONTEXT}Learner", TEST_USER]])
def test_the_test_student_is_known(said: list[str]) -> None:
    assert is_test_user(said)


@pytest.mark.parametrize("said", [[], [f"{CONTEXT}Learner"], ["TestUser"], [f"{SYSTEM}User"]])
def test_nobody_else_is_the_test_student(said: list[str]) -> None:
    assert not is_test_user(said)


@pytest.mark.parametrize("wanted", ["lead", "administrator", "owner", "", 7, None])
def test_no_override_gives_more_than_a_coach(wanted: Any) -> None:
    assert milepost_roles(["Juggler"], {"Juggler": wanted}) == NOBODY


def test_an_override_wins_over_the_table_and_over_institution_roles() -> None:
    overrides = {f"{CONTEXT}Instructor": "teacher"}
    assert milepost_roles([f"{CONTEXT}Instructor"], overrides) == TEACHER
    said = [f"{CONTEXT}Learner", f"{INSTITUTION}Student"]
    assert milepost_roles(said, {f"{CONTEXT}Learner": None}) == NOBODY


parts = st.lists(
    st.sampled_from([LIS, "membership", "institution/person", "system/person", "/", "#", URN,
                     "Learner", "Instructor", "Administrator", "TeachingAssistant"]), max_size=6
).map("".join)  # fmt: skip


@given(st.lists(parts | st.text(max_size=20), max_size=5))
def test_no_words_make_anybody_lead_or_administrator(said: list[str]) -> None:
    assert milepost_roles(said) <= BOTH
