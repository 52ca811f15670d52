"""The exported verify page in a browser: the folder is all there is."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.badges.export.conftest import Exported, static_host
from tests.support.ob3 import png, png_chunk

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, exported: Exported) -> Iterator[Page]:
    """The verify page; its complaints and requests elsewhere fail the test."""
    complaints: list[str] = []
    context = browser.new_context(locale="en-GB")
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    with static_host(exported.folder) as host:
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(host) else complaints.append(f"asked {asked.url}")
            ),
        )
        opened.goto(f"{host}/verify/")
        yield opened
        context.close()
    assert complaints == []


def answer(page: Page, data: bytes, name: str, recipient: str = "") -> dict[str, str]:
    """The states by step, and under `outcome` the whole."""
    page.goto(page.url.split("?")[0])
    page.locator("#f-recipient").fill(recipient)
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )
    return submitted(page)


def submitted(page: Page) -> dict[str, str]:
    page.get_by_role("button", name="Check it").click()
    report = page.locator("#report[data-outcome]")
    report.wait_for()
    found = {
        item.get_attribute("data-step") or "": item.get_attribute("data-status") or ""
        for item in report.locator("li").all()
    }
    return {"outcome": report.get_attribute("data-outcome") or "", **found}


def file_of(exported: Exported, form: str, *, revoked: bool = False) -> bytes:
    credential = exported.revoked if revoked else exported.good
    path: Path = exported.folder / "credentials" / f"{credential.id}.{form}"
    return path.read_bytes()


def test_every_form_holds_and_what_is_not_checked_is_said(page: Page, exported: Exported) -> None:
    for form in ("json", "jwt", "png", "svg"):
        found = answer(page, file_of(exported, form), f"badge.{form}", "wren@alder-valley.example")
        assert found.pop("outcome") == "valid"
        assert {step for step, state in found.items() if state == "not_possible"} == {
            "shape",
            "safe_mode",
        }
        assert {found[step] for step in ("issuer", "proof", "status", "time", "recipient")} == {
            "passed"
        }
    assert "127.0.0.1" in page.locator("#report .notice").inner_text(), "a copy says it is one"


def test_a_revoked_badge_shows_as_revoked(page: Page, exported: Exported) -> None:
    for form in ("json", "jwt", "png"):
        found = answer(page, file_of(exported, form, revoked=True), f"badge.{form}")
        assert (found["outcome"], found["status"], found["proof"]) == (
            "invalid",
            "failed",
            "passed",
        )
    assert page.get_by_role("heading", name="withdrawn by its issuer").is_visible()


def test_the_link_of_a_badges_page_checks_it(page: Page, exported: Exported) -> None:
    page.goto(page.url.replace("/verify/", f"/credentials/{exported.good.id}"))
    page.get_by_role("link", name="Verify this badge").click()
    page.locator("#report[data-outcome=valid]").wait_for()
    page.goto(page.url.split("?")[0])
    address = f"https://milepost.test/credentials/{exported.revoked.id}"
    page.locator("#f-text").fill(address)
    assert submitted(page)["outcome"] == "invalid"


def test_changed_and_forged_badges_do_not_hold(page: Page, exported: Exported) -> None:
    document = json.loads(file_of(exported, "json"))
    document["credentialSubject"]["achievement"]["name"] = "Something Grander"
    changed = answer(page, json.dumps(document).encode(), "badge.json")
    assert (changed["outcome"], changed["proof"]) == ("invalid", "failed")

    head, body, signature = file_of(exported, "jwt").decode().split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    payload["credentialSubject"]["achievement"]["name"] = "Something Grander"
    forged = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    found = answer(page, f"{head}.{forged}.{signature}".encode(), "badge.jwt")
    assert (found["outcome"], found["proof"]) == ("invalid", "failed")

    none = base64.urlsafe_b64encode(
        json.dumps({"alg": "none", "kid": json.loads(_decoded(head))["kid"]}).encode()
    )
    unsigned = f"{none.decode().rstrip('=')}.{forged}."
    assert answer(page, unsigned.encode(), "badge.jwt")["outcome"] != "valid"


def test_somebody_elses_badge_is_not_this_persons(page: Page, exported: Exported) -> None:
    found = answer(page, file_of(exported, "png"), "badge.png", "mallory@example.org")
    assert (found["outcome"], found["recipient"]) == ("invalid", "failed")


def test_an_issuer_that_is_not_here_is_left_open(page: Page, exported: Exported) -> None:
    document = json.loads(file_of(exported, "json"))
    document["issuer"]["id"] = "did:web:elsewhere.example"
    document["id"] = "https://elsewhere.example/credentials/1"
    del document["credentialStatus"]
    found = answer(page, json.dumps(document).encode(), "badge.json")
    assert found["outcome"] == "undecided"
    assert found["proof"] == found["issuer"] == "not_possible"


NO_BADGES = (
    (b"hello", "not a badge"),
    (b"{", "not a badge"),
    (png(), "holds no badge"),
    (png(png_chunk(b"iTXt", b"openbadgecredential\0\1\0\0\0{}")), "damaged"),
    (png(png_chunk(b"iTXt", b"openbadgecredential\0\0\0\0\0{}") * 2), "damaged"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "holds no badge"),
    (b"<!DOCTYPE svg [<!ENTITY a 'x'>]><svg>&a;</svg>", "damaged"),
    (b"<svg", "damaged"),
)


def test_what_holds_no_badge_is_told_in_words(page: Page) -> None:
    for data, words in NO_BADGES:
        assert answer(page, data, "it")["outcome"] == "unread"
        assert words in page.locator("#report").inner_text()


def test_no_page_is_wider_than_a_phone(page: Page, exported: Exported) -> None:
    host = page.url.removesuffix("/verify/")
    page.set_viewport_size({"width": 320, "height": 800})
    places = ("/", "/verify/", f"/verify/?credential={exported.revoked.id}", "/404.html")
    pages = (f"/credentials/{exported.good.id}/", "/issuers/alder-valley/")
    version = f"/achievements/{exported.district.version.id}/"
    for path in (*places, *pages, version):
        page.goto(host + path)
        if "credential=" in path:
            page.locator("#report[data-outcome]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
