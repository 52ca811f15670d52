"""The whole spine as five people walk it, in frames on another site, others' cookies blocked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Request, Route, expect

from tests.browser.conftest import PATIENCE_MS, Demo

pytestmark = pytest.mark.browser

WREN, TEO, NOOR, ILSE = "3", "4", "5", "6"
OPENING, NOTICING = "Questions That Open", "Noticing Student Thinking"
WORDS = (
    "R. said it is the same, because both have one bit missing. I had planned to move on; instead I"
    " asked the class to draw both on one line and to find out whether the bits are the same size."
    " Within four minutes three pairs had changed their minds and R. explained why to the others."
)


def be(browser: Browser, demo: Demo, person: str) -> BrowserContext:
    """A browser of this person's own, signed in at the practice LMS."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(demo.lms)
    page.locator(f'button[name="person"][value="{person}"]').click()
    return context


def open_in_frame(context: BrowserContext, demo: Demo, title: str) -> tuple[Page, FrameLocator]:
    page = context.pages[0]
    page.goto(f"{demo.lms}/courses/2")
    page.get_by_role("link", name=f"Open in this page {title}").click()
    return page, page.frame_locator("iframe.tool")


def check_accessibility(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def photo(folder: Path) -> Path:
    path = folder / "number-lines.jpg"
    Image.new("RGB", (640, 480), "#446688").save(path)
    return path


def write_and_send(tool: FrameLocator, parts: dict[str, bool], picture: Path) -> None:
    """`parts` says of each requirement whether students may be seen in it."""
    tool.get_by_role("button", name="Start").click()
    for part, may_show_students in parts.items():
        section = tool.locator(f"#r-{part}")
        section.locator('input[type="file"]').set_input_files(picture)
        expect(section.get_by_text("not scanned").first).to_be_visible()  # the upload has ended
        if may_show_students:
            section.get_by_label("No", exact=True).check()
    tool.locator('textarea[name="text-reflection"]').fill(WORDS)
    tool.get_by_role("button", name="Check and send").click()
    tool.get_by_role("button", name="Send to reviewers").click()
    expect(tool.get_by_text(re.compile("receipt", re.IGNORECASE)).first).to_be_visible()


def take_and_score(page: Page, tool: FrameLocator, level: str) -> None:
    tool.get_by_role("button", name=re.compile("^(Start|Begin|Read|Take)")).first.click()
    expect(tool.locator("fieldset.levels").first).to_be_visible()
    for group in tool.locator("fieldset.levels").all():
        group.locator(f'input[type="radio"][value="{level}"]').check()
        group.locator("textarea").fill("At this moment the class compared two ideas. Lovely.")
    check_accessibility(page)
    tool.get_by_role("button", name="Finish this review").click()
    expect(tool.get_by_text(re.compile("Thank you")).first).to_be_visible()


def test_five_people_walk_the_whole_spine(browser: Browser, demo: Demo, tmp_path: Path) -> None:
    picture = photo(tmp_path)
    people = {name: be(browser, demo, name) for name in (WREN, TEO, NOOR, ILSE)}

    for name in (TEO, NOOR):  # colleagues are known once they have been here
        _, tool = open_in_frame(people[name], demo, "My path")
        expect(tool.get_by_role("heading", level=1)).to_be_visible()

    page, tool = open_in_frame(people[WREN], demo, OPENING)
    expect(tool.get_by_role("heading", name=OPENING)).to_be_visible()
    check_accessibility(page)
    write_and_send(tool, {"plan": False, "work": True}, picture)
    check_accessibility(page)
    page, tool = open_in_frame(people[WREN], demo, NOTICING)
    write_and_send(tool, {"notes": True}, picture)

    for name in (TEO, NOOR):
        page, tool = open_in_frame(people[name], demo, "Reviews")
        expect(tool.get_by_text("Wren")).to_have_count(0)
        take_and_score(page, tool, "3")
    page, tool = open_in_frame(people[ILSE], demo, "Reviews")
    take_and_score(page, tool, "2")  # not yet

    page, tool = open_in_frame(people[WREN], demo, NOTICING)
    expect(tool.get_by_text("Not yet").first).to_be_visible()
    page, tool = open_in_frame(people[WREN], demo, "My path")
    check_accessibility(page)
    tool.get_by_role("link", name="My badges").click()
    tool.get_by_role("link", name=re.compile(OPENING)).first.click()
    check_accessibility(page)
    accept = tool.get_by_role("button", name="Accept this badge")
    expect(accept).to_be_visible()
    narrow = next(frame for frame in page.frames if "/s/" in frame.url)
    page.set_viewport_size({"width": 320, "height": 700})
    assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
    accept.click()
    publish = tool.get_by_role("button", name=re.compile("^Publish"))
    expect(publish.first).to_be_visible()
    publish.first.click()
    address = tool.locator('input[readonly][value*="/credentials/"]').first.input_value()

    stranger = browser.new_context(viewport={"width": 320, "height": 700}, locale="en-GB")
    phone = stranger.new_page()
    phone.goto(address)
    expect(phone.get_by_role("heading", name=OPENING, level=1)).to_be_visible()
    expect(phone.get_by_text("Wren Samplewood").first).to_be_visible()
    check_accessibility(phone)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    answer = stranger.request.get(f"{address}.png")
    phone.goto(f"{demo.tool}/verify")
    phone.locator('input[type="file"]').set_input_files(
        {"name": "badge.png", "mimeType": "image/png", "buffer": answer.body()}
    )
    phone.get_by_role("button", name="Check it").click()
    expect(phone.get_by_role("heading", level=1)).to_contain_text(re.compile("genuine|valid", re.I))
    check_accessibility(phone)

    grades = people[ILSE].pages[0]
    grades.goto(f"{demo.lms}/courses/2/gradebook")
    row = grades.locator(f'tr[data-person="{WREN}"]')
    expect(row.get_by_text("100").first).to_be_visible()
    for context in (*people.values(), stranger):
        context.close()


def test_a_launch_in_a_new_window_lands_on_the_page_of_the_link(
    browser: Browser, demo: Demo
) -> None:
    context = be(browser, demo, WREN)
    page = context.pages[0]
    page.goto(f"{demo.lms}/courses/2")
    with context.expect_page() as opened:
        page.get_by_role("link", name=f"Open in a new window {OPENING}").click()
    expect(opened.value.get_by_role("heading", name=OPENING)).to_be_visible()
    context.close()


def test_two_people_in_one_browser_stay_apart(browser: Browser, demo: Demo) -> None:
    context = be(browser, demo, WREN)
    first = context.pages[0]
    _, tool = open_in_frame(context, demo, "My path")
    expect(tool.get_by_text("Wren Samplewood").first).to_be_visible()
    frame = next(frame for frame in first.frames if "/s/" in frame.url)
    second = context.new_page()
    second.goto(demo.lms)
    second.locator(f'button[name="person"][value="{TEO}"]').click()
    second.goto(f"{demo.lms}/courses/2")
    second.get_by_role("link", name="Open in this page My path").click()
    other = second.frame_locator("iframe.tool")
    expect(other.get_by_text("Teo Exempel").first).to_be_visible()
    frame.goto(frame.url)
    expect(tool.get_by_text("Wren Samplewood").first).to_be_visible()
    expect(tool.get_by_text("Teo Exempel")).to_have_count(0)
    context.close()


def test_where_no_cookie_sticks_a_new_window_helps(browser: Browser, demo: Demo) -> None:
    context = be(browser, demo, WREN)
    page = context.pages[0]

    def drop_cookies(route: Route, request: Request) -> None:
        if request.frame.parent_frame is None:
            route.continue_()
            return
        answer = route.fetch(max_redirects=0)
        kept = {name: text for name, text in answer.headers.items() if name != "set-cookie"}
        route.fulfill(response=answer, headers=kept)

    context.route(f"{demo.tool}/lti/login", drop_cookies)
    _, tool = open_in_frame(context, demo, OPENING)
    expect(tool.get_by_text("storage_blocked")).to_be_visible()
    check_accessibility(page)
    with context.expect_page() as opened:
        tool.get_by_role("link", name=re.compile("window", re.I)).click()
    expect(opened.value.get_by_role("heading", name=OPENING)).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_style_guide_is_accessible(
    browser: Browser, demo: Demo, width: int, theme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(f"{demo.tool}/styleguide?theme={theme}")
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
