"""My accounts, walked on both sides through the whole application."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.identity import Role, grant
from core.runtime import Runtime
from lti_tool.app import create_app
from tests.lti_tool.learning.accounts.two_schools import TwoSchools, make_two_schools
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.lti_tool.review.world import NOW
from tests.support.badges import District


@pytest.fixture
def two(runtime: Runtime) -> TwoSchools:
    runtime.clock = lambda: NOW
    return make_two_schools(runtime)


@pytest.fixture
def app(two: TwoSchools) -> Flask:
    return create_app(runtime=two.world.runtime)


def visit(two: TwoSchools, app: Flask, name: str, *roles: Role) -> Visit:
    place: Any = District(
        two.world.runtime,
        None,
        two.world.organisation,
        None,
        None,
        None,
        None,  # type: ignore[arg-type]
    )
    return visit_as(app, place, two.people[name], frozenset(roles or {Role.TEACHER}))


def code_of(page: str) -> str:
    found = re.search(r"<strong>([A-Z0-9]{4}-[A-Z0-9]{4})</strong>", page)
    assert found, page
    return found[1]


def action(page: str, end: str) -> str:
    found = re.search(rf'action="/s/[^/]+(/accounts/[^"]+{end})"', page)
    assert found, page
    return found[1]


def press(visit: Visit, end: str, **data: str) -> Any:
    return visit.post(action(visit.get("/accounts").text, end), data, page="/accounts")


def typed(two: TwoSchools, app: Flask) -> tuple[Visit, Visit]:
    """Wren's page and W. Abara's, after the code was typed."""
    first, second = visit(two, app, "Wren"), visit(two, app, "W. Abara")
    code = code_of(first.post("/accounts/connect", {}, page="/accounts").text)
    assert second.post("/accounts/code", {"code": code}, page="/accounts").status_code == 303
    return first, second


def test_the_name_in_the_bar_leads_to_ones_accounts(two: TwoSchools, app: Flask) -> None:
    first = visit(two, app, "Wren")
    assert re.search(r'<a class="bar__me" href="/s/[^"]+/accounts">', first.get("/path").text)
    page = first.get("/accounts").text
    assert "Canvas" in page
    assert "Moodle" not in page


def test_two_accounts_are_connected_from_both_sides(two: TwoSchools, app: Flask) -> None:
    two.draft_elsewhere("W. Abara")
    first, second = typed(two, app)
    page = second.get("/accounts").text
    for words in ("Wren", "Canvas", "Moodle", "This cannot be undone", "Pieces of evidence"):
        assert words in page
    assert "Yes, both are me" not in first.get("/accounts").text
    assert press(second, "confirm", side="second").status_code == 303
    assert "You have confirmed here" in second.get("/accounts").text
    page = first.get("/accounts").text
    assert "W. Abara" in page
    assert press(first, "confirm", side="first").status_code == 303
    page = first.get("/accounts").text
    assert "Your accounts are connected" in page
    assert "Moodle" in page
    assert "Wait Time That Works" in first.get("/path").text
    gone = second.get("/accounts")
    assert gone.status_code == 401
    assert "open the activity again" in gone.text


def test_a_wrong_code_is_said_beside_the_field(two: TwoSchools, app: Flask) -> None:
    second = visit(two, app, "W. Abara")
    for given, words in (("", "Type the code"), ("ACDE-FGHJ", "This code is not open")):
        answer = second.post("/accounts/code", {"code": given}, page="/accounts")
        assert answer.status_code == 422
        assert words in answer.text
        assert f'value="{given}"' in answer.text
    for _n in range(4):
        second.post("/accounts/code", {"code": "ACDEFGHJ"}, page="/accounts")
    answer = second.post("/accounts/code", {"code": "ACDEFGHJ"}, page="/accounts")
    assert answer.status_code == 409
    assert "fifteen minutes" in answer.text


def test_what_is_typed_is_shown_as_text(two: TwoSchools, app: Flask) -> None:
    second = visit(two, app, "W. Abara")
    page = second.post("/accounts/code", {"code": '"><script>x'}, page="/accounts").text
    assert "<script>x" not in page


def test_what_is_in_the_way_is_listed_and_nothing_can_be_confirmed(
    two: TwoSchools, app: Flask
) -> None:
    two.world.draft("Wren")
    two.draft("W. Abara", two.world.achievement, two.second_course)
    first, second = typed(two, app)
    for one in (first, second):
        page = one.get("/accounts").text
        assert "Both have work on “Questions That Open”" in page
        assert "/confirm" not in page
    assert press(second, "cancel").status_code == 303
    assert "The other account cancelled" in first.get("/accounts").text
    assert "The other account cancelled" not in second.get("/accounts").text


def test_work_begun_between_the_confirmations_is_found(two: TwoSchools, app: Flask) -> None:
    two.world.draft("Wren")
    first, second = typed(two, app)
    press(second, "confirm", side="second")
    confirm = action(first.get("/accounts").text, "confirm")
    two.draft("W. Abara", two.world.achievement, two.second_course)
    answer = first.post(confirm, {"side": "first"}, page="/accounts")
    assert answer.status_code == 409
    assert "Both have work on" in answer.text
    assert two.person("W. Abara").merged_into_id is None


def test_a_code_that_ran_out_is_said_kindly(two: TwoSchools, app: Flask) -> None:
    first = visit(two, app, "Wren")
    first.post("/accounts/connect", {}, page="/accounts")
    assert "A code is open" in first.get("/accounts").text
    two.world.runtime.clock = lambda: NOW + timedelta(minutes=16)
    page = first.get("/accounts").text
    assert "It ran out" in page
    assert "Connect another account" in page


def test_a_lead_and_a_nameless_account_read_well(two: TwoSchools, app: Flask) -> None:
    with two.world.write() as session:
        grant(session, two.people["W. Abara"], Role.LEAD, source="test", now=NOW)
        person = session.get_one(type(two.people["Wren"]), two.id("Wren"))
        person.name = None
    first, second = typed(two, app)
    assert "Programme lead" in second.get("/accounts").text
    assert "an account without a name" in second.get("/accounts").text
    page = first.get("/accounts").text
    assert ">You<" in page
    assert "None" not in page


def test_a_visit_without_an_account_is_told_why(two: TwoSchools, app: Flask) -> None:
    page = visit(two, app, "Robin").get("/accounts").text
    assert "Your LMS does not tell us who you are" in page
    assert "Connect another account" not in page


def test_a_strangers_connection_is_not_found(two: TwoSchools, app: Flask) -> None:
    first, _second = typed(two, app)
    two.account("Robin", "Canvas")
    robin = visit(two, app, "Robin")
    cancel = action(first.get("/accounts").text, "cancel")
    assert robin.post(cancel, {}, page="/accounts").status_code == 404
    confirm = cancel.replace("cancel", "confirm")
    for side in ("first", "second"):
        assert robin.post(confirm, {"side": side}, page="/accounts").status_code == 404
