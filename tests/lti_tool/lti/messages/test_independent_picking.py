"""Content items judged by a platform that we did not write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from keys.ring import LTI_RING
from keys.shared import ring_of
from tests.lti_tool.lti.messages.school import School, Visit
from tests.lti_tool.lti.test_independent_platform import register
from tests.support.local_http import local_server
from tests.support.platform_xblock import XblockPlatform, public_pem

QUESTIONS = "Questions That Open"


@pytest.fixture
def xblock(school: School) -> Iterator[XblockPlatform]:
    key = ring_of(school.runtime).active(LTI_RING, "RS256").signer.public_key
    with local_server() as server:
        platform = XblockPlatform(server, school.base, public_pem(key))
        platform.consumer.enable_deep_linking(
            f"{school.base}/lti/launch", f"{server.url}/picked?block=1&what=x"
        )
        register(school.installation, school.organisation, server, platform)
        yield platform


def pick(school: School, platform: XblockPlatform, role: str) -> Visit:
    browser = school.installation.browser()
    start = urlsplit(platform.login_url("mara", role, message_type="LtiDeepLinkingRequest"))
    login = browser.get(start.path, query_string=start.query)
    form = platform.launch_form(login.headers["Location"], "mara", role)
    return Visit(browser, browser.post("/lti/launch", data=form))


def decoded(platform: XblockPlatform, page: Any) -> list[dict[str, Any]]:
    token = re.search(r'name="JWT" value="([^"]+)"', page.get_data(as_text=True))
    assert token, page.get_data(as_text=True)
    return list(platform.consumer.check_and_decode_deep_linking_token(token[1]))


@pytest.mark.parametrize("role", ["instructor", "staff"])
def test_it_takes_what_was_picked(school: School, xblock: XblockPlatform, role: str) -> None:
    visit = pick(school, xblock, role)
    page = school.picked(visit, *school.named, maximum_0="12", due_until_0="2026-12-18T17:00")
    assert f'action="{xblock.server.url}/picked?block=1&amp;what=x"' in page.text
    items = decoded(xblock, page)
    assert sorted(item["title"] for item in items) == sorted(school.named)
    assert {item["type"] for item in items} == {"ltiResourceLink"}
    assert [item.get("lineItem", {}).get("scoreMaximum") for item in items] == [12, None]


def test_it_takes_nothing_as_well(school: School, xblock: XblockPlatform) -> None:
    visit = pick(school, xblock, "instructor")
    assert decoded(xblock, visit.post("/pick/cancel")) == []


def test_its_students_pick_nothing(school: School, xblock: XblockPlatform) -> None:
    assert pick(school, xblock, "student").answer.status_code == 403
