"""The platform's key set: silent, slow, wrong, rotated; and deployments that are not ours."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import update

from core.identity import Organisation
from core.scope import unscoped
from lti_tool.lti import keysets
from lti_tool.lti.keysets import KeySets
from lti_tool.lti.models import Platform
from lti_tool.lti.registration import add_deployment
from tests.lti_tool.lti.certification.cases import assert_refused, launched_refusal
from tests.lti_tool.lti.harness import Browser, Installation, second_platform
from tests.support.hostile_platform import (
    ABSENT,
    Pending,
    public_jwk,
    rsa_key,
)
from tests.support.local_http import Answer, Request, local_server

HTML = Answer(body=b"<!doctype html><title>Sign in</title>")


class Clock:
    """A monotonic clock that the test winds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(installation: Installation) -> Clock:
    wound = Clock()
    installation.tool.key_sets = KeySets(installation.runtime.http, monotonic=wound)
    return wound


def keys_answer(installation: Installation, answer: Answer | None) -> None:
    platform = installation.platform
    installation.server.routes["/jwks.json"] = lambda _request: (
        answer or Answer(body=platform.jwks())
    )


def honest(browser: Browser, roles: list[str] | None = None, **header: Any) -> Any:
    platform = browser.installation.platform
    said = {} if roles is None else {"roles": roles}
    return lambda pending: platform.token(platform.claims(pending, **said), **header)


@pytest.mark.parametrize("status", [500, 502, 503, 404, 302])
def test_a_key_set_that_fails_with_nothing_remembered(
    browser: Browser, installation: Installation, roles: list[str], status: int
) -> None:
    keys_answer(installation, Answer(status, headers={"Location": "/elsewhere"}))
    platform = installation.platform
    answer = launched_refusal(
        browser,
        lambda pending: platform.token(platform.claims(pending, roles=roles)),
        503,
        "platform_keys_unavailable",
    )
    assert answer.headers["Retry-After"] == "30"
    assert installation.server.count("/elsewhere") == 0


BODIES = {
    "HTML": HTML.body,
    "nothing": b"",
    "no keys": b"{}",
    "an empty list": b'{"keys": []}',
    "keys an object": b'{"keys": {}}',
    "keys no objects": b'{"keys": [1]}',
    "a list": b"[]",
    "null": b"null",
    "without end": b'{"keys": ' * 5000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_key_set_without_keys(
    browser: Browser, installation: Installation, roles: list[str], body: bytes
) -> None:
    keys_answer(installation, Answer(body=body))
    answer = launched_refusal(browser, honest(browser, roles), 503, "platform_keys_invalid")
    assert "Retry-After" in answer.headers


def test_a_key_set_beyond_all_measure(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    keys_answer(installation, Answer(body=b" " * 300_000))
    launched_refusal(browser, honest(browser, roles), 503, "platform_keys_unavailable")


def test_a_key_set_that_does_not_come_in_time(
    browser: Browser,
    installation: Installation,
    roles: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = threading.Event()

    def stall(_request: Request) -> Answer:
        released.wait(30)
        return Answer(503)

    monkeypatch.setattr(keysets, "TIMEOUT_SECONDS", 0.05)
    installation.server.routes["/jwks.json"] = stall
    try:
        answer = launched_refusal(browser, honest(browser, roles), 503, "platform_keys_unavailable")
    finally:
        released.set()
    assert answer.headers["Retry-After"] == "30"


def test_a_key_set_at_an_address_that_nobody_answers(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        session.execute(update(Platform).values(jwks_url="http://127.0.0.1:9/jwks.json"))
    launched_refusal(browser, honest(browser, roles), 503, "platform_keys_unavailable")


@pytest.mark.parametrize("answer", [HTML, Answer(503), Answer(body=b'{"keys": []}')])
def test_the_old_set_stays_when_a_new_one_cannot_be_had(
    browser: Browser, installation: Installation, clock: Clock, answer: Answer
) -> None:
    assert browser.launch().status_code == 303
    keys_answer(installation, answer)
    clock.now += 3600
    assert browser.launch().status_code == 303
    assert installation.server.count("/jwks.json") == 2
    clock.now += 25 * 3600
    browser.json_wanted = True
    assert browser.launch().status_code == 503


def test_a_key_taken_out_of_the_set_is_no_longer_good(
    browser: Browser, installation: Installation, clock: Clock, roles: list[str]
) -> None:
    assert browser.launch().status_code == 303
    installation.platform.keys = [public_jwk(rsa_key("next"), "key-2")]
    clock.now += 3600
    launched_refusal(browser, honest(browser, roles), 401, "token_invalid", "kid_unknown")


def test_keys_are_fetched_once_for_many_launches(
    browser: Browser, installation: Installation
) -> None:
    for _ in range(5):
        assert browser.launch().status_code == 303
    assert installation.server.count("/jwks.json") == 1


def test_a_rotated_key_is_accepted_after_one_fetch(
    browser: Browser, installation: Installation, clock: Clock
) -> None:
    platform = installation.platform
    assert browser.launch().status_code == 303
    platform.kid, platform.key_name = "key-2", "next"
    clock.now += 6
    assert browser.launch().status_code == 303
    assert browser.launch().status_code == 303
    assert installation.server.count("/jwks.json") == 2


def test_a_flood_of_unknown_keys_costs_one_fetch_in_five_seconds(
    browser: Browser, installation: Installation, clock: Clock, roles: list[str]
) -> None:
    assert browser.launch().status_code == 303
    clock.now += 6
    for number in range(10):
        launched_refusal(
            browser,
            honest(browser, roles, kid=f"made-up-{number}"),
            401,
            "token_invalid",
            "kid_unknown",
        )
    assert installation.server.count("/jwks.json") == 2
    assert browser.launch().status_code == 303


def test_a_token_for_somebody_else_fetches_nothing(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    browser.json_wanted = True
    answer = browser.launch(roles=roles, aud="somebody-else")
    assert_refused(answer, 401, "token_invalid", reason="aud")
    assert installation.server.count("/jwks.json") == 0


@pytest.mark.parametrize("late", [Answer(503), HTML, Answer(body=b"")], ids=["503", "HTML", ""])
def test_a_platform_that_stalls_delays_nobody_else(
    installation: Installation, organisation: Organisation, roles: list[str], late: Answer
) -> None:
    released, reached = threading.Event(), threading.Event()

    def stall(_request: Request) -> Answer:
        reached.set()
        released.wait(30)
        return late

    with local_server() as slow:
        slow.routes["/jwks.json"] = stall
        other = second_platform(installation, organisation, slow)
        waiting = other.browser()
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(waiting.launch()))
        thread.start()
        try:
            assert reached.wait(20)
            # While that launch waits for its platform, ours goes through.
            assert installation.browser().launch(roles=roles).status_code == 303
            assert answers == []
        finally:
            released.set()
            thread.join(30)
        assert answers[0].status_code == 503


def test_who_comes_while_keys_are_fetched_waits_a_moment_for_the_same_answer(
    installation: Installation,
) -> None:
    platform = installation.platform
    released, reached = threading.Event(), threading.Event()

    def slow(_request: Request) -> Answer:
        reached.set()
        released.wait(30)
        return Answer(body=platform.jwks())

    installation.server.routes["/jwks.json"] = slow
    url = f"{installation.server.url}/jwks.json"
    found: list[Any] = []

    def look() -> None:
        found.append(installation.tool.key_sets.find(url, platform.kid))

    threads = [threading.Thread(target=look) for _ in range(2)]
    threads[0].start()
    assert reached.wait(20)
    threads[1].start()
    released.set()
    for thread in threads:
        thread.join(20)
    assert len(found) == 2
    assert installation.server.count("/jwks.json") == 1


def test_foreign_deployment(browser: Browser, installation: Installation, roles: list[str]) -> None:
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(
            platform.claims(pending, roles=roles, deployment_id="another")
        ),
        403,
        "deployment_unknown",
        "waiting",
        stored={"lti_deployments": 1},
    )


@pytest.mark.parametrize("deployment", [ABSENT, None, ""], ids=["absent", "null", "empty"])
def test_no_deployment(
    browser: Browser, installation: Installation, roles: list[str], deployment: Any
) -> None:
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(
            platform.claims(pending, roles=roles, deployment_id=deployment)
        ),
        400,
        "deployment_missing",
    )


def test_a_deployment_of_another_platform_is_foreign(
    browser: Browser, installation: Installation, organisation: Organisation, roles: list[str]
) -> None:
    with local_server() as elsewhere:
        other = second_platform(installation, organisation, elsewhere)
        with installation.runtime.database.transaction(organisation.scope) as session:
            row = session.get(Platform, other.platform_id)
            assert row is not None
            add_deployment(session, row, "only-there", now=installation.runtime.now())
        platform = installation.platform
        launched_refusal(
            browser,
            lambda pending: platform.token(
                platform.claims(pending, roles=roles, deployment_id="only-there")
            ),
            403,
            "deployment_unknown",
            "waiting",
            stored={"lti_deployments": 1},
        )


def test_a_deployment_added_a_moment_ago_is_known(
    browser: Browser, installation: Installation, organisation: Organisation
) -> None:
    assert browser.launch().status_code == 303
    with installation.runtime.database.transaction(organisation.scope) as session:
        row = session.get(Platform, installation.platform_id)
        assert row is not None
        add_deployment(session, row, "2", now=installation.runtime.now())
    assert browser.launch(deployment_id="2").status_code == 303


def test_a_platform_disabled_between_login_and_launch(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    def disabled(pending: Pending) -> str:
        with installation.runtime.database.transaction() as session, unscoped(session, "test"):
            session.execute(update(Platform).values(disabled_at=installation.runtime.now()))
        installation.tool.platforms.forget()
        return str(honest(browser, roles)(pending))

    launched_refusal(browser, disabled, 403, "platform_disabled")
