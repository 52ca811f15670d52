"""A link opens once, for one of many attempts, until its time is over; looking takes nothing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core import single_use
from core.errors import GoneError, MilepostError, NotFoundError
from core.identity import create_organisation, owner_of
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.access.models import AdministratorLink

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def place(any_runtime: Runtime) -> Runtime:
    """Where a link called `secret` works for an hour."""
    with any_runtime.database.transaction() as session:
        owner = create_organisation(session, name="Alder", slug="alder")
        for secret, ends in (("secret", NOW + HOUR), ("late", NOW)):
            link = AdministratorLink(
                **owner_of(owner), token_hash=single_use.digest(secret), name="Wren",
                created_at=NOW - HOUR, expires_at=ends,
            )  # fmt: skip
            session.add(link)
    return any_runtime


def refusal(row: AdministratorLink | None) -> MilepostError:
    return NotFoundError("unknown") if row is None else GoneError("used" if row.used_at else "late")


def find(place: Runtime, secret: str, at: datetime = NOW) -> str:
    with place.database.snapshot() as session:
        return single_use.find(session, AdministratorLink, secret, refusal, at).name


def take(place: Runtime, secret: str, at: datetime = NOW) -> str:
    with place.database.transaction() as session:
        return single_use.take(session, AdministratorLink, secret, refusal, at).name


def test_looking_takes_nothing_and_taking_takes_once(place: Runtime) -> None:
    assert find(place, "secret") == find(place, "secret") == take(place, "secret") == "Wren"
    for way in (find, take):
        with pytest.raises(GoneError, match="used"):
            way(place, "secret")


@pytest.mark.parametrize("way", [find, take])
def test_a_link_ends_with_its_time(place: Runtime, way: object) -> None:
    assert callable(way)
    assert find(place, "secret", NOW + HOUR - timedelta(seconds=1)) == "Wren"
    for secret, at in (("late", NOW), ("secret", NOW + HOUR)):
        with pytest.raises(GoneError, match="late"):
            way(place, secret, at)


@pytest.mark.parametrize("secret", ["", "Secret", "secret ", "x" * 3000, "\ud800", "%"])
def test_an_invented_secret_opens_nothing(place: Runtime, secret: str) -> None:
    for way in (find, take):
        with pytest.raises(NotFoundError):
            way(place, secret)
    assert take(place, "secret") == "Wren"


def test_more_than_the_longest_is_no_link_though_its_beginning_were_one(place: Runtime) -> None:
    whole = "s" * single_use.LONGEST
    with place.database.transaction() as session, unscoped(session, "test"):
        row = session.scalars(select(AdministratorLink)).first()
        assert row is not None
        row.token_hash = single_use.digest(whole)
    with place.database.snapshot() as session:
        assert single_use.row_of(session, AdministratorLink, whole) is not None
        assert single_use.row_of(session, AdministratorLink, whole + "s") is None


def test_a_rollback_gives_the_link_back(place: Runtime) -> None:
    with place.database.transaction() as session:
        single_use.take(session, AdministratorLink, "secret", refusal, NOW)
        session.rollback()
    assert take(place, "secret") == "Wren"


def test_of_sixteen_at_once_one_gets_in(place: Runtime) -> None:
    together, got = threading.Barrier(16), []

    def come() -> None:
        together.wait(30)
        try:
            got.append(take(place, "secret"))
        except GoneError as error:
            got.append(str(error.message))

    threads = [threading.Thread(target=come) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got) == ["Wren", *["used"] * 15]


def test_what_ended_before_is_forgotten(place: Runtime) -> None:
    with place.database.transaction() as session:
        assert single_use.forget(session, AdministratorLink, NOW) == 0
        assert single_use.forget(session, AdministratorLink, NOW + HOUR) == 1
    assert find(place, "secret") == "Wren"
