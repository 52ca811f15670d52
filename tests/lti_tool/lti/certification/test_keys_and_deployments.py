"""The platform's key set: silent, slow, wrong, rotated; and deployments that are not ours."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from core.identity import Organisation
from lti_tool.lti.keysets import KeySets
from lti_tool.lti.registration import add_deployment, add_platform
from tests.lti_tool.lti.certification.cases import (
    assert_refused,
    for_everybody,
    launched_refusal,
    nothing_stored,
)
from tests.lti_tool.lti.harness import Browser, Installation
from tests.support.hostile_platform import ABSENT, HostilePlatform, public_jwk, rsa_key
from tests.support.local_http import Answer, LocalServer, Request, local_server

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


def honest(browser: Browser, **header: Any) -> Any:
    platform = browser.installation.platform
    return lambda pending: platform.token(platform.claims(pending), **header)


@for_everybody
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


@pytest.mark.parametrize(
    "body",
    [HTML.body, b"", b"{}", b'{"keys": []}', b'{"keys": {}}', b'{"keys": [1]}', b"[]", b"null",
     b'{"keys": ' * 5000],
)  # fmt: skip
def test_a_key_set_without_keys(browser: Browser, installation: Installation, body: bytes) -> None:
    keys_answer(installation, Answer(body=body))
    answer = launched_refusal(browser, honest(browser), 503, "platform_keys_invalid")
    assert "Retry-After" in answer.headers


def test_a_key_set_beyond_all_measure(browser: Browser, installation: Installation) -> None:
    keys_answer(installation, Answer(body=b" " * 300_000))
    launched_refusal(browser, honest(browser), 503, "platform_keys_unavailable")


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
    browser: Browser, installation: Installation, clock: Clock
) -> None:
    assert browser.launch().status_code == 303
    installation.platform.keys = [public_jwk(rsa_key("next"), "key-2")]
    clock.now += 3600
    launched_refusal(browser, honest(browser), 401, "token_invalid", "kid_unknown")


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
    browser: Browser, installation: Installation, clock: Clock
) -> None:
    assert browser.launch().status_code == 303
    clock.now += 6
    for number in range(20):
        launched_refusal(
            browser, honest(browser, kid=f"made-up-{number}"), 401, "token_invalid", "kid_unknown"
        )
    assert installation.server.count("/jwks.json") == 2
    assert browser.launch().status_code == 303


def test_a_token_for_somebody_else_fetches_nothing(
    browser: Browser, installation: Installation
) -> None:
    browser.json_wanted = True
    assert_refused(browser.launch(aud="somebody-else"), 401, "token_invalid", reason="aud")
    assert installation.server.count("/jwks.json") == 0


def test_a_platform_that_stalls_delays_nobody_else(
    installation: Installation, organisation: Organisation
) -> None:
    released, reached = threading.Event(), threading.Event()

    def stall(_request: Request) -> Answer:
        reached.set()
        released.wait(30)
        return Answer(503)

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
            assert installation.browser().launch().status_code == 303
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


def second_platform(
    installation: Installation, organisation: Organisation, server: LocalServer
) -> Installation:
    """Another platform of the same installation."""
    runtime = installation.runtime
    platform = HostilePlatform(issuer=server.url)
    with runtime.database.transaction(organisation.scope) as session:
        row = add_platform(
            session, organisation, name="Slow LMS", family="sandbox", site_url=server.url,
            client_id=platform.client_id, now=runtime.now(),
        )  # fmt: skip
        add_deployment(session, row, platform.deployment_id, now=runtime.now())
    return Installation(runtime, installation.app, installation.tool, server, platform, row.id)


@for_everybody
def test_foreign_deployment(browser: Browser, installation: Installation, roles: list[str]) -> None:
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(
            platform.claims(pending, roles=roles, deployment_id="another")
        ),
        403,
        "deployment_unknown",
    )


@for_everybody
@pytest.mark.parametrize("deployment", [ABSENT, None, ""])
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
    browser: Browser, installation: Installation, organisation: Organisation
) -> None:
    with local_server() as elsewhere:
        other = second_platform(installation, organisation, elsewhere)
        with installation.runtime.database.transaction(organisation.scope) as session:
            from lti_tool.lti.models import Platform

            row = session.get(Platform, other.platform_id)
            assert row is not None
            add_deployment(session, row, "only-there", now=installation.runtime.now())
        platform = installation.platform
        launched_refusal(
            browser,
            lambda pending: platform.token(platform.claims(pending, deployment_id="only-there")),
            403,
            "deployment_unknown",
        )


def test_a_deployment_added_a_moment_ago_is_known(
    browser: Browser, installation: Installation, organisation: Organisation
) -> None:
    from lti_tool.lti.models import Platform

    assert browser.launch().status_code == 303
    with installation.runtime.database.transaction(organisation.scope) as session:
        row = session.get(Platform, installation.platform_id)
        assert row is not None
        add_deployment(session, row, "2", now=installation.runtime.now())
    assert browser.launch(deployment_id="2").status_code == 303


def test_a_platform_disabled_between_login_and_launch(
    browser: Browser, installation: Installation
) -> None:
    from sqlalchemy import update

    from core.scope import unscoped
    from lti_tool.lti.models import Platform

    browser.json_wanted = True
    pending = browser.begin()
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        session.execute(update(Platform).values(disabled_at=installation.runtime.now()))
    installation.tool.platforms.forget()
    with nothing_stored(installation):
        answer = browser.finish(pending)
    assert_refused(answer, 403, "platform_disabled")
