"""The launch request: state, cookie, nonce, and the token's outer form."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.lti_tool.lti.certification.cases import (
    assert_refused,
    for_everybody,
    launched_refusal,
    nothing_stored,
)
from tests.lti_tool.lti.harness import Browser, Installation, body_of, cookie_names
from tests.support.hostile_platform import ABSENT, segment


def test_a_launch_is_never_a_get(browser: Browser, installation: Installation) -> None:
    browser.json_wanted = True
    with nothing_stored(installation):
        answer = browser.get("/lti/launch")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS" or "POST" in answer.headers["Allow"]
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "error", ["login_required", "invalid_request", "<script>alert(1)</script>"]
)
def test_an_error_from_the_platform(
    browser: Browser, installation: Installation, error: str
) -> None:
    browser.json_wanted = True
    pending = browser.begin()
    with nothing_stored(installation):
        answer = browser.post(
            "/lti/launch",
            data={"error": error, "error_description": error, "state": pending.state},
        )
    assert_refused(answer, 401, "login_required")
    assert "alert(1)" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("token", [None, ""])
def test_no_id_token(browser: Browser, installation: Installation, token: str | None) -> None:
    browser.json_wanted = True
    pending = browser.begin()
    form = {"state": pending.state, **({"id_token": token} if token is not None else {})}
    with nothing_stored(installation):
        answer = browser.post("/lti/launch", data=form)
    assert_refused(answer, 400, "token_missing")


@for_everybody
def test_over_64_kb(browser: Browser, installation: Installation, roles: list[str]) -> None:
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(platform.claims(pending, roles=roles, padding="x" * 70_000)),
        413,
        "token_too_large",
    )


@pytest.mark.parametrize(
    "token",
    [
        "x", "a.b", "a.b.c.d", "a.b.c", "..", "é.é.é",
        f"{segment({'alg': 'RS256'})}.{segment([1, 2])}.AAAA",
        f"{segment([])}.{segment({})}.AAAA",
        f"{segment({'alg': 'RS256'})}.{segment(b'not json')}.AAAA",
        f"{segment({'alg': 'RS256'})}.{segment(b'[' * 20_000)}.AAAA",
        f"{segment({'alg': 'RS256'})}.{segment('text')}.AAAA",
        f"{segment({'alg': 'RS256'})}.{segment({})}.!!!!",
    ],
)  # fmt: skip
def test_not_three_parts_or_not_a_json_object(browser: Browser, token: str) -> None:
    launched_refusal(browser, lambda _pending: token, 400, "token_malformed")


@for_everybody
def test_a_signed_list_is_no_message(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    launched_refusal(
        browser, lambda _pending: installation.platform.token([{"roles": roles}]), 400,
        "token_malformed",
    )  # fmt: skip


@pytest.mark.parametrize(
    "state", [None, "", "state-unknown", "state-" + "0" * 32 + ".x", "\0", "é"]
)
def test_state_absent_or_unknown(
    browser: Browser, installation: Installation, state: str | None
) -> None:
    browser.json_wanted = True
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending))
    form = {"id_token": token, **({"state": state} if state is not None else {})}
    with nothing_stored(installation):
        answer = browser.post("/lti/launch", data=form)
    assert_refused(answer, 400, "state_invalid")


def test_a_state_with_the_right_login_but_another_secret_is_unknown(browser: Browser) -> None:
    browser.json_wanted = True
    pending = browser.begin()
    pending.state = pending.state.rpartition(".")[0] + ".guessed"
    assert_refused(browser.finish(pending), 400, "state_invalid")


@for_everybody
def test_state_expired(browser: Browser, installation: Installation, roles: list[str]) -> None:
    browser.json_wanted = True
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending, roles=roles))
    real = installation.runtime.clock
    installation.runtime.clock = lambda: real() + timedelta(minutes=11)
    with nothing_stored(installation):
        answer = browser.post_token(pending, token)
    assert_refused(answer, 400, "state_invalid")


@for_everybody
def test_no_cookie_and_no_storage_offers_a_new_window(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    pending = browser.begin()
    bare = installation.browser()
    token = installation.platform.token(installation.platform.claims(pending, roles=roles))
    with nothing_stored(installation):
        answer = bare.post_token(pending, token)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "storage_blocked" in page
    assert 'href="/lti/window/' in page
    assert 'target="_blank"' in page
    assert cookie_names(answer) == []


def test_state_of_another_browser(browser: Browser, installation: Installation) -> None:
    pending = browser.begin()
    other = installation.browser()
    other.begin()  # so it does keep cookies
    other.json_wanted = True
    with nothing_stored(installation):
        answer = other.finish(pending)
    assert_refused(answer, 403, "state_mismatch")
    assert browser.finish(pending).status_code == 303


def test_a_cookie_of_the_right_name_with_another_value_is_another_browser(
    browser: Browser, installation: Installation
) -> None:
    pending = browser.begin()
    [cookie] = browser.client._cookies.values()
    other = installation.browser()
    other.client.set_cookie(cookie.key, "guessed", domain="milepost.test")
    other.json_wanted = True
    assert_refused(other.finish(pending), 403, "state_mismatch")


@for_everybody
def test_the_same_launch_again(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    browser.json_wanted = True
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending, roles=roles))
    assert browser.post_token(pending, token).status_code == 303
    with nothing_stored(installation):
        answer = browser.post_token(pending, token)
    assert_refused(answer, 409, "launch_reused")


def test_a_used_nonce_under_a_fresh_state(browser: Browser, installation: Installation) -> None:
    browser.json_wanted = True
    used = browser.begin()
    assert browser.finish(used).status_code == 303
    fresh = browser.begin()
    with nothing_stored(installation):
        answer = browser.finish(fresh, nonce=used.nonce)
    assert_refused(answer, 409, "launch_reused")


@for_everybody
def test_nonce_of_another_state(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    other = browser.begin()
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(platform.claims(pending, roles=roles, nonce=other.nonce)),
        400,
        "nonce_mismatch",
    )


@pytest.mark.parametrize("nonce", [ABSENT, None, "", 7, ["x"], {}, True])
@for_everybody
def test_nonce_missing_or_no_string(
    browser: Browser, installation: Installation, roles: list[str], nonce: Any
) -> None:
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(platform.claims(pending, roles=roles, nonce=nonce)),
        400,
        "nonce_invalid",
    )


@pytest.mark.parametrize("name", ["id_token", "state", "error"])
def test_duplicated_parameters(browser: Browser, installation: Installation, name: str) -> None:
    browser.json_wanted = True
    pending = browser.begin()
    form: dict[str, Any] = {"state": pending.state, "id_token": "x", name: ["x", "y"]}
    with nothing_stored(installation):
        answer = browser.post("/lti/launch", data=form)
    assert_refused(answer, 400, "duplicate_parameter")


def test_of_sixteen_simultaneous_launches_one_goes_through(any_installation: Installation) -> None:
    installation = any_installation
    first = installation.browser()
    assert first.launch().status_code == 303  # so that nothing else is contended
    pending = first.begin()
    token = installation.platform.token(installation.platform.claims(pending))
    answers = at_once(16, installation, first, lambda one: one.post_token(pending, token))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [303] + [409] * 15
    codes = {body_of(answer)["error"] for answer in answers if answer.status_code == 409}
    assert codes == {"launch_reused"}
    assert installation.counts()["web_sessions"] == 2


def test_sixteen_first_launches_of_one_person_make_one_person(
    any_installation: Installation,
) -> None:
    installation = any_installation
    first = installation.browser()
    waiting = []
    for _ in range(8):
        pending = first.begin()
        token = installation.platform.token(installation.platform.claims(pending))
        waiting.append((pending, token))
    answers = at_once(8, installation, first, lambda one: one.post_token(*waiting.pop()))
    assert [answer.status_code for answer in answers] == [303] * 8
    counts = installation.counts()
    wanted = ("people", "lti_platform_users", "contexts", "memberships", "lti_resource_links")
    assert {name: counts[name] for name in wanted} == dict.fromkeys(wanted, 1)


def at_once(number: int, installation: Installation, like: Browser, act: Any) -> list[TestResponse]:
    """`number` browsers with the cookies of `like` act at one moment."""
    gate, answers = threading.Barrier(number), []
    cookies = list(like.client._cookies.values())

    def run() -> None:
        one = installation.browser()
        one.json_wanted = True
        for cookie in cookies:
            one.client.set_cookie(cookie.key, cookie.value, domain="milepost.test")
        gate.wait(20)
        answers.append(act(one))

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == number
    return answers
