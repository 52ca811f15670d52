"""Picking, copying a course, opening work from the gradebook, asking for one's data: all of it.

The practice LMS on one side, the whole tool on the other, nothing replaced.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from lti_tool.sandbox.driver import FlaskSender, HttpSender, LaunchDriver, passing_form
from lti_tool.sandbox.people import NEXT_CIRCLE, TEACHING_CIRCLE
from lti_tool.sandbox.store import Store
from tests.flows.test_spine import ILSE, NOTICING, PIA, TEO, WREN, send_noticing
from tests.support.district import District, Page, Visitor


class Lms:
    """One person at the practice LMS, and the tool's pages that it leads to."""

    def __init__(self, district: District, person: str) -> None:
        self.district, self.person = district, person
        self.lms = HttpSender()
        self.visitor = Visitor(district.app.test_client())
        self._driver = LaunchDriver(district.lms_url, self.lms, FlaskSender(self.visitor.client))
        self._driver.sign_in(person)

    def walk(self, path: str) -> Page:
        """Open a page of the LMS that leads to the tool; the page there."""
        reply = self._driver.walk(self.person, path)
        assert reply.location, reply.text
        return self.visitor.open(reply.location)

    def page(self, path: str) -> str:
        return self.lms.send("GET", f"{self.district.lms_url}{path}").text

    def send(self, path: str, form: dict[str, str] | None = None) -> Any:
        return self.lms.send("POST", f"{self.district.lms_url}{path}", form or {})

    def hand_over(self, page: Page) -> Any:
        """Post the tool's answer to the LMS as the browser would."""
        from lti_tool.sandbox.driver import Reply

        form = passing_form(Reply(page.url, page.status, {}, page.html.encode()))
        assert form is not None, page.text
        assert form[0].startswith(self.district.lms_url)
        return self.lms.send("POST", *form)


@pytest.fixture
def ilse(district: District) -> Lms:
    return Lms(district, ILSE)


def pick(lms: Lms, title: str, **fields: str) -> Page:
    page = lms.walk(f"/courses/{TEACHING_CIRCLE}/add/start")
    choice = next(
        line.split('value="')[1].split('"')[0]
        for line in page.html.splitlines()
        if title in line and 'name="choice"' in line
    )
    second = lms.visitor.submit(page, "/pick", {"choice": choice})
    return lms.visitor.submit(second, "/pick/add", fields)


def link_id(lms: Lms, title: str) -> str:
    return str(lms.district.sandbox.link(title).id)


def test_an_activity_is_picked_opened_and_graded_by_its_own_points(
    district: District, ilse: Lms
) -> None:
    page = pick(
        ilse, NOTICING, **{"title-0": "Notice, week 3", "maximum-0": "20",
                           "due_until-0": "2031-12-18T17:00", "shown_in-0": "window"},
    )  # fmt: skip
    answer = ilse.hand_over(page)
    assert answer.status == 200, answer.text
    assert "Notice, week 3" in answer.text
    course = ilse.page(f"/courses/{TEACHING_CIRCLE}")
    assert "Notice, week 3" in course
    assert "2031-12-18" in course
    assert "out of 20" in ilse.page(f"/courses/{TEACHING_CIRCLE}/gradebook")
    _visitor, opened = district.launch(WREN, link_id(ilse, "Notice, week 3"))
    assert NOTICING in opened.text
    assert "18 December 2031" in opened.text
    # What was handed over once is not taken again.
    assert ilse.hand_over(page).status == 400


def test_nothing_is_picked_by_learners_and_after_cancelling(district: District, ilse: Lms) -> None:
    before = ilse.page(f"/courses/{TEACHING_CIRCLE}")
    page = ilse.walk(f"/courses/{TEACHING_CIRCLE}/add/start")
    answer = ilse.hand_over(ilse.visitor.submit(page, "/pick/cancel"))
    assert "Nothing was added" in answer.text
    assert ilse.page(f"/courses/{TEACHING_CIRCLE}") == before
    wren = Lms(district, WREN)
    assert wren.lms.send("GET", f"{district.lms_url}/courses/2/add").status == 403
    assert wren.send("/courses/2/duplicate").status == 403


def test_the_lms_takes_no_forged_answer(district: District, ilse: Lms) -> None:
    for token in ("", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."):
        assert ilse.send("/courses/2/picked", {"JWT": token}).status == 400
    assert ilse.send("/courses/99/picked", {"JWT": "x"}).status == 404


def test_a_duplicated_course_asks_once_and_shares_no_work(district: District, ilse: Lms) -> None:
    ilse.hand_over(pick(ilse, NOTICING, **{"title-0": "Picked", "maximum-0": "10"}))
    send_noticing(district, WREN)
    made = ilse.send(f"/courses/{TEACHING_CIRCLE}/duplicate")
    assert made.location == f"{district.lms_url}/courses/{NEXT_CIRCLE}"
    assert ilse.send(f"/courses/{TEACHING_CIRCLE}/duplicate").status == 303
    links = [one for one in district.sandbox.links() if one.course_id == NEXT_CIRCLE]
    assert len(links) == len({one.title for one in links})
    copy = next(one for one in links if one.title == "Picked")
    assert copy.custom["milepost_item"]
    asked = ilse.walk(f"/links/{copy.id}/start?target=iframe")
    assert "This activity came with a copied course" in asked.text
    kept = ilse.visitor.submit(asked, "/copied-link", {"answer": "same"})
    assert NOTICING in kept.text
    assert "copied course" not in ilse.walk(f"/links/{copy.id}/start").text
    _visitor, page = district.launch(WREN, copy.id)
    assert "Begin a draft" in page.text
    # Links typed by hand are told by the course's history where their custom carries it: these
    # do not, so they open the same micro-credential, again with nobody's work in it.
    plain = next(one for one in links if one.title == NOTICING)
    _visitor, page = district.launch(WREN, plain.id)
    assert "Begin a draft" in page.text


def test_work_opens_from_the_gradebook(district: District, ilse: Lms) -> None:
    send_noticing(district, WREN)
    item = next(
        item for item, _grade in district.sandbox.gradebook(TEACHING_CIRCLE).rows[0].cells
        if item.label == NOTICING
    )  # fmt: skip
    work = f"/courses/{TEACHING_CIRCLE}/work/{item.id}"
    before = ilse.walk(f"{work}/{WREN}")
    assert before.status == 200, before.text
    nothing = ilse.walk(f"{work}/{TEO}")
    assert nothing.status == 200
    assert "Nothing" in nothing.text or "not been here" in nothing.text
    wren = Lms(district, WREN)
    assert wren.lms.send("GET", f"{district.lms_url}{work}/{TEO}").status == 403
    assert ilse.lms.send("GET", f"{district.lms_url}{work}/{ILSE}").status == 404


def test_everybody_may_ask_what_is_kept(district: District) -> None:
    page = Lms(district, WREN).walk("/privacy")
    assert "What is kept about you" in page.text
    assert "All of" not in page.text
    assert "All of" in Lms(district, PIA).walk("/privacy").text


def test_an_older_practice_lms_is_brought_up_to_date(tmp_path: Any) -> None:
    from lti_tool.sandbox import store

    path = tmp_path / "sandbox.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(store._SCHEMA)
        connection.execute("PRAGMA user_version = 1")
    opened = Store(path)
    with opened.read() as connection:
        assert connection.execute("SELECT picked, copied_from FROM resource_links").fetchall() == []
        assert connection.execute("PRAGMA user_version").fetchone()[0] == store.SCHEMA_VERSION
