"""What a launch leaves: the roster's address, and no more of a person than the level allows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from core.identity import Person
from lti_tool.courses.models import Context
from lti_tool.lti.models import Platform
from tests.lti_tool.lti.messages.school import NRPS, School
from tests.support.hostile_platform import ABSENT, INSTRUCTOR, LEARNER


def set_level(school: School, level: str) -> None:
    table: Any = Platform.__table__
    with school.runtime.database.transaction() as session:
        session.connection().execute(update(table).values(privacy_level=level))
    school.installation.tool.platforms.forget()


@pytest.fixture(autouse=True)
def _full_again(school: School) -> Any:
    yield
    set_level(school, "full")


@pytest.mark.parametrize(
    ("level", "name", "email"),
    [
        ("full", "Person 8", "p8@school.example"),
        ("name", "Person 8", None),
        ("email", None, "p8@school.example"),
        ("pseudonymous", None, None),
        ("a word of the future", None, None),
    ],
)
def test_what_is_above_the_level_is_not_kept(
    school: School, level: str, name: str | None, email: str | None
) -> None:
    set_level(school, level)
    visit = school.link(LEARNER, sub="8")
    (person,) = school.rows(Person)
    assert (person.name, person.email) == (name, email)
    assert (person.given_name is None) == (name is None)
    page = visit.open()
    assert page.status_code == 200
    assert ("Person" in page.text) == (name is not None)


@pytest.mark.parametrize("roles", [[LEARNER], [INSTRUCTOR]])
def test_the_rosters_address_is_kept(school: School, roles: list[str]) -> None:
    url = f"{school.installation.platform.issuer}/memberships/1"
    school.link(*roles, **{NRPS: {"context_memberships_url": url, "service_versions": ["2.0"]}})
    assert [row.memberships_url for row in school.rows(Context)] == [url]
    school.link(*roles)
    assert [row.memberships_url for row in school.rows(Context)] == [url]


@pytest.mark.parametrize(
    "claim", ["x", [], {}, {"context_memberships_url": 7}, None,
              {"context_memberships_url": "javascript:alert(1)"},
              {"context_memberships_url": "http://lms.example/1"}],
)  # fmt: skip
def test_an_odd_roster_claim_is_no_trouble(school: School, claim: Any) -> None:
    assert school.link(LEARNER, **{NRPS: claim}).answer.status_code == 303
    assert [row.memberships_url for row in school.rows(Context)] == [None]


def test_every_message_comes_in_with_almost_nothing(school: School) -> None:
    bare = {"name": ABSENT, "given_name": ABSENT, "family_name": ABSENT, "email": ABSENT,
            "context": ABSENT, "custom": ABSENT, "launch_presentation": ABSENT}  # fmt: skip
    assert school.pick(**bare).open().status_code == 200
    assert school.review(LEARNER, sub="7", about="7", resource_link=ABSENT,
                         **bare).open().status_code == 200  # fmt: skip
    assert school.launch(LEARNER, **bare).open().status_code == 200
