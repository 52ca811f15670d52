"""What the two databases do differently: odd signs, JSON that is none, two at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.identity import create_organisation
from core.runtime import Runtime
from lti_tool.lti.deep_linking.models import DeepLinkItem
from tests.lti_tool.lti.messages.school import DL, School, open_school
from tests.support.hostile_platform import INSTRUCTOR, LEARNER
from tests.support.local_http import local_server

QUESTIONS = "Questions That Open"


@pytest.fixture
def pg_school(runtime_pg: Runtime) -> Iterator[School]:
    with runtime_pg.database.transaction() as session:
        organisation = create_organisation(session, name="Alder Valley Schools", slug="alder")
    with local_server() as server:
        yield open_school(runtime_pg, organisation, server)


def test_odd_data_comes_back_as_it_was(pg_school: School) -> None:
    for data in ("\x00", "\ud800", {"\x00": [1.5, None]}):
        visit = pg_school.pick(settings={"data": data, "accept_types": ["ltiResourceLink", "\x00"]})
        claims = pg_school.content_items(pg_school.picked(visit, QUESTIONS))[1]
        assert claims[f"{DL}data"] == data


def test_of_eight_who_press_at_once_one_hands_over(pg_school: School) -> None:
    visit = pg_school.pick()
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _n: pg_school.picked(visit, QUESTIONS), range(8)))
    assert sorted(page.status_code for page in pages) == [200, *[409] * 7]
    assert len(pg_school.rows(DeepLinkItem)) == 1


def test_a_copied_link_and_its_work(pg_school: School) -> None:
    visit = pg_school.pick(context={"id": "course-1", "title": "Course course-1"})
    (item,) = pg_school.content_items(
        pg_school.picked(visit, QUESTIONS, maximum_0="12.5", due_until_0="2026-12-18T17:00")
    )[1][f"{DL}content_items"]
    first = pg_school.link(LEARNER, sub="8", custom=item["custom"])
    coach = pg_school.link(INSTRUCTOR, sub="7", custom=item["custom"], course="c-2", link="l-2")
    coach.post("/copied-link", {"answer": "same"})
    second = pg_school.link(LEARNER, sub="8", custom=item["custom"], course="c-2", link="l-2")
    assert pg_school.send(first) != pg_school.send(second)
    work = pg_school.review(
        INSTRUCTOR, sub="7", about="8", context={"id": "c-2"}, resource_link={"id": "l-2"}
    )
    assert "R. said" in work.open().text
    assert pg_school.link_row("l-2").maximum == 12.5
