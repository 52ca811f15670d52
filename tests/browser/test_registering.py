"""An administrator connects an LMS by a link: pasted there, confirmed, closed by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import PATIENCE_MS, Demo

pytestmark = pytest.mark.browser

PIA = "2"


def invite(demo: Demo) -> str:
    """What `milepost platform invite` prints beside the demo."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MILEPOST_")}
    env |= {"MILEPOST_HOME": str(demo.home), "MILEPOST_ENVIRONMENT": "demo",
            "MILEPOST_BASE_URL": demo.tool}  # fmt: skip
    command = ["platform", "invite", "--organisation", "alder-valley"]
    answer = subprocess.run(
        [sys.executable, "-m", "lti_tool.cli", *command],
        env=env, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return answer.stdout.strip()


def check_accessibility(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_link_pasted_into_the_lms_is_all_it_takes(context: BrowserContext, demo: Demo) -> None:
    context.set_default_timeout(PATIENCE_MS)
    page, beside = context.new_page(), context.new_page()
    faults: list[str] = []
    for one in (page, beside):
        one.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto(demo.lms)
    page.locator(f'button[name="person"][value="{PIA}"]').click()
    page.get_by_role("link", name="Tools of this LMS").click()
    check_accessibility(page)
    page.get_by_role("textbox", name="Registration link").fill(invite(demo))
    page.get_by_role("button", name="Add", exact=True).click()
    tool = page.frame_locator("iframe[name=tool]")
    expect(tool.get_by_role("heading", name="Connect your LMS with Milepost")).to_be_visible()
    [frame] = [one for one in page.frames if "/lti/register/" in one.url]
    beside.goto(frame.url)
    check_accessibility(beside)
    for width in (320, 1280):
        beside.set_viewport_size({"width": width, "height": 800})
        assert beside.evaluate("document.documentElement.scrollWidth") <= width
    tool.get_by_role("button", name="Connect").click()
    # The tool's page says that it may be closed, and the LMS closes it.
    page.wait_for_url(re.compile(r"/tools\?done"))
    page.get_by_role("button", name="Switch it on").click()
    with context.expect_page() as opened:
        page.get_by_role("link", name=re.compile("in a new window")).last.click()
    opened.value.wait_for_url(re.compile(rf"{re.escape(demo.tool)}/s/"))
    expect(opened.value.locator("h1")).to_be_visible()
    assert faults == []
    # A link works once; the page of a used one is as readable as any.
    beside.reload()
    expect(beside.get_by_role("heading", name="This link was used before")).to_be_visible()
    check_accessibility(beside)
