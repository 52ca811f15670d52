"""From the command line's link to a checked connection whose LMS sends its own administrator."""

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


def admin_link(demo: Demo) -> str:
    """What `milepost admin link` prints beside the demo."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MILEPOST_")}
    env |= {"MILEPOST_HOME": str(demo.home), "MILEPOST_ENVIRONMENT": "demo",
            "MILEPOST_BASE_URL": demo.tool}  # fmt: skip
    command = ["admin", "link", "--organisation", "alder-valley", "--name", "Ada Sample"]
    answer = subprocess.run(
        [sys.executable, "-m", "lti_tool.cli", *command],
        env=env, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return answer.stdout.strip().splitlines()[-1]


def look(page: Page) -> None:
    """Readable by everybody, at any width."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def come_in(context: BrowserContext, demo: Demo) -> Page:
    page = context.new_page()
    page.goto(admin_link(demo))
    look(page)
    page.get_by_role("button", name="Come in as administrator").click()
    expect(page.get_by_role("heading", name="Connections")).to_be_visible()
    return page


def register(page: Page, demo: Demo, address: str) -> None:
    """In the practice LMS, which tells no deployment as Canvas does not."""
    page.goto(demo.lms)
    page.locator(f'button[name="person"][value="{PIA}"]').click()
    page.get_by_role("link", name="Tools of this LMS").click()
    page.get_by_role("textbox", name="Registration link").fill(address)
    page.locator('input[name="variant"][value="canvas"]').check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.frame_locator("iframe[name=tool]").get_by_role("button", name="Connect").click()
    page.wait_for_url(re.compile(r"/tools\?done"))
    page.get_by_role("button", name="Switch it on").last.click()


def launch(context: BrowserContext, lms: Page) -> Page:
    with context.expect_page() as opened:
        lms.get_by_role("link", name=re.compile("in a new window")).last.click()
    opened.value.wait_for_load_state()
    return opened.value


def test_an_administrator_connects_checks_and_hands_over_to_the_lms(
    context: BrowserContext, demo: Demo
) -> None:
    context.set_default_timeout(PATIENCE_MS)
    ada = come_in(context, demo)
    home = ada.url.rsplit("/", 1)[0]
    for path in ("/connections", "/deliveries", "/connections/new", "/connections/new/canvas",
                 "/connections/new/moodle", "/connections/new/schoology"):  # fmt: skip
        ada.goto(home + path)
        look(ada)
    ada.goto(f"{home}/connections/new/generic")
    look(ada)
    ada.get_by_role("button", name="Make a registration address").click()
    look(ada)
    lms = context.new_page()
    register(lms, demo, ada.get_by_label("Registration address").input_value())
    refused = launch(context, lms)
    expect(refused.get_by_text("deployment_unknown")).to_be_visible()

    ada.goto(f"{home}/connections")
    row = ada.get_by_role("row").filter(has_text="Waits for you")
    row.get_by_role("link").first.click()
    look(ada)
    ada.get_by_role("button", name="Approve").click()
    ada.get_by_role("button", name="Check connection").click()
    expect(ada.get_by_text("A token came, for everything that was asked.")).to_be_visible()
    look(ada)
    ada.get_by_role("link", name="Change the settings").click()
    look(ada)
    ada.get_by_label("Administrators of this LMS may administer here").check()
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_text("Changed: administrators from the LMS")).to_be_visible()

    pia = launch(context, lms)
    expect(pia.get_by_role("link", name="Connections")).to_be_visible()
    expect(pia.get_by_role("link", name="Deliveries")).to_be_visible()
