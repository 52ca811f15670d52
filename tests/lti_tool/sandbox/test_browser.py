"""The practice LMS in Debian's Chromium, with third-party cookies blocked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from lti_tool.sandbox import ResourceLinkSpec, Sandbox, SandboxConfig, create_sandbox, sandbox_of
from lti_tool.sandbox.ags_rules import parse_score
from lti_tool.sandbox.people import COURSES, TEACHING_CIRCLE, TEO_EXEMPEL
from lti_tool.sandbox.scores import record
from tests.lti_tool.sandbox.actors import ToolKeyRing
from tests.lti_tool.sandbox.other_tool import create_forgetful_tool, served
from tests.lti_tool.sandbox.test_grades import score
from tests.support.ports import free_port

pytestmark = pytest.mark.browser


@pytest.fixture
def lms(config: SandboxConfig, ring: ToolKeyRing) -> Iterator[Sandbox]:
    """The LMS with grades in its book, beside a tool on another site."""
    lms_port, tool_port = free_port(), free_port()
    by_page = ResourceLinkSpec("By a page", "", "http://localhost:8000/by-page", score_maximum=1)
    config = replace(
        config,
        base_url=f"http://127.0.0.1:{lms_port}",
        tool_base_url=f"http://localhost:{tool_port}",
        links=[*config.links, by_page],
    )
    app = create_sandbox(config, fetch_jwks=ring.fetch)
    sandbox = sandbox_of(app)
    circle = COURSES[TEACHING_CIRCLE]
    item = sandbox.gradebook(TEACHING_CIRCLE).items[0]
    waiting = score(userId=TEO_EXEMPEL, gradingProgress="PendingManual")
    with sandbox.store.write() as connection:
        for body in (score(comment="Every question opens a door.\nMore wait time."), waiting):
            record(connection, circle, item, parse_score(body), sandbox.clock())
    with served(app, lms_port), served(create_forgetful_tool(config), tool_port):
        yield sandbox


@pytest.fixture(params=[320, 1280])
def page(browser: Browser, request: Any) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    yield page
    context.close()
    assert faults == []


def sign_in(page: Page, lms: Sandbox, name: str) -> None:
    page.goto(lms.config.base_url)
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("heading", name=f"Courses of {name}")).to_be_visible()


def is_well_made(page: Page) -> None:
    """Nothing for axe to say, and nothing wider than the window."""
    assert Axe().run(page).response["violations"] == []
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_every_page_is_accessible_and_fits(page: Page, lms: Sandbox) -> None:
    page.goto(lms.config.base_url)
    is_well_made(page)
    sign_in(page, lms, "Ilse Muster")
    is_well_made(page)
    for path in ("/courses/2", "/courses/2/gradebook", "/courses/3/gradebook"):
        page.goto(lms.config.base_url + path)
        is_well_made(page)
    page.goto(f"{lms.config.base_url}/links/1/return?lti_msg=Saved&lti_errormsg=Not+quite")
    is_well_made(page)


def test_the_gradebook_can_be_read_as_a_table(page: Page, lms: Sandbox) -> None:
    sign_in(page, lms, "Ilse Muster")
    page.goto(f"{lms.config.base_url}/courses/2/gradebook")
    row = page.get_by_role("row").filter(has_text="Wren Samplewood")
    expect(row.get_by_role("cell").first).to_contain_text("Every question opens a door.")
    expect(row.get_by_role("cell").first).to_contain_text("Completed · Fully graded")
    other = page.get_by_role("row").filter(has_text="Teo Exempel")
    expect(other.get_by_role("cell").first).to_contain_text("No grade")


@pytest.mark.parametrize("title", ["Asking better questions", "By a page"])
def test_a_launch_in_the_page_reaches_the_tool_with_third_party_cookies_blocked(
    page: Page, lms: Sandbox, title: str
) -> None:
    sign_in(page, lms, "Wren Samplewood")
    page.get_by_role("link", name="Alder Valley: Teaching circle").click()
    page.get_by_role("link", name=f"Open in this page {title}").click()
    frame = page.frame_locator("iframe")
    expect(frame.locator("#who")).to_have_text("Wren Samplewood")
    expect(frame.locator("#target")).to_have_text("iframe")
    # The control: the browser does block, so only the tool's partitioned cookie came back.
    expect(frame.locator("#cookies")).to_have_text("parted")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_a_launch_in_a_new_window_reaches_the_tool(page: Page, lms: Sandbox) -> None:
    sign_in(page, lms, "Wren Samplewood")
    page.goto(f"{lms.config.base_url}/courses/2")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open in a new window Asking better questions").click()
    window = opened.value
    expect(window.locator("#who")).to_have_text("Wren Samplewood")
    expect(window.locator("#target")).to_have_text("window")


def test_a_launch_works_without_scripts_by_pressing_the_button(
    browser: Browser, lms: Sandbox
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, lms, "Wren Samplewood")
    page.goto(f"{lms.config.base_url}/links/1/start?target=window")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#who")).to_have_text("Wren Samplewood")
    context.close()


def test_two_people_in_two_browsers_stay_apart(browser: Browser, lms: Sandbox) -> None:
    for name in ("Wren Samplewood", "Teo Exempel"):
        context = browser.new_context()
        page = context.new_page()
        sign_in(page, lms, name)
        page.goto(f"{lms.config.base_url}/links/1")
        expect(page.frame_locator("iframe").locator("#who")).to_have_text(name)
        context.close()
