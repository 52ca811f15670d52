"""A session belongs to one launch: one person, one course, one platform."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from core.identity import Organisation
from core.web.sessions import COOKIE
from tests.lti_tool.lti.certification.cases import refused_twice
from tests.lti_tool.lti.harness import Browser, Installation, second_platform
from tests.support.local_http import Answer, local_server

OTHER_COURSE = {"context": {"id": "course-2"}, "resource_link": {"id": "link-2"}}


def sid_of(answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return urlsplit(answer.headers["Location"]).path.split("/")[2]


def cookie_of(browser: Browser, sid: str) -> str:
    [cookie] = [one for one in browser.client._cookies.values() if one.key == f"{COOKIE}{sid}"]
    return str(cookie.value)


@pytest.fixture(params=["another course", "another platform"])
def other(
    request: pytest.FixtureRequest,
    browser: Browser,
    installation: Installation,
    organisation: Organisation,
    roles: list[str],
) -> Iterator[str]:
    """A second session of the same browser."""
    if request.param == "another course":
        yield sid_of(browser.launch(roles=roles, **OTHER_COURSE))
        return
    with local_server() as server:
        second = second_platform(installation, organisation, server)
        server.routes["/jwks.json"] = lambda _request: Answer(body=second.platform.jwks())
        visitor = second.browser()
        visitor.client = browser.client
        yield sid_of(visitor.launch(roles=roles))


def test_a_form_of_one_session_changes_nothing_in_another(
    browser: Browser, roles: list[str], other: str
) -> None:
    mine = sid_of(browser.launch(roles=roles))
    mark = browser.get(f"/s/{other}/form").get_data(as_text=True)
    assert browser.post(f"/s/{other}/form", data={"csrf_token": mark}).status_code == 200
    refused_twice(
        browser,
        lambda: browser.post(f"/s/{mine}/form", data={"csrf_token": mark}),
        403,
        "csrf_invalid",
        unsaid=(mark,),
    )


def test_the_secret_of_one_session_opens_no_other(
    browser: Browser, installation: Installation, roles: list[str], other: str
) -> None:
    mine = sid_of(browser.launch(roles=roles))
    thief = installation.browser()
    thief.client.set_cookie(f"{COOKIE}{mine}", cookie_of(browser, other), domain="milepost.test")
    refused_twice(thief, lambda: thief.get(f"/s/{mine}/home"), 401, "session_missing")
    assert browser.get(f"/s/{mine}/home").status_code == 200


def test_each_session_stays_in_its_own_course(
    browser: Browser, roles: list[str], other: str
) -> None:
    mine = sid_of(browser.launch(roles=roles))
    browser.json_wanted = True
    pages = [browser.get(f"/s/{sid}/home").get_json() for sid in (mine, other, mine)]
    assert pages[0] == pages[2]
    assert pages[0]["context_id"] != pages[1]["context_id"]


def test_a_session_that_never_was(browser: Browser, roles: list[str]) -> None:
    browser.launch(roles=roles)
    path = "/s/00000000-0000-4000-8000-000000000000/home"
    refused_twice(browser, lambda: browser.get(path), 401, "session_missing")
