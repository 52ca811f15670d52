"""How a teacher gets in: in a frame with cookies blocked, by the LMS's storage, by a window."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Page,
    Request,
    Route,
    expect,
)

from tests.browser.conftest import PATIENCE_MS, Demo
from tests.browser.test_walk import WREN, be, check_accessibility, open_in_frame

pytestmark = pytest.mark.browser

# What a browser looks like to a script in a frame that may keep no cookie.
NO_COOKIES = """
if (window !== window.top) {
  Object.defineProperty(document, "cookie", { get: () => "", set: () => {} });
}
"""


@pytest.fixture
def wren(browser: Browser, demo: Demo) -> Iterator[BrowserContext]:
    context = be(browser, demo, WREN)
    yield context
    context.close()


def lose(context: BrowserContext, demo: Demo, *requests: str) -> list[str]:
    """Let the browser have forgotten our cookies when it asks for these in a frame.

    What it has asked for so far stands in the list that is given.
    """
    asked: list[str] = []

    def forget(route: Route, request: Request) -> None:
        if request.frame.parent_frame is not None:
            context.clear_cookies(name=re.compile("^__Host-milepost-"))
            asked.append(request.url.removeprefix(f"{demo.tool}/lti/"))
        route.continue_()

    for path in requests:
        context.route(f"{demo.tool}/lti/{path}", forget)
    return asked


def open_with_storage(context: BrowserContext, demo: Demo, how: str) -> tuple[Page, FrameLocator]:
    """An activity in the page of an LMS that offers storage."""
    page = context.pages[0]
    page.goto(f"{demo.lms}/courses/2")
    address = page.get_by_role("link", name="Open in this page My path").get_attribute("href")
    page.goto(f"{demo.lms}{address}?storage={how}")
    return page, page.frame_locator("iframe.tool")


def is_in(where: FrameLocator | Page) -> None:
    # The heading is the pathway's once one has begun, as other walks through this demo do.
    expect(where.locator('nav a[aria-current="page"]', has_text="My path")).to_be_attached()


def test_a_partitioned_cookie_is_enough_in_a_frame_on_another_site(
    wren: BrowserContext, demo: Demo
) -> None:
    _page, tool = open_in_frame(wren, demo, "My path")
    is_in(tool)
    held = [cookie for cookie in wren.cookies() if cookie["name"].startswith("__Host-milepost-")]
    assert held
    assert all(cookie.get("partitionKey") for cookie in held)


def test_where_cookies_stick_an_offer_of_storage_changes_nothing(
    wren: BrowserContext, demo: Demo
) -> None:
    asked: list[str] = []
    wren.on("request", lambda request: asked.append(request.url))
    _page, tool = open_with_storage(wren, demo, "frame")
    is_in(tool)
    assert f"{demo.tool}/lti/launch/storage" not in asked


@pytest.mark.parametrize("how", ["parent", "frame"])
def test_a_lost_login_cookie_is_made_good_by_the_lmss_storage(
    wren: BrowserContext, demo: Demo, how: str
) -> None:
    wren.add_init_script(NO_COOKIES)
    asked = lose(wren, demo, "launch")
    _page, tool = open_with_storage(wren, demo, how)
    is_in(tool)
    assert asked == ["launch"]


def test_storage_without_any_cookie_ends_in_a_window(wren: BrowserContext, demo: Demo) -> None:
    """The LMS's storage shows who it is, but a page that keeps nothing would not know them."""
    wren.add_init_script(NO_COOKIES)
    asked = lose(wren, demo, "launch", "launch/storage")
    page, tool = open_with_storage(wren, demo, "frame")
    expect(tool.get_by_text("storage_blocked")).to_be_visible()
    assert asked == ["launch", "launch/storage"]
    check_accessibility(page)
    in_window(wren, tool)


def test_an_lms_that_offers_storage_and_stays_silent_leads_to_a_window(
    wren: BrowserContext, demo: Demo
) -> None:
    wren.add_init_script(NO_COOKIES)
    lose(wren, demo, "launch")
    wren.route(f"{demo.lms}/static/storage.js", lambda route: route.fulfill(body=""))
    page, tool = open_with_storage(wren, demo, "parent")
    expect(tool.get_by_text("does not let this page remember")).to_be_visible()
    check_accessibility(page)
    in_window(wren, tool)


def in_window(context: BrowserContext, tool: FrameLocator) -> None:
    with context.expect_page() as opened:
        tool.get_by_role("link", name=re.compile("new window")).click()
    is_in(opened.value)
    opened.value.close()


def test_a_web_view_of_an_app_opens_the_same_page(browser: Browser, demo: Demo) -> None:
    """A page of its own, with nothing behind it, as narrow as a phone."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, locale="en-GB"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(demo.lms)
    page.locator(f'button[name="person"][value="{WREN}"]').click()
    page.goto(f"{demo.lms}/courses/2")
    address = page.get_by_role("link", name="Open in a new window My path").get_attribute("href")
    page.goto(f"{demo.lms}{address}")
    is_in(page)
    assert page.evaluate("window.opener === null && window.parent === window")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    check_accessibility(page)
    context.close()
