"""Correcting a platform that is registered: the same rules, and seen by whoever runs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from core.errors import NotFoundError, UnprocessableError
from core.identity import Organisation, create_organisation
from core.scope import Scope
from lti_tool.lti.models import Platform
from lti_tool.lti.platforms import STALE_AFTER, Platforms
from lti_tool.lti.registration import change_platform, list_platforms
from tests.lti_tool.lti.certification.cases import assert_refused
from tests.lti_tool.lti.harness import Browser, Installation


def change(installation: Installation, scope: Scope, **changes: Any) -> Platform:
    runtime = installation.runtime
    with runtime.database.transaction(scope) as session:
        return change_platform(session, installation.platform_id, now=runtime.now(), **changes)


def stored(installation: Installation, scope: Scope) -> dict[str, Any]:
    with installation.runtime.database.snapshot(scope) as session:
        [row] = list_platforms(session)
        return {column.key: getattr(row, column.key) for column in Platform.__table__.columns}


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"name": " Our LMS "}, "name", "Our LMS"),
        ({"auth_login_url": "https://l.example/auth"}, "auth_login_url", "https://l.example/auth"),
        ({"auth_token_url": "https://l.example/token"}, "auth_token_url",
         "https://l.example/token"),
        ({"jwks_url": "https://l.example/keys"}, "jwks_url", "https://l.example/keys"),
        ({"token_audience": "https://l.example"}, "token_audience", "https://l.example"),
        ({"frame_origins": ["https://a.example", "https://*.b.example"]}, "frame_origins",
         ["https://a.example", "https://*.b.example"]),
        ({"verifies_emails": True}, "verifies_emails", True),
    ],
)  # fmt: skip
def test_what_is_given_changes_and_nothing_else(
    installation: Installation, organisation: Organisation, changes: Any, column: str, value: Any
) -> None:
    before = stored(installation, organisation.scope)
    change(installation, organisation.scope, **changes)
    assert stored(installation, organisation.scope) == {**before, column: value}


def test_what_was_given_can_be_taken_back(
    installation: Installation, organisation: Organisation
) -> None:
    before = stored(installation, organisation.scope)
    change(installation, organisation.scope, verifies_emails=True, disabled=True,
           token_audience="https://l.example")  # fmt: skip
    change(installation, organisation.scope, verifies_emails=False, disabled=False,
           token_audience="")  # fmt: skip
    assert stored(installation, organisation.scope) == before


def test_switching_off_twice_keeps_the_first_moment(
    installation: Installation, organisation: Organisation
) -> None:
    first = change(installation, organisation.scope, disabled=True).disabled_at
    assert first is not None
    assert change(installation, organisation.scope, disabled=True).disabled_at == first


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"auth_login_url": "javascript:alert(1)"},
        {"auth_token_url": "http://lms.example/token"},
        {"jwks_url": ""},
        {"frame_origins": ["*"]},
        {"frame_origins": ["https://a.example; script-src *"]},
        {"token_audience": "a\nb"},
    ],
)
def test_what_could_not_be_registered_is_no_change_either(
    installation: Installation, organisation: Organisation, changes: dict[str, Any]
) -> None:
    before = stored(installation, organisation.scope)
    with pytest.raises(UnprocessableError) as refused:
        change(installation, organisation.scope, verifies_emails=True, **changes)
    assert set(refused.value.fields) == set(changes)
    assert stored(installation, organisation.scope) == before


def test_a_platform_of_others_and_one_that_is_not_there(
    installation: Installation, organisation: Organisation
) -> None:
    runtime = installation.runtime
    with runtime.database.transaction() as session:
        other = create_organisation(session, name="Other", slug="other")
    with pytest.raises(NotFoundError):
        change(installation, other.scope, name="Mine")
    installation.platform_id = uuid.uuid4()
    with pytest.raises(NotFoundError):
        change(installation, organisation.scope, name="Nobody's")


def test_a_running_process_follows_within_five_seconds(
    browser: Browser, installation: Installation, organisation: Organisation
) -> None:
    clock = [0.0]
    installation.tool.platforms = Platforms(
        installation.runtime.database, monotonic=lambda: clock[0]
    )
    browser.json_wanted = True
    assert browser.login().status_code == 302
    change(installation, organisation.scope, disabled=True)
    clock[0] += STALE_AFTER
    assert STALE_AFTER <= 5
    assert_refused(browser.login(), 403, "platform_disabled")
    change(
        installation, organisation.scope, disabled=False,
        auth_login_url="https://moved.example/auth", frame_origins=["https://moved.example"],
    )  # fmt: skip
    clock[0] += STALE_AFTER
    answer = browser.login()
    assert answer.headers["Location"].startswith("https://moved.example/auth?")
    refused = browser.login(login_hint="")
    policy = refused.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://moved.example" in policy
