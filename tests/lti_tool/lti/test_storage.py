"""Launches whose cookie is lost, tied to their browser by the platform's own storage."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from tests.lti_tool.lti.certification.cases import PEOPLE, nothing_stored
from tests.lti_tool.lti.harness import ACHIEVEMENT, Browser, Installation, cookie_names
from tests.support.hostile_platform import Pending

PARENT = {"lti_storage_target": "_parent"}


def data(page: TestResponse) -> dict[str, str]:
    """What a page's element says to its script, with the fields of its form."""
    text = page.get_data(as_text=True)
    found = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', text))
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    return {name: unescape(value) for name, value in {**found, **fields}.items()}


def begin(browser: Browser, **changes: Any) -> tuple[Pending, dict[str, str]]:
    """A login that was offered storage, and what its page has kept there."""
    answer = browser.login(**{**PARENT, **changes})
    assert answer.status_code == 200
    address = re.search(r'href="([^"]+/auth\?[^"]+)"', answer.get_data(as_text=True))
    assert address is not None
    pending = Pending.read(unescape(address[1]), browser.installation.target)
    said = data(answer)
    kept = {said["state-key"]: said["state"], said["nonce-key"]: said["nonce"]}
    return pending, kept


def asked(browser: Browser, pending: Pending, **changes: Any) -> TestResponse:
    """The launch comes without the login's cookie, and is answered by the page that asks."""
    browser.client._cookies.clear()
    answer = browser.finish(pending, **changes)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer


def post(
    browser: Browser, page: TestResponse, kept: dict[str, str], origin: str | None = "", **more: Any
) -> TestResponse:
    """What the page's script posts once the platform's page has answered."""
    said = data(page)
    fields = {
        "id_token": said["id_token"],
        "state": said["state"],
        "stored_state": kept.get(said["state-key"], ""),
        "stored_nonce": kept.get(said["nonce-key"], ""),
        **more,
    }
    base = browser.installation.base
    headers = {**browser.headers(), **({} if origin is None else {"Origin": origin or base})}
    return browser.client.post("/lti/launch/storage", base_url=base, headers=headers, data=fields)


def test_the_login_page_keeps_state_and_nonce_and_sets_the_cookie_all_the_same(
    browser: Browser, installation: Installation
) -> None:
    answer = browser.login(lti_storage_target="post_message_forwarding")
    said = data(answer)
    assert said["frame"] == "post_message_forwarding"
    assert said["origin"] == installation.server.url
    [cookie] = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-milepost-login-")
    assert "Partitioned" in cookie
    assert answer.headers["Cache-Control"] == "no-store"
    assert said["state"] not in said["state-key"]
    pending, kept = begin(browser)
    assert list(kept.values()) == [pending.state, pending.nonce]


def test_where_the_cookie_comes_back_nothing_is_asked(browser: Browser) -> None:
    pending, _kept = begin(browser)
    assert browser.follow(browser.finish(pending))["page"] == ACHIEVEMENT


@pytest.mark.parametrize("roles", PEOPLE.values(), ids=PEOPLE.keys())
def test_a_lost_cookie_is_made_good_by_what_the_platform_kept(
    browser: Browser, roles: list[str]
) -> None:
    pending, kept = begin(browser)
    page = asked(browser, pending, roles=roles)
    answer = post(browser, page, kept)
    assert browser.follow(answer)["page"] == ACHIEVEMENT
    assert len(cookie_names(answer)) == 1  # the session's; what showed that cookies stick is gone


def test_either_database_remembers_what_was_offered(any_installation: Installation) -> None:
    browser = any_installation.browser()
    pending, kept = begin(browser)
    assert post(browser, asked(browser, pending), kept).status_code == 303
    pending, kept = begin(browser)
    asked(browser, pending)
    browser.client._cookies.clear()
    assert browser.finish(browser.begin()).status_code == 303


def test_the_page_that_asks_can_be_read_and_used_without_its_script(
    browser: Browser, installation: Installation
) -> None:
    pending, _kept = begin(browser)
    text = asked(browser, pending).get_data(as_text=True)
    assert "open the activity in a new window" in text
    found = re.search(r'href="(/lti/window/[^"]+)"', text)
    assert found is not None
    window = installation.browser()
    login = window.get(found[1])
    assert login.status_code == 302  # a window keeps cookies, so its login needs no storage
    again = Pending.read(login.headers["Location"], installation.target)
    assert window.follow(window.finish(again))["page"] == ACHIEVEMENT


def test_only_the_platform_may_show_the_pages_in_a_frame(
    browser: Browser, installation: Installation
) -> None:
    wanted = f"frame-ancestors 'self' {installation.server.url}"
    assert wanted in browser.login(**PARENT).headers["Content-Security-Policy"]
    pending, _kept = begin(browser)
    assert wanted in asked(browser, pending).headers["Content-Security-Policy"]


def test_a_browser_that_keeps_no_cookie_at_all_is_led_to_a_window(
    browser: Browser, installation: Installation
) -> None:
    pending, kept = begin(browser)
    page = asked(browser, pending)
    browser.client._cookies.clear()
    with nothing_stored(installation):
        answer = post(browser, page, kept)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "storage_blocked" in text
    found = re.search(r'href="(/lti/window/[^"]+)"', text)
    assert found is not None
    assert installation.browser().get(found[1]).status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"stored_state": ""},
        {"stored_nonce": ""},
        {"stored_state": "state-another"},
        {"stored_nonce": "another"},
    ],
    ids=["no state", "no nonce", "another state", "another nonce"],
)
def test_anything_but_what_was_kept_is_of_another_browser(
    browser: Browser, installation: Installation, wrong: dict[str, str]
) -> None:
    pending, kept = begin(browser)
    page = asked(browser, pending)
    with nothing_stored(installation):
        answer = post(browser, page, kept, **wrong)
    assert answer.status_code == 403
    assert "state_mismatch" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "origin", [None, "null", "https://elsewhere.example", "https://milepost.test.elsewhere.example"]
)
def test_no_page_but_ours_may_post_what_was_kept(
    browser: Browser, installation: Installation, origin: str | None
) -> None:
    """Who began the login knows it all, and might have somebody else's browser post it."""
    pending, kept = begin(browser)
    page = asked(browser, pending)
    with nothing_stored(installation):
        answer = post(browser, page, kept, origin)
    assert answer.status_code == 403
    assert "state_mismatch" in answer.get_data(as_text=True)


def test_a_login_that_was_offered_no_storage_is_not_proven_by_any(
    browser: Browser, installation: Installation
) -> None:
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending))
    browser.client._cookies.clear()
    fields = {"id_token": token, "state": pending.state, "stored_state": pending.state,
              "stored_nonce": pending.nonce}  # fmt: skip
    answer = browser.client.post(
        "/lti/launch/storage",
        base_url=installation.base,
        headers={"Origin": installation.base},
        data=fields,
    )
    assert answer.status_code == 403


def test_what_was_kept_launches_once(browser: Browser, installation: Installation) -> None:
    pending, kept = begin(browser)
    page = asked(browser, pending)
    assert post(browser, page, kept).status_code == 303
    with nothing_stored(installation):
        answer = post(browser, page, kept)
    assert answer.status_code == 409
    assert "launch_reused" in answer.get_data(as_text=True)


def test_no_storage_makes_up_for_a_token_that_is_not_genuine(
    browser: Browser, installation: Installation
) -> None:
    pending, kept = begin(browser)
    page = asked(browser, pending)
    with nothing_stored(installation):
        head, body, signature = data(page)["id_token"].split(".")
        answer = post(browser, page, kept, id_token=f"{head}.{body}.{signature[:-8]}")
    assert answer.status_code == 401
    browser.client._cookies.clear()
    assert browser.finish(pending, aud="another").status_code == 401


@pytest.mark.parametrize(
    "frame", ["", "a b", "x" * 65, "<script>alert(1)</script>", '"', "é", "-", "\n_parent"]
)
def test_a_name_that_no_frame_has_is_no_offer(browser: Browser, frame: str) -> None:
    answer = browser.login(lti_storage_target=frame)
    assert answer.status_code == 302
    assert urlsplit(answer.headers["Location"]).path == "/auth"


def test_a_page_of_its_own_without_cookies_is_not_sent_to_another(
    browser: Browser, installation: Installation
) -> None:
    """As in an LMS's app whose web view keeps nothing: another window would not either."""
    pending = browser.begin()
    token = installation.platform.token(installation.platform.claims(pending))
    bare = installation.browser()
    answer = bare.client.post(
        "/lti/launch",
        base_url=installation.base,
        headers={"Sec-Fetch-Dest": "document"},
        data={"id_token": token, "state": pending.state},
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "storage_blocked" in text
    assert "/lti/window/" not in text
    assert "own browser" in unescape(text)
    assert "Back to Alder Valley LMS" in text
