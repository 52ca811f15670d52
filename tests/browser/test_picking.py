"""The content picker in the LMS's frame and in a window, with others' cookies blocked."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Demo
from tests.browser.test_walk import ILSE, NOTICING, be, check_accessibility

pytestmark = pytest.mark.browser

NEW_TEACHERS = "3"


def test_a_coach_adds_an_activity_from_the_frame(browser: Browser, demo: Demo) -> None:
    coach = be(browser, demo, ILSE)
    page = coach.pages[0]
    page.goto(f"{demo.lms}/courses/{NEW_TEACHERS}")
    page.get_by_role("link", name="Add from Milepost").click()
    tool = page.frame_locator("iframe.tool")
    tool.get_by_label(NOTICING).check()
    tool.get_by_role("button", name="Next").click()
    tool.get_by_label("Title in the course").fill("Week three: listen")
    points = tool.get_by_label("Points in the gradebook")
    points.fill("many")
    tool.get_by_role("button", name="Add to the course").click()
    # The LMS shows no messages of ours, so the picker says what is wrong, and keeps the rest.
    expect(tool.get_by_text("Write a number above zero").first).to_be_visible()
    expect(tool.get_by_label("Title in the course")).to_have_value("Week three: listen")
    points.fill("12")
    tool.get_by_role("button", name="Add to the course").click()
    # The answer is posted by itself, from our site into theirs.
    expect(tool.get_by_role("heading", name="Added to")).to_be_visible()
    tool.get_by_role("link", name="Go to").click()
    expect(page.get_by_role("heading", name="Week three: listen")).to_be_visible()
    page.get_by_role("link", name="Gradebook").click()
    expect(page.get_by_text("out of 12")).to_be_visible()
    coach.close()


def test_the_picker_is_accessible_and_works_without_script(browser: Browser, demo: Demo) -> None:
    coach = be(browser, demo, ILSE)
    page = coach.pages[0]
    start = f"{demo.lms}/courses/{NEW_TEACHERS}/add/start?target=window"
    page.goto(start)
    page.get_by_label(NOTICING).wait_for()
    check_accessibility(page)
    page.get_by_label(NOTICING).check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Title in the course").wait_for()
    check_accessibility(page)
    coach.close()
    plain = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = plain.new_page()
    page.goto(demo.lms)
    page.locator(f'button[name="person"][value="{ILSE}"]').click()
    page.goto(start)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Cancel, add nothing").click()
    page.get_by_role("button", name="Back to").click()
    expect(page.get_by_role("heading", name="Nothing was added")).to_be_visible()
    plain.close()
