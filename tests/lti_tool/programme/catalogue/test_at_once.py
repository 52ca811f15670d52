"""Two leads who choose one address for an issuer in the same moment."""

from __future__ import annotations

import threading
from collections import Counter
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from badges.achievements import issuers
from badges.achievements.models import Issuer
from core.errors import MilepostError
from core.runtime import Runtime
from core.scope import unscoped
from keys.models import SigningKey
from lti_tool.app import create_app
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.lti_tool.programme.catalogue.conftest import LEAD
from tests.lti_tool.programme.catalogue.test_issuer_pages import NORTH
from tests.support.badges import NOW, District, add_person, make_district
from tests.support.meeting import meet


def north_of(district: District, session: Session) -> Issuer:
    return issuers.make(
        session, district.organisation, {"name": "Quicker"}, slug="north", ring=district.ring,
        badge_url=district.badge_url, actor_id=None, now=NOW,
    )  # fmt: skip


def meet_at_north(district: District, lead: Visit, *, gives_up: bool = False) -> TestResponse:
    """What the lead is answered, who sends the form while somebody else makes that issuer."""
    return meet(
        district.runtime,
        district.organisation.scope,
        lambda session: north_of(district, session),
        lambda: lead.post("/issuers", NORTH, page="/issuers/new"),
        gives_up=gives_up,
    )


def names_and_keys(district: District) -> tuple[list[str], int]:
    with (
        district.runtime.database.snapshot() as session,
        unscoped(session, "a test looks at everything"),
    ):
        names = session.scalars(select(Issuer.name).order_by(Issuer.name)).all()
        return list(names), len(session.scalars(select(SigningKey.kid)).all())


@pytest.fixture
def there(runtime_pg: Runtime) -> District:
    return make_district(runtime_pg)


@pytest.fixture
def app_there(there: District) -> Flask:
    return create_app(runtime=there.runtime)


@pytest.fixture
def lead_there(app_there: Flask, there: District) -> Visit:
    return visit_as(app_there, there, add_person(there.runtime, there.organisation, "Ada"), LEAD)


def test_who_comes_second_is_told_so_and_keeps_everything_typed(
    there: District, lead_there: Visit
) -> None:
    answer = meet_at_north(there, lead_there)
    assert answer.status_code == 409
    page = unescape(answer.text)
    assert "The address “north” has just been taken. Choose another word." in page
    assert "Everything you typed is still here." in page
    for kept in ("North Academy", "https://north.example", "+43 1 234", "Graz", "60-7", "The head"):
        assert kept in page
    assert 'value="north"' in page
    names, keys = names_and_keys(there)
    assert names == ["Alder Valley Schools", "Quicker"]
    assert keys == 4
    again = lead_there.post("/issuers", {**NORTH, "slug": "north-2"}, page="/issuers/new")
    assert again.status_code == 303


def test_an_address_is_free_again_once_the_first_one_gives_up(
    there: District, lead_there: Visit
) -> None:
    answer = meet_at_north(there, lead_there, gives_up=True)
    assert answer.status_code == 303
    assert names_and_keys(there) == (["Alder Valley Schools", "North Academy"], 4)


def test_of_four_at_once_on_sqlite_one_makes_it(district: District) -> None:
    gate, outcomes = threading.Barrier(4), Counter[str]()

    def press() -> None:
        gate.wait(30)
        try:
            with district.runtime.database.transaction(district.organisation.scope) as session:
                north_of(district, session)
            outcome = "made"
        except MilepostError as error:
            outcome = error.code
        outcomes[outcome] += 1

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes == {"made": 1, "issuer_invalid": 3}
    assert names_and_keys(district) == (["Alder Valley Schools", "Quicker"], 4)
