"""The practice LMS offers the tool its storage where an address asks for it, and nowhere else."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from lti_tool.sandbox import Sandbox
from lti_tool.sandbox.people import WREN_SAMPLEWOOD
from tests.lti_tool.sandbox.test_pages import become


def begun(client: FlaskClient, sandbox: Sandbox, query: str) -> dict[str, str]:
    """The login parameters that the frame of an activity's page leads to."""
    become(client, WREN_SAMPLEWOOD)
    link = sandbox.link("Asking better questions")
    page = client.get(f"/links/{link.id}{query}")
    assert page.status_code == 200
    address = page.text.partition('class="tool"')[2].partition('src="')[2].partition('"')[0]
    form = client.get(address.replace("&amp;", "&")).text
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_no_storage_is_offered_unasked(client: FlaskClient, sandbox: Sandbox) -> None:
    assert "lti_storage_target" not in begun(client, sandbox, "")
    assert "storage.js" not in client.get("/links/1").text


@pytest.mark.parametrize(("how", "target"), [("parent", "_parent"), ("frame", "practice_storage")])
def test_storage_is_offered_by_the_page_or_by_a_frame_in_it(
    client: FlaskClient, sandbox: Sandbox, how: str, target: str
) -> None:
    assert begun(client, sandbox, f"?storage={how}")["lti_storage_target"] == target
    page = client.get(f"/links/1?storage={how}").text
    assert f'data-tool="{sandbox.config.tool_base_url}"' in page
    assert ('name="practice_storage"' in page) is (how == "frame")


def test_the_frame_hears_the_tool_alone(client: FlaskClient, sandbox: Sandbox) -> None:
    page = client.get("/storage")
    assert page.status_code == 200
    assert f'data-tool="{sandbox.config.tool_base_url}"' in page.text
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/links/1", "/links/1/start"])
def test_other_words_are_not_understood(client: FlaskClient, path: str) -> None:
    become(client, WREN_SAMPLEWOOD)
    assert client.get(f"{path}?storage=elsewhere").status_code == 400
