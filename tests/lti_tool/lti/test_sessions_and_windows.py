"""Tabs, people and browsers side by side; the way through a window of our own; our public keys."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.lti import logins
from tests.lti_tool.lti.certification.cases import assert_refused, nothing_stored
from tests.lti_tool.lti.harness import (
    ACHIEVEMENT,
    Browser,
    Installation,
    cookie_names,
    ensure_tool_key,
)
from tests.support.hostile_platform import INSTRUCTOR, LEARNER, Pending


def test_the_session_cookie_survives_in_a_third_party_frame(browser: Browser) -> None:
    answer = browser.launch()
    session, login = answer.headers.getlist("Set-Cookie")
    assert re.match(r"__Host-milepost-[0-9a-f-]{36}=[\w-]{40,};", session)
    for attribute in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
        assert attribute in session
    assert login.startswith("__Host-milepost-login-")
    assert "Max-Age=0" in login
    assert answer.headers["Location"].startswith("/s/")


def test_the_page_may_be_framed_by_the_platform_alone(
    browser: Browser, installation: Installation
) -> None:
    answer = browser.launch()
    page = browser.get(urlsplit(answer.headers["Location"]).path)
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {installation.server.url}" in policy


def test_two_tabs_log_in_and_launch_in_any_order(browser: Browser) -> None:
    first, second = browser.begin(), browser.begin()
    one = browser.finish(second, context={"id": "course-2"}, resource_link={"id": "link-2"})
    other = browser.finish(first)
    assert browser.follow(one)["context_id"] != browser.follow(other)["context_id"]
    assert (
        browser.follow(one)["data"]["resource_link_id"]
        != browser.follow(other)["data"]["resource_link_id"]
    )


def test_two_people_in_one_browser_stay_apart(browser: Browser) -> None:
    teacher = browser.launch(sub="7", name="Mara Example", roles=[LEARNER])
    coach = browser.launch(sub="8", name="Ines Example", roles=[INSTRUCTOR])
    for _ in range(2):
        assert browser.follow(teacher)["name"] == "Mara Example"
        assert browser.follow(coach)["name"] == "Ines Example"
    assert browser.follow(teacher)["roles"] == ["teacher"]
    assert browser.follow(coach)["roles"] == ["coach"]


def test_a_session_opens_in_no_other_browser(browser: Browser, installation: Installation) -> None:
    answer = browser.launch()
    other = installation.browser()
    assert other.get(urlsplit(answer.headers["Location"]).path).status_code == 401


def test_a_platforms_people_are_its_own(browser: Browser) -> None:
    one, other = (browser.follow(browser.launch(sub=sub)) for sub in ("7", "07"))
    assert one["person_id"] != other["person_id"]


def ticket_of(installation: Installation, pending: Pending) -> str:
    """The way into a new window that a browser without cookies is offered."""
    bare = installation.browser()
    page = bare.finish(pending).get_data(as_text=True)
    found = re.search(r'href="(/lti/window/[^"]+)"', page)
    assert found is not None
    return found[1]


def test_a_window_of_our_own_begins_the_login_anew_and_the_launch_goes_through(
    browser: Browser, installation: Installation
) -> None:
    ticket = ticket_of(installation, browser.begin())
    window = installation.browser()
    login = window.get(ticket)
    assert login.status_code == 302
    again = Pending.read(login.headers["Location"], installation.target)
    assert again.login_hint == "7"
    assert again.lti_message_hint == '{"cmid":4,"launchid":"ltilaunch4_1"}'
    assert window.follow(window.finish(again))["page"] == ACHIEVEMENT


def test_a_ticket_works_once(browser: Browser, installation: Installation) -> None:
    ticket = ticket_of(installation, browser.begin())
    assert browser.get(ticket).status_code == 302
    browser.json_wanted = True
    with nothing_stored(installation):
        assert_refused(browser.get(ticket), 410, "window_ticket_used")


@pytest.mark.parametrize("ticket", ["x", "0" * 32 + ".x", "%00", "é"])
def test_a_ticket_that_never_was(browser: Browser, installation: Installation, ticket: str) -> None:
    browser.json_wanted = True
    with nothing_stored(installation):
        assert_refused(browser.get(f"/lti/window/{ticket}"), 410, "window_ticket_used")


def test_a_ticket_runs_out(browser: Browser, installation: Installation) -> None:
    ticket = ticket_of(installation, browser.begin())
    real = installation.runtime.clock
    installation.runtime.clock = lambda: real() + timedelta(minutes=11)
    assert browser.get(ticket).status_code == 410


def test_of_eight_simultaneous_openings_of_a_ticket_one_goes_on(
    browser: Browser, installation: Installation
) -> None:
    ticket = ticket_of(installation, browser.begin())
    gate, statuses = threading.Barrier(8), []

    def run() -> None:
        gate.wait(20)
        statuses.append(installation.browser().get(ticket).status_code)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [302] + [410] * 7


def test_a_state_left_for_a_new_window_is_not_launched_any_more(
    browser: Browser, installation: Installation
) -> None:
    pending = browser.begin()
    browser_ticket = ticket_of(installation, pending)
    assert installation.browser().get(browser_ticket).status_code == 302
    assert browser.finish(pending).status_code == 409


def test_a_window_that_keeps_no_cookie_either_is_not_offered_another(
    browser: Browser, installation: Installation
) -> None:
    login = installation.browser().get(ticket_of(installation, browser.begin()))
    again = Pending.read(login.headers["Location"], installation.target)
    page = installation.browser().finish(again).get_data(as_text=True)
    assert "storage_blocked" in page
    assert "/lti/window/" not in page


def test_logins_are_forgotten_after_an_hour(browser: Browser, installation: Installation) -> None:
    pending = browser.begin()
    database, real = installation.runtime.database, installation.runtime.clock
    with database.transaction() as session:
        assert logins.forget_old(session, real() + timedelta(minutes=59)) == 0
        assert logins.forget_old(session, real() + timedelta(minutes=61)) == 1
    browser.json_wanted = True
    assert_refused(browser.finish(pending), 400, "state_invalid")


def test_what_a_login_hinted_at_is_gone_once_it_is_used(
    browser: Browser, installation: Installation
) -> None:
    browser.launch()
    with installation.runtime.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT hints FROM lti_logins").scalar() == "{}"


def test_the_database_holds_no_secret_of_a_login_or_session(
    browser: Browser, installation: Installation
) -> None:
    pending = browser.begin()
    browser.finish(pending)
    other = browser.begin()
    secrets = [pending.state, pending.nonce, other.state, other.nonce]
    secrets += [cookie.value for cookie in browser.client._cookies.values()]
    with installation.runtime.database.engine.connect() as connection:
        for table in ("lti_logins", "web_sessions"):
            rows = repr(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            assert not [secret for secret in secrets if secret in rows]


def test_our_public_keys_are_published_with_those_being_retired(
    browser: Browser, installation: Installation
) -> None:
    runtime = installation.runtime
    ensure_tool_key(runtime)
    before = jwks(browser)
    with runtime.database.transaction() as session:
        ring_of(runtime).rotate(session, LTI_RING, runtime.now())
    after = jwks(browser)
    assert {key["kid"] for key in before} < {key["kid"] for key in after}
    for key in after:
        assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
        assert "d" not in key
        assert jwt.PyJWK(key).key.key_size >= 2048


def jwks(browser: Browser) -> list[dict[str, Any]]:
    answer = browser.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    return list(answer.get_json()["keys"])


@pytest.mark.parametrize("path", ["/to/home", f"/to/micro-credential/{ACHIEVEMENT}"])
def test_a_links_own_address_says_where_it_opens_from(
    browser: Browser, installation: Installation, path: str
) -> None:
    browser.json_wanted = True
    with nothing_stored(installation):
        answer = browser.get(path)
    assert_refused(answer, 401, "launch_needed")


def test_an_address_of_nothing_is_not_found(browser: Browser) -> None:
    assert browser.get("/to/nowhere").status_code == 404


def test_no_refusal_gives_a_session(browser: Browser) -> None:
    assert cookie_names(browser.launch(version="2.0")) == []
