"""Third-party-initiated login: what is refused, and what is sent on."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from core.scope import unscoped
from lti_tool.lti.models import Platform
from lti_tool.lti.registration import add_platform
from tests.lti_tool.lti.certification.cases import (
    nothing_stored,
    refused_twice,
)
from tests.lti_tool.lti.harness import ACHIEVEMENT, Browser, Installation, cookie_names
from tests.support.hostile_platform import ABSENT, INSTRUCTOR

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(params=["GET", "POST"])
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def person(browser: Browser, roles: list[str]) -> None:
    """A login says no role; each is begun by somebody who learns and by somebody who teaches."""
    browser.json_wanted = True
    browser.installation.platform.login_hint = "8" if INSTRUCTOR in roles else "7"


# Refused before the platform is known: then only words lead back.
NOWHERE = ("platform_unknown", "client_unknown", "client_ambiguous", "iss_missing",
           "duplicate_parameter", "request_too_large", "parameter_invalid")  # fmt: skip


def refused(browser: Browser, method: str, status: int, code: str, **changes: Any) -> None:
    said = [value for value in changes.values() if isinstance(value, str)]
    refused_twice(
        browser,
        lambda: browser.login(method=method, **changes),
        status,
        code,
        way_back=None if code in NOWHERE else browser.installation.server.url,
        unsaid=tuple(said),
    )


def test_a_login_is_sent_on_to_the_platform_with_state_and_nonce(
    browser: Browser, installation: Installation, method: str
) -> None:
    answer = browser.login(method=method)
    assert answer.status_code == 302
    location = urlsplit(answer.headers["Location"])
    query = parse_qs(location.query)
    assert (
        f"{location.scheme}://{location.netloc}{location.path}" == f"{installation.server.url}/auth"
    )
    assert query["scope"] == ["openid"]
    assert query["response_type"] == ["id_token"]
    assert query["response_mode"] == ["form_post"]
    assert query["prompt"] == ["none"]
    assert query["redirect_uri"] == ["https://milepost.test/lti/launch"]
    assert query["login_hint"] == [installation.platform.login_hint]
    assert query["lti_message_hint"] == ['{"cmid":4,"launchid":"ltilaunch4_1"}']
    assert len(query["state"][0]) > 40
    assert len(query["nonce"][0]) > 30


def test_the_login_cookie_survives_in_a_third_party_frame_and_nobody_else_reads_it(
    browser: Browser,
) -> None:
    [cookie] = browser.login().headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-milepost-login-")
    for attribute in (
        "Secure",
        "HttpOnly",
        "SameSite=None",
        "Partitioned",
        "Path=/",
        "Max-Age=600",
    ):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_a_client_id_may_be_left_out_where_the_issuer_has_one(browser: Browser) -> None:
    assert browser.login(client_id=ABSENT).status_code == 302


def test_unknown_issuer(browser: Browser, method: str) -> None:
    refused(browser, method, 403, "platform_unknown", iss="https://elsewhere.example")


def test_unreadable_issuer(browser: Browser, method: str) -> None:
    refused(browser, method, 403, "platform_unknown", iss="https://lms.example\n" + "x" * 600)


def test_unknown_client(browser: Browser, method: str) -> None:
    refused(browser, method, 403, "client_unknown", client_id="somebody-else")


def test_several_clients_and_no_client_id(
    browser: Browser, installation: Installation, organisation: Any, method: str
) -> None:
    with installation.runtime.database.transaction(organisation.scope) as session:
        add_platform(
            session, organisation, name="Second", family="sandbox", client_id="second",
            site_url=installation.server.url, now=installation.runtime.now(),
        )  # fmt: skip
    refused(browser, method, 400, "client_ambiguous", client_id=ABSENT)
    assert browser.login(method=method, client_id="second").status_code == 302


def test_no_issuer(browser: Browser, method: str) -> None:
    refused(browser, method, 400, "iss_missing", iss=ABSENT)


def test_no_login_hint(browser: Browser, method: str) -> None:
    refused(browser, method, 400, "login_hint_missing", login_hint=ABSENT)


@pytest.mark.parametrize(
    "target",
    [
        ABSENT,
        "",
        "https://elsewhere.example/to/home",
        "https://milepost.test.elsewhere.example/to/home",
        "https://milepost.test@elsewhere.example/to/home",
        "http://milepost.test/to/home",
        "//milepost.test/to/home",
        "javascript:alert(1)",
        "https://milepost.test/to/unknown",
        "https://milepost.test/to/home/more",
        "https://milepost.test/to/micro-credential/not-a-uuid",
        f"https://milepost.test/to/micro-credential/{ACHIEVEMENT}/more",
        "https://milepost.test/lti/login",
        "https://milepost.test\\@elsewhere.example/to/home",
        "https://milepost.test/to/home\r\nSet-Cookie: a=b",
        "https://[milepost.test/to/home",
    ],
)
def test_target_off_site_or_not_there(browser: Browser, method: str, target: Any) -> None:
    refused(browser, method, 400, "target_not_allowed", target_link_uri=target)


@pytest.mark.parametrize(
    "path", ["", "/", "/lti/launch", "/to/home", f"/to/micro-credential/{ACHIEVEMENT}"]
)
def test_targets_that_are_there(browser: Browser, path: str) -> None:
    assert browser.login(target_link_uri=f"https://milepost.test{path}").status_code == 302


def test_disabled_platform(browser: Browser, installation: Installation, method: str) -> None:
    with installation.runtime.database.transaction() as session, unscoped(session, "test"):
        session.execute(update(Platform).values(disabled_at=installation.runtime.now()))
    refused(browser, method, 403, "platform_disabled")


@pytest.mark.parametrize(
    "name", ["iss", "login_hint", "client_id", "target_link_uri", "lti_message_hint"]
)
def test_duplicated_parameters(
    browser: Browser, installation: Installation, method: str, name: str
) -> None:
    refused(browser, method, 400, "duplicate_parameter", **{name: ["one", "two"]})


def test_a_parameter_in_the_query_and_in_the_form_is_a_duplicate(
    browser: Browser, installation: Installation
) -> None:
    parameters = installation.platform.login_parameters(installation.target)
    refused_twice(
        browser,
        lambda: browser.post("/lti/login", query_string={"iss": "x"}, data=parameters),
        400,
        "duplicate_parameter",
    )


@pytest.mark.parametrize("name", ["login_hint", "lti_message_hint", "iss"])
def test_oversize_hints(browser: Browser, method: str, name: str) -> None:
    refused(browser, method, 413, "request_too_large", **{name: "x" * 9000})


def test_hints_that_are_too_much_together(browser: Browser, method: str) -> None:
    refused(
        browser,
        method,
        413,
        "request_too_large",
        login_hint="x" * 4200,
        lti_message_hint="y" * 4200,
    )
    assert browser.login(login_hint="x" * 3500, lti_message_hint="y" * 3500).status_code == 302


def test_hints_are_measured_in_bytes(browser: Browser, method: str) -> None:
    refused(browser, method, 413, "request_too_large", lti_message_hint="\u4e2d" * 3000)


def test_a_form_beyond_all_measure(browser: Browser) -> None:
    with nothing_stored(browser.installation):
        answer = browser.post("/lti/login", data={"iss": "x" * (3 * 1024 * 1024)})
    assert answer.status_code == 413


def test_a_nul_is_refused(browser: Browser, method: str) -> None:
    refused(browser, method, 400, "parameter_invalid", lti_message_hint="a\0b")


@pytest.mark.parametrize("name", ["iss", "client_id", "login_hint", "target_link_uri"])
def test_input_is_never_echoed(browser: Browser, method: str, name: str) -> None:
    browser.json_wanted = False
    answer = browser.login(method=method, **{name: SCRIPT, "target_link_uri": SCRIPT})
    assert answer.status_code in {400, 403}
    assert "alert(1)" not in answer.get_data(as_text=True)


def test_the_page_of_a_refusal_says_that_the_launch_was_stopped(
    browser: Browser, method: str
) -> None:
    browser.json_wanted = False
    assert "<span>Launch</span><b>403</b>" in browser.login(
        method=method, iss="https://elsewhere.example"
    ).get_data(as_text=True)
    assert "<span>Launch</span><b>401</b>" in browser.get("/to/home").get_data(as_text=True)
    assert "<span>Page</span><b>404</b>" in browser.get("/nowhere").get_data(as_text=True)


def test_a_refusal_can_be_read_in_any_frame_until_the_platform_is_known(browser: Browser) -> None:
    unknown = browser.login(iss="https://elsewhere.example")
    assert "frame-ancestors *" in unknown.headers["Content-Security-Policy"]
    known = browser.login(login_hint=ABSENT)
    policy = known.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {browser.installation.server.url}" in policy


def test_a_refusal_names_the_way_back_to_a_known_platform(browser: Browser) -> None:
    browser.json_wanted = False
    page = browser.login(login_hint=ABSENT).get_data(as_text=True)
    assert f'href="{browser.installation.server.url}"' in page
    assert "Back to Alder Valley LMS" in page


def test_many_logins_do_not_fill_the_browser(browser: Browser) -> None:
    for _ in range(30):
        browser.begin()
    held = [cookie.key for cookie in browser.client._cookies.values()]
    assert len(held) <= 10


def test_other_methods_are_not_taken(browser: Browser) -> None:
    answer = browser.client.put("/lti/login", base_url=browser.installation.base)
    assert answer.status_code == 405
    assert cookie_names(answer) == []
