"""400 claims_invalid, claim by claim; and what must go through."""

from __future__ import annotations

from typing import Any

import pytest

from core.identity import Organisation, Person, Role, grant
from core.scope import unscoped
from lti_tool.lti.models import Platform
from tests.lti_tool.lti.certification.cases import launched_refusal
from tests.lti_tool.lti.harness import ACHIEVEMENT, Browser, Installation
from tests.support.hostile_platform import ABSENT, INSTRUCTOR, LEARNER, MEMBERSHIP

INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
BASE = "https://milepost.test"
BARE = f"{BASE}/lti/launch"


WRONG: dict[str, list[Any]] = {
    "version": [ABSENT, None, "1.1", "1.3", 1.3, ["1.3.0"]],
    "message_type": [ABSENT, None, "", "Unknown", 7, ["LtiResourceLinkRequest"]],
    "resource_link": [ABSENT, None, "link-1", [], {}, {"id": None}, {"id": 7}, {"id": ""},
                      {"id": "x" * 256}, {"id": "a\0b"}, {"id": "\ud800"}],
    "target_link_uri": [ABSENT, None, f"{BASE}/to/home", 7],
    "sub": [ABSENT, "", "x" * 256, "a\nb", "\ud800"],
    "context": ["course-1", [], 7, {"id": 7}, {"title": "x"}, {"id": "\0"}],
    "custom": ["a=b", ["a"], 7],
    "deployment_id": [7, ["1"], "x" * 256],
    "roles": [ABSENT, None, "Learner", 7, [7], ["Learner", None], {"Learner": 1}],
}  # fmt: skip


def told(value: Any) -> str:
    """A value as the name of a test."""
    return "absent" if value is ABSENT else f"{value!a}"[:20]


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        pytest.param(claim, value, id=f"{claim} {told(value)}")
        for claim, wrong in WRONG.items()
        for value in wrong
    ],
)
def test_a_claim_that_is_missing_or_wrong(
    browser: Browser, installation: Installation, roles: list[str], claim: str, value: Any
) -> None:
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(platform.claims(pending, **{"roles": roles, claim: value})),
        400,
        "claims_invalid",
        claim,
    )


UNSAFE = {
    "javascript": "javascript:alert(1)",
    "plain http": "http://lms.example/course",
    "no scheme": "//elsewhere.example",
    "data": "data:text/html,x",
    "a host in disguise": "https://lms.example\\@elsewhere.example",
    "a user name": "https://user:word@lms.example/",
    "no host": "course/1",
    "a line break": "https://lms.example/\r\nLocation: https://elsewhere.example",
}


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/", "https://elsewhere.example/?lms.example", "https://lms.e"]
)
def test_a_return_address_on_another_site(
    browser: Browser, installation: Installation, roles: list[str], url: str
) -> None:
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(
            platform.claims(pending, roles=roles, launch_presentation={"return_url": url})
        ),
        400,
        "claims_invalid",
        "return_url_elsewhere",
    )


@pytest.mark.parametrize("url", UNSAFE.values(), ids=UNSAFE.keys())
def test_a_return_address_that_must_not_be_linked(
    browser: Browser, installation: Installation, roles: list[str], url: str
) -> None:
    platform = installation.platform
    shown = {"document_target": "iframe", "return_url": url}
    launched_refusal(
        browser,
        lambda pending: platform.token(
            platform.claims(pending, roles=roles, launch_presentation=shown)
        ),
        400,
        "claims_invalid",
        "return_url",
    )


def test_a_refusal_after_a_genuine_token_leads_back_to_the_course(
    browser: Browser, installation: Installation
) -> None:
    page = browser.launch(version="1.1").get_data(as_text=True)
    assert f'href="{installation.server.url}/course/1"' in page
    assert 'target="_top"' in page


def test_a_refusal_never_links_what_an_unproven_token_says(
    browser: Browser, installation: Installation
) -> None:
    shown = {"return_url": f"{installation.server.url}/trap"}
    page = browser.launch(iss="forged", launch_presentation=shown).get_data(as_text=True)
    assert "/trap" not in page


@pytest.mark.parametrize(
    ("lti_roles", "wanted"),
    [
        ([LEARNER], ["teacher"]),
        (["Learner"], ["teacher"]),
        (["Instructor"], ["coach"]),
        ([INSTRUCTOR, LEARNER], ["coach", "teacher"]),
        ([f"{MEMBERSHIP}TeachingAssistant"], ["coach"]),
        (["http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"],
         ["coach"]),
        (["http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#GuestInstructor"],
         ["coach"]),
        (["http://purl.imsglobal.org/vocab/lis/v2/membership/Learner#GuestLearner"], ["teacher"]),
        ([f"{MEMBERSHIP}ContentDeveloper"], []),
        ([f"{MEMBERSHIP}Administrator", "Administrator", "ContentDeveloper"], []),
        ([f"{INSTITUTION}Instructor", LEARNER], ["teacher"]),
        ([f"{INSTITUTION}Administrator", LEARNER], ["teacher"]),
        ([f"{INSTITUTION}Instructor"], []),
        ([f"{INSTITUTION}Student"], ["teacher"]),
        ([f"{INSTITUTION}Student", INSTRUCTOR], ["coach"]),
        (["Juggler", "https://example.org/roles#Odd", ""], []),
        (["<script>alert(1)</script>"], []),
        ([], []),
    ],
)  # fmt: skip
def test_roles_that_must_succeed(browser: Browser, lti_roles: list[str], wanted: list[str]) -> None:
    assert browser.follow(browser.launch(roles=lti_roles))["roles"] == wanted


@pytest.mark.parametrize(
    "missing",
    [
        ("name", "given_name", "family_name", "email"),
        ("name", "given_name", "family_name"),
        ("email",),
        ("name",),
    ],
    ids=["nothing personal", "e-mail only", "names only", "parts of a name"],
)
def test_launches_with_little_personal_data(
    browser: Browser, roles: list[str], missing: tuple[str, ...]
) -> None:
    answer = browser.launch(roles=roles, **dict.fromkeys(missing, ABSENT))
    page = browser.follow(answer)
    expected = None if "given_name" in missing else "Mara Example"
    assert page["name"] == expected


def test_a_launch_without_a_context(browser: Browser, roles: list[str]) -> None:
    page = browser.follow(browser.launch(roles=roles, context=ABSENT))
    assert page["context_id"] is None


@pytest.mark.parametrize("claim", ["context", "custom", "launch_presentation"])
def test_an_optional_claim_that_is_null_counts_as_absent(browser: Browser, claim: str) -> None:
    assert browser.launch(**{claim: None}).status_code == 303


@pytest.mark.parametrize("name", ["$Person.name.full", "", None, 7, ["x"], "   "])
def test_a_name_that_says_nothing_counts_as_absent(browser: Browser, name: Any) -> None:
    answer = browser.launch(name=name, given_name=ABSENT, family_name=ABSENT)
    assert browser.follow(answer)["name"] is None


def test_names_with_markup_and_odd_signs_are_kept_as_they_are(browser: Browser) -> None:
    page = browser.follow(browser.launch(name="Zoë <b>&amp;</b> O'Néill\0\ud800\n"))
    assert page["name"] == "Zoë <b>&amp;</b> O'Néill"


def test_what_changed_is_noted_at_each_launch_and_silence_changes_nothing(
    browser: Browser, installation: Installation
) -> None:
    first = browser.follow(browser.launch(name="Mara Before"))
    second = browser.follow(browser.launch(name="Mara After"))
    third = browser.follow(browser.launch(name=ABSENT, given_name=ABSENT, family_name=ABSENT))
    assert first["person_id"] == second["person_id"] == third["person_id"]
    assert (second["name"], third["name"]) == ("Mara After", "Mara After")


def test_the_test_student_is_marked(browser: Browser, installation: Installation) -> None:
    browser.follow(browser.launch(roles=[LEARNER, TEST_USER]))
    assert only_person(installation).is_test


@pytest.mark.parametrize("verifies", [True, False])
def test_addresses_count_as_verified_where_an_administrator_says_so(
    browser: Browser, installation: Installation, verifies: bool
) -> None:
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        row = session.get(Platform, installation.platform_id)
        assert row is not None
        row.verifies_emails = verifies
    browser.launch()
    assert (only_person(installation).verified_email is not None) is verifies


def test_a_new_address_is_not_verified_because_the_old_one_was(
    browser: Browser, installation: Installation
) -> None:
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        row = session.get(Platform, installation.platform_id)
        assert row is not None
        row.verifies_emails = True
        browser_platform = row.id
    browser.launch()
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        row = session.get(Platform, browser_platform)
        assert row is not None
        row.verifies_emails = False
    installation.tool.platforms.forget()
    browser.launch(email="new@school.example")
    person = only_person(installation)
    assert (person.email, person.verified_email) == ("new@school.example", None)


def test_an_anonymous_launch_needs_the_platforms_opt_in(
    browser: Browser, installation: Installation
) -> None:
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        row = session.get(Platform, installation.platform_id)
        assert row is not None
        row.anonymous_allowed = True
    installation.tool.platforms.forget()
    bare = dict.fromkeys(("sub", "name", "given_name", "family_name", "email"), ABSENT)
    first, second = (browser.follow(browser.launch(**bare)) for _ in range(2))
    assert first["person_id"] != second["person_id"]
    assert installation.counts()["lti_platform_users"] == 0


def test_lead_and_administrator_come_from_grants_alone(
    browser: Browser, installation: Installation, organisation: Organisation
) -> None:
    assert browser.follow(browser.launch(roles=["Administrator"]))["roles"] == []
    with installation.runtime.database.transaction(organisation.scope) as session:
        person = session.get(Person, only_person(installation).id)
        assert person is not None
        grant(session, person, Role.LEAD, source="test", now=installation.runtime.now())
    assert browser.follow(browser.launch(roles=[LEARNER]))["roles"] == ["lead", "teacher"]


def test_a_platforms_own_roles_can_be_mapped(browser: Browser, installation: Installation) -> None:
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        row = session.get(Platform, installation.platform_id)
        assert row is not None
        row.role_overrides = {"Juggler": "coach", LEARNER: None}
    assert browser.follow(browser.launch(roles=["Juggler", LEARNER]))["roles"] == ["coach"]


def test_a_bare_launch_goes_home_or_where_the_custom_parameter_says(browser: Browser) -> None:
    def page(**custom: Any) -> Any:
        pending = browser.begin(target_link_uri=BARE)
        return browser.follow(browser.finish(pending, custom=custom))["page"]

    assert page() == "home"
    assert page(milepost="$ResourceLink.milepost") == "home"
    assert page(milepost=f"micro-credential/{ACHIEVEMENT}") == ACHIEVEMENT


def test_a_custom_parameter_that_names_no_page(browser: Browser) -> None:
    pending = browser.begin(target_link_uri=BARE)
    assert browser.finish(pending, custom={"milepost": "elsewhere"}).status_code == 400


def test_the_links_own_address_wins_over_the_custom_parameter(browser: Browser) -> None:
    answer = browser.launch(custom={"milepost": "home"})
    assert browser.follow(answer)["page"] == ACHIEVEMENT


def only_person(installation: Installation) -> Person:
    from sqlalchemy import select

    with installation.runtime.database.snapshot() as session, unscoped(session, "test"):
        return session.scalars(select(Person)).one()


def test_odd_signs_are_no_trouble_to_either_database(any_installation: Installation) -> None:
    browser = any_installation.browser()
    odd = "a\0b\ud800c"
    answer = browser.launch(
        name=odd,
        email=odd,
        locale=odd,
        zoneinfo="America",
        roles=[odd, "\0", LEARNER, *["x" * 5000] * 3],
        context={"id": "course-1", "title": odd, "label": "\0"},
        resource_link={"id": "link-1", "title": odd},
        custom={odd: odd, "milepost": odd},
        launch_presentation={"document_target": odd, "locale": odd},
        **{AGS: {"scope": [odd, 7, "\0"], "lineitem": odd, "lineitems": 7}},
    )
    page = browser.follow(answer)
    assert (page["name"], page["roles"]) == ("a b c", ["teacher"])
