"""The launch request: state, cookie, nonce, and the token's outer form."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.lti_tool.lti.certification.cases import (
    launched_refusal,
    nothing_stored,
    refused_twice,
)
from tests.lti_tool.lti.harness import Browser, Installation, body_of
from tests.support.hostile_platform import ABSENT, Pending, segment


@pytest.mark.parametrize("path", ["/lti/launch", "/lti/launch/storage"])
def test_a_launch_is_never_a_get(
    browser: Browser, installation: Installation, roles: list[str], path: str
) -> None:
    form = launch_form(installation, browser.begin(), roles)
    answer = refused_twice(
        browser, lambda: browser.get(path, query_string=form), 405, "method_not_allowed"
    )
    assert answer.headers["Allow"] == "POST"
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_launch_is_posted_and_nothing_else(browser: Browser, method: str) -> None:
    with nothing_stored(browser.installation):
        answer = browser.client.open(
            "/lti/launch", method=method, base_url=browser.installation.base
        )
    assert answer.status_code == 405


@pytest.mark.parametrize(
    "error", ["login_required", "invalid_request", "<script>alert(1)</script>"]
)
def test_an_error_from_the_platform(browser: Browser, roles: list[str], error: str) -> None:
    pending = browser.begin()
    form = {"error": error, "error_description": "<b>Nobody</b>", "state": pending.state}
    posted(browser, form, 401, "login_required", unsaid=("alert(1)", "<b>Nobody</b>"))


def posted(
    browser: Browser, form: dict[str, Any], status: int, code: str, **more: Any
) -> TestResponse:
    """A launch form that is refused, with a way back to the platform whose login it answers."""
    return refused_twice(
        browser,
        lambda: browser.post("/lti/launch", data=form),
        status,
        code,
        **{"way_back": browser.installation.server.url, **more},
    )


@pytest.mark.parametrize("token", [None, ""], ids=["absent", "empty"])
def test_no_id_token(browser: Browser, roles: list[str], token: str | None) -> None:
    pending = browser.begin()
    form = {"state": pending.state, **({"id_token": token} if token is not None else {})}
    posted(browser, form, 400, "token_missing")


def test_over_64_kb(browser: Browser, installation: Installation, roles: list[str]) -> None:
    platform = installation.platform
    launched_refusal(
        browser,
        lambda pending: platform.token(platform.claims(pending, roles=roles, padding="x" * 70_000)),
        413,
        "token_too_large",
    )


HEAD = segment({"alg": "RS256"})
MALFORMED = {
    "one part": ("x", "parts"),
    "two parts": ("a.b", "parts"),
    "four parts": ("a.b.c.d", "parts"),
    "empty parts": ("..", "header"),
    "no ASCII": ("é.é.é", "header"),
    "header no JSON": ("a.b.c", "header"),
    "header a list": (f"{segment([])}.{segment({})}.AAAA", "header"),
    "payload a list": (f"{HEAD}.{segment([1, 2])}.AAAA", "payload"),
    "payload a text": (f"{HEAD}.{segment('text')}.AAAA", "payload"),
    "payload no JSON": (f"{HEAD}.{segment(b'not json')}.AAAA", "payload"),
    "payload without end": (f"{HEAD}.{segment(b'[' * 20_000)}.AAAA", "payload"),
    "signature no base64": (f"{HEAD}.{segment({})}.!!!!", "signature"),
}


@pytest.mark.parametrize(("token", "reason"), MALFORMED.values(), ids=MALFORMED.keys())
def test_not_three_parts_or_not_a_json_object(
    browser: Browser, roles: list[str], token: str, reason: str
) -> None:
    launched_refusal(browser, lambda _pending: token, 400, "token_malformed", reason)


def test_a_signed_list_is_no_message(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    launched_refusal(
        browser, lambda _pending: installation.platform.token([{"roles": roles}]), 400,
        "token_malformed",
    )  # fmt: skip


STATES = {
    "absent": None,
    "empty": "",
    "unknown": "state-unknown",
    "of no login": "state-" + "0" * 32 + ".x",
    "NUL": "\0",
    "no ASCII": "é",
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES.keys())
def test_state_absent_or_unknown(
    browser: Browser, installation: Installation, roles: list[str], state: str | None
) -> None:
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending, roles=roles))
    form = {"id_token": token, **({"state": state} if state is not None else {})}
    posted(browser, form, 400, "state_invalid", way_back=None)


def test_a_state_with_the_right_login_but_another_secret_is_unknown(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending, roles=roles))
    guessed = pending.state.rpartition(".")[0] + ".guessed"
    form = {"id_token": token, "state": guessed}
    posted(browser, form, 400, "state_invalid", way_back=None, unsaid=(guessed,))


def test_state_expired(browser: Browser, installation: Installation, roles: list[str]) -> None:
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending, roles=roles))
    real = installation.runtime.clock
    installation.runtime.clock = lambda: real() + timedelta(minutes=11)
    posted(browser, {"id_token": token, "state": pending.state}, 400, "state_invalid")


def test_no_cookie_and_no_storage_offers_a_new_window(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    pending = browser.begin()
    bare = installation.browser()
    token = installation.platform.token(installation.platform.claims(pending, roles=roles))
    refused_twice(
        bare,
        lambda: bare.post_token(pending, token),
        403,
        "storage_blocked",
        way_back=installation.server.url,
    )
    bare.json_wanted = False
    page = bare.post_token(pending, token).get_data(as_text=True)
    assert 'href="/lti/window/' in page
    assert 'target="_blank"' in page


def test_state_of_another_browser(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    pending = browser.begin()
    other = installation.browser()
    other.begin()  # so it does keep cookies
    form = launch_form(installation, pending, roles)
    posted(other, form, 403, "state_mismatch")
    assert browser.finish(pending).status_code == 303


def launch_form(installation: Installation, pending: Pending, roles: list[str]) -> dict[str, Any]:
    platform = installation.platform
    token = platform.token(platform.claims(pending, roles=roles))
    return {"id_token": token, "state": pending.state}


def test_a_cookie_of_the_right_name_with_another_value_is_another_browser(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    pending = browser.begin()
    [cookie] = browser.client._cookies.values()
    other = installation.browser()
    other.client.set_cookie(cookie.key, "guessed", domain="milepost.test")
    posted(other, launch_form(installation, pending, roles), 403, "state_mismatch")


def test_the_same_launch_again(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending, roles=roles))
    assert browser.post_token(pending, token).status_code == 303
    posted(browser, {"id_token": token, "state": pending.state}, 409, "launch_reused")


def test_a_used_nonce_under_a_fresh_state(
    browser: Browser, installation: Installation, roles: list[str]
) -> None:
    platform = installation.platform
    used = browser.begin()
    assert browser.finish(used).status_code == 303
    launched_refusal(
        browser,
        lambda pending: platform.token(platform.claims(pending, roles=roles, nonce=used.nonce)),
        409,
        "launch_reused",
    )


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


NONCES = {
    "absent": ABSENT,
    "null": None,
    "empty": "",
    "a number": 7,
    "a list": ["x"],
    "an object": {},
    "true": True,
}


@pytest.mark.parametrize("nonce", NONCES.values(), ids=NONCES.keys())
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
def test_duplicated_parameters(browser: Browser, roles: list[str], name: str) -> None:
    pending = browser.begin()
    form: dict[str, Any] = {"state": pending.state, "id_token": "x", name: ["x", "y"]}
    posted(browser, form, 400, "duplicate_parameter", way_back=None)


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
