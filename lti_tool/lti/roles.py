"""What a platform's roles mean here: our own table, context roles first.

LTI 1.3 Core, appendix A.2. A context role counts as URI, as sub-role URI and by its short name.
Institution roles are a help only where no context role is known, and never more than a learner's:
every teacher is an Instructor of some institution. Lead is never an LMS's to give, administrator
only where one of ours has allowed it for that platform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.identity import Role

VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
GRANTABLE = (Role.TEACHER, Role.COACH)

_CONTEXT = {
    "Learner": Role.TEACHER,
    "Student": Role.TEACHER,
    "Instructor": Role.COACH,
    "TeachingAssistant": Role.COACH,
}
_INSTITUTION_LEARNERS = {"Learner", "Student"}
# Who may change an LMS for everybody. An administrator of a course or of a group is none of these.
_LMS_ADMINISTRATORS = {
    f"{VOCABULARY}institution/person#Administrator",
    f"{VOCABULARY}system/person#Administrator",
    f"{VOCABULARY}system/person#SysAdmin",
    f"{VOCABULARY}system/person#AccountAdmin",
}
_CONTEXT_ROLE = re.compile(
    r"(?:http://purl\.imsglobal\.org/vocab/lis/v2/membership(?:/(?P<principal>\w+))?#"
    r"|urn:lti:role:ims/lis/)(?P<name>\w+)(?:/\w+)?"
)
_INSTITUTION_ROLE = re.compile(
    r"http://purl\.imsglobal\.org/vocab/lis/v2/(?:institution|system)/person#(?P<name>\w+)"
)


def milepost_roles(
    lti_roles: Sequence[str], overrides: Mapping[str, Any] | None = None
) -> frozenset[Role]:
    """Our roles for a launch's `roles`, which may be empty or hold words nobody knows.

    `overrides` maps a platform's role to `teacher`, `coach` or nothing, and wins over the table.
    """
    found: set[Role] = set()
    known = False
    for role in lti_roles:
        mapped, is_context = _one(role, overrides or {})
        known = known or is_context
        if mapped:
            found.add(mapped)
    if not known and any(_is_institution_learner(role) for role in lti_roles):
        found.add(Role.TEACHER)
    return frozenset(found)


def is_lms_administrator(lti_roles: Sequence[str]) -> bool:
    """Whether the LMS says that this person administers all of it; by full URI only."""
    return not is_test_user(lti_roles) and any(role in _LMS_ADMINISTRATORS for role in lti_roles)


def is_test_user(lti_roles: Sequence[str]) -> bool:
    """Whether this is the LMS's test student (Canvas: "student view")."""
    return TEST_USER in lti_roles


def _one(role: str, overrides: Mapping[str, Any]) -> tuple[Role | None, bool]:
    """What one role means, and whether it is a context role that we know."""
    if role in overrides:
        wanted = overrides[role]
        return (Role(wanted) if wanted in GRANTABLE else None), True
    match = _CONTEXT_ROLE.fullmatch(role)
    if match is None:
        return _CONTEXT.get(role), role in _CONTEXT
    # A sub-role is what its principal is: there is a Learner#Instructor and a Mentor#Instructor.
    return _CONTEXT.get(match["principal"] or match["name"]), True


def _is_institution_learner(role: str) -> bool:
    match = _INSTITUTION_ROLE.fullmatch(role)
    return match is not None and match["name"] in _INSTITUTION_LEARNERS
