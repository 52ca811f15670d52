"""A time zone that a launch brings is kept only where pages can be written in it."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from core.identity import Organisation, Person
from core.runtime import Runtime
from core.scope import unscoped
from tests.lti_tool.lti.harness import Browser

UNKNOWN = ["Nowhere/Bad", "Factory", "localtime", "posixrules", "posix/Europe/Vienna",
           "right/Europe/Vienna"]  # fmt: skip


def kept(runtime: Runtime) -> str | None:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return session.scalars(select(Person)).one().timezone


@pytest.mark.parametrize("zone", UNKNOWN)
def test_an_unknown_zone_counts_as_absent(browser: Browser, runtime: Runtime, zone: str) -> None:
    browser.follow(browser.launch(zoneinfo=zone))
    assert kept(runtime) is None
    browser.launch(zoneinfo="America/New_York")
    browser.launch(zoneinfo=zone)
    assert kept(runtime) == "America/New_York"


def test_a_zone_kept_by_an_older_version_breaks_no_refusal(
    browser: Browser, runtime: Runtime
) -> None:
    answer = browser.launch()
    with runtime.database.transaction() as session:
        session.connection().execute(update(Person.__table__).values(timezone="localtime"))
        session.connection().execute(update(Organisation.__table__).values(timezone="Nowhere/Bad"))
    session_path = answer.headers["Location"].rpartition("/micro-credential/")[0]
    page = browser.post(f"{session_path}/home")
    assert page.status_code in {403, 405}
    assert "UTC" in page.get_data(as_text=True)
