"""Script in names, titles and errors is shown as it was written, and never runs."""

from __future__ import annotations

from html import unescape
from urllib.parse import urlsplit

import pytest
from flask import Flask

from core.identity import Organisation
from core.runtime import Runtime
from lti_tool.app import create_app
from lti_tool.lti.tool import EXTENSION
from tests.lti_tool.lti.conftest import Home
from tests.lti_tool.lti.harness import Browser, prepare
from tests.support.hostile_platform import ABSENT, CLAIM
from tests.support.local_http import LocalServer

SCRIPT = "<script>alert(1)</script>"
QUOTED = "\"><img src=x onerror=alert(1)> ' onload='alert(1)"


@pytest.fixture(scope="module")
def whole(home: Home) -> Flask:
    """The whole tool, with every page."""
    return create_app(runtime=home.runtime)


@pytest.fixture
def visitor(
    whole: Flask, runtime: Runtime, organisation: Organisation, server: LocalServer
) -> Browser:
    """Somebody who comes to it for the first time."""
    return prepare(whole, whole.extensions[EXTENSION], organisation, server).browser()


@pytest.mark.parametrize("page", ["home", "path", "badges", "queue"])
@pytest.mark.parametrize("text", [SCRIPT, QUOTED], ids=["a script", "a way out of an attribute"])
def test_a_launch_full_of_script(visitor: Browser, roles: list[str], page: str, text: str) -> None:
    target = f"{visitor.installation.base}/to/{page}"
    pending = visitor.begin(target_link_uri=target)
    answer = visitor.finish(
        pending,
        roles=[*roles, text],
        name=text,
        given_name=text,
        family_name=text,
        resource_link={"id": text, "title": text, "description": text},
        context={"id": text, "title": text, "label": text},
        custom={text: text, "milepost": text},
        locale=text,
        **{f"{CLAIM}tool_platform": {"guid": text, "name": text}},
    )
    assert answer.status_code == 303
    shown = visitor.get(urlsplit(answer.headers["Location"]).path)
    while shown.status_code in {302, 303}:
        shown = visitor.get(urlsplit(shown.headers["Location"]).path)
    html = shown.get_data(as_text=True)
    assert shown.status_code in {200, 403}
    assert text not in html
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert shown.status_code == 403 or text in unescape(html)
    assert "script-src 'self'" in shown.headers["Content-Security-Policy"]


def test_a_launch_with_nothing_but_unsubstituted_variables(
    visitor: Browser, roles: list[str]
) -> None:
    answer = visitor.launch(
        roles=[*roles, "$Membership.role"],
        name="$Person.name.full",
        given_name="$Person.name.given",
        family_name="$Person.name.family",
        email="$Person.email.primary",
        locale="$User.locale",
        zoneinfo="$User.timezone",
        context={"id": "course-1", "title": "$Context.title", "label": "$Context.label"},
        resource_link={"id": "link-1", "title": "$ResourceLink.title"},
        custom={
            "milepost": "$ResourceLink.milepost",
            "due": "$ResourceLink.submission.endDateTime",
        },
        launch_presentation={"return_url": "$LaunchPresentation.return_url"},
        target_link_uri=ABSENT,
    )
    assert answer.status_code == 400  # an address is no variable: that one must be there
    pending = visitor.begin(target_link_uri=f"{visitor.installation.base}/to/home")
    answer = visitor.finish(
        pending, roles=roles, name="$Person.name.full", given_name="$Person.name.given",
        family_name="$Person.name.family", email="$Person.email.primary",
        context={"id": "course-1", "title": "$Context.title"}, locale="$User.locale",
    )  # fmt: skip
    shown = visitor.get(urlsplit(answer.headers["Location"]).path)
    assert "$" not in shown.get_data(as_text=True)
