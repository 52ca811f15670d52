"""Administrators of an LMS administer here only where one of ours has allowed it for that LMS."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from core.identity import RoleGrant
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.courses.models import Membership
from lti_tool.lti.models import Platform
from lti_tool.lti.roles import TEST_USER, VOCABULARY, is_lms_administrator
from tests.lti_tool.lti.harness import Browser, Installation
from tests.support.hostile_platform import ABSENT, INSTRUCTOR

INSTITUTION = f"{VOCABULARY}institution/person#Administrator"
SYSTEM = f"{VOCABULARY}system/person#Administrator"
COURSE = f"{VOCABULARY}membership#Administrator"
SHORT = "urn:lti:sysrole:ims/lis/Administrator"


def allow(installation: Installation, *, allowed: bool = True) -> None:
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        session.get_one(Platform, installation.platform_id).administrators_allowed = allowed
    installation.tool.platforms.forget()


def roles(browser: Browser, **changes: Any) -> list[str]:
    return list(browser.follow(browser.launch(**changes))["roles"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([INSTITUTION], True),
        ([SYSTEM], True),
        ([f"{VOCABULARY}system/person#SysAdmin"], True),
        ([INSTRUCTOR, INSTITUTION], True),
        ([INSTITUTION, TEST_USER], False),
        ([COURSE], False),
        (["Administrator"], False),
        ([SHORT], False),
        ([f"{VOCABULARY}institution/person#Instructor"], False),
        ([INSTITUTION.upper()], False),
        ([], False),
    ],
)
def test_only_who_administers_the_whole_lms_counts(given: list[str], expected: bool) -> None:
    assert is_lms_administrator(given) is expected


def test_an_lms_makes_no_administrators_by_itself(browser: Browser) -> None:
    assert "administrator" not in roles(browser, roles=[INSTITUTION, SYSTEM, INSTRUCTOR])


def test_where_it_is_allowed_they_come_in_as_administrators(
    browser: Browser, installation: Installation
) -> None:
    allow(installation)
    assert roles(browser, roles=[INSTITUTION, INSTRUCTOR]) == ["administrator", "coach"]
    assert roles(browser, roles=[INSTITUTION]) == ["administrator"]
    assert roles(browser, roles=[COURSE, INSTRUCTOR]) == ["coach"]


def test_it_is_kept_nowhere_so_it_ends_when_the_lms_or_we_take_it_back(
    browser: Browser, installation: Installation, runtime: Runtime
) -> None:
    allow(installation)
    assert "administrator" in roles(browser, roles=[INSTITUTION])
    assert "administrator" not in roles(browser, roles=[INSTRUCTOR])
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        assert session.scalars(select(RoleGrant)).all() == []
        kept = session.scalars(select(Membership.roles)).all()
    assert all("administrator" not in row for row in kept)
    allow(installation, allowed=False)
    assert "administrator" not in roles(browser, roles=[INSTITUTION])


def test_nobody_in_particular_is_never_an_administrator(
    browser: Browser, installation: Installation, runtime: Runtime
) -> None:
    allow(installation)
    with runtime.database.transaction() as session, unscoped(session, "test"):
        session.get_one(Platform, installation.platform_id).anonymous_allowed = True
    installation.tool.platforms.forget()
    assert "administrator" not in roles(browser, roles=[INSTITUTION], sub=ABSENT)
