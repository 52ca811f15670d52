"""Languages, time zones, and how dates, sizes and names are written for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from flask import Flask, g
from flask_babel import get_locale
from hypothesis import example, given
from hypothesis import strategies as st

from core.db import utcnow
from core.runtime import Runtime
from core.web.app import make_app
from core.web.i18n import (
    available,
    best_locale,
    date_abs,
    datetime_abs,
    day,
    filesize,
    initials,
    last_day,
    last_day_abs,
    relative,
    zone_name,
)

KNOWN = ["en", "es", "es_MX", "de"]


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    made = make_app(runtime)
    made.extensions["milepost_locales"] = KNOWN
    return made


@contextmanager
def reading(app: Flask, *, asks: str = "", **who: str) -> Iterator[None]:
    """A request of somebody whose browser `asks` for languages; `who` sets locale and timezone."""
    with app.test_request_context(headers={"Accept-Language": asks} if asks else {}):
        for name, value in who.items():
            setattr(g, name, value)
        yield


@pytest.mark.parametrize(
    ("wanted", "known", "best"),
    [
        ("es-MX", ["en", "es"], "es"),
        ("es_MX", ["en", "es"], "es"),
        ("es-MX", KNOWN, "es_MX"),
        ("es-AR", KNOWN, "es"),
        ("de-AT", KNOWN, "de"),
        ("en-GB", ["en"], "en"),
        ("es-MX", ["en"], None),
        ("fr", KNOWN, None),
        ("", KNOWN, None),
        (None, KNOWN, None),
        ("not a language", KNOWN, None),
        ("xx-XX", KNOWN, None),
    ],
)
def test_the_best_catalogue_for_a_tag(wanted: str | None, known: list[str], best: str) -> None:
    assert best_locale(wanted, known) == best


@given(wanted=st.text() | st.from_regex(r"[a-zA-Z]{0,4}([-_][a-zA-Z0-9]{0,8}){0,3}"))
def test_any_tag_has_a_known_catalogue_or_none(wanted: str) -> None:
    assert best_locale(wanted, KNOWN) in {None, *KNOWN}


def test_english_is_always_there() -> None:
    assert available()[0] == "en"
    assert len(set(available())) == len(available())


@pytest.mark.parametrize(
    ("asks", "shown"),
    [
        ("es-MX,es;q=0.9,en;q=0.5", "es_MX"),
        ("es-AR", "es"),
        ("fr, de;q=0.5", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        ("nonsense;;q=x,,", "en"),
    ],
)
def test_a_browser_is_answered_in_a_language_it_asks_for(app: Flask, asks: str, shown: str) -> None:
    with reading(app, asks=asks):
        assert str(get_locale()) == shown


def test_what_the_lms_says_of_a_person_goes_before_what_the_browser_asks(app: Flask) -> None:
    with reading(app, asks="de", locale="es-CO"):
        assert str(get_locale()) == "es"
    with reading(app, asks="de", locale="xx-nonsense"):
        assert str(get_locale()) == "de"


WINTER = datetime(2026, 12, 18, 16, 0, tzinfo=UTC)
SUMMER = datetime(2026, 6, 18, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "moment", "text"),
    [
        ("Europe/Vienna", WINTER, "Friday 18 December 2026, 17:00 CET"),
        ("Europe/Vienna", SUMMER, "Thursday 18 June 2026, 18:00 CEST"),
        # The clocks go forward on 29 March 2026 and back on 25 October 2026, at 01:00 UTC.
        ("Europe/Vienna", datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "29 March 2026, 01:59 CET"),
        ("Europe/Vienna", datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "29 March 2026, 03:00 CEST"),
        ("Europe/Vienna", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026, 02:30 CEST"),
        ("Europe/Vienna", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026, 02:30 CET"),
        ("UTC", WINTER, "Friday 18 December 2026, 16:00 UTC"),
        ("Pacific/Auckland", WINTER, "Saturday 19 December 2026, 05:00 NZDT"),
    ],
)
def test_a_moment_is_written_in_the_readers_zone(
    app: Flask, zone: str, moment: datetime, text: str
) -> None:
    with reading(app, timezone=zone):
        shown = datetime_abs(moment)
    assert f"{text}</time>" in shown
    assert f'datetime="{moment.isoformat(timespec="minutes")}"' in shown


def test_without_a_readers_zone_the_installations_holds(app: Flask) -> None:
    with reading(app):
        assert zone_name(SUMMER) == "UTC"


def test_a_moment_is_written_in_the_readers_language(app: Flask) -> None:
    with reading(app, locale="de", timezone="Europe/Vienna"):
        assert "Freitag 18 Dezember 2026" in datetime_abs(WINTER)


def test_a_day_is_written_alone(app: Flask) -> None:
    with reading(app):
        expected = '<time datetime="2026-12-18">18 December 2026</time>'
        assert date_abs(date(2026, 12, 18)) == expected


def test_a_moments_day_is_the_readers(app: Flask) -> None:
    late = datetime(2026, 12, 18, 23, 30, tzinfo=UTC)
    with reading(app, timezone="Europe/Vienna"):
        assert "19 December 2026" in date_abs(late)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Vienna", "UTC", "Pacific/Midway"])
def test_the_last_day_is_the_same_for_every_reader(app: Flask, zone: str) -> None:
    end = datetime(2026, 12, 18, 23, 59, 59, tzinfo=UTC)
    with reading(app, timezone=zone):
        assert last_day_abs(end) == '<time datetime="2026-12-18">18 December 2026</time>'
        assert last_day(end) == "18 December 2026"


EDGES = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]


@given(
    moment=st.datetimes() | st.sampled_from(EDGES),
    offset=st.integers(-14, 14),
    zone=st.sampled_from(["Pacific/Kiritimati", "Asia/Kolkata", "UTC", "Pacific/Midway"]),
)
@example(moment=EDGES[0], offset=14, zone="Pacific/Midway")
@example(moment=EDGES[1], offset=-12, zone="Pacific/Kiritimati")
def test_any_moment_can_be_written_in_any_zone(
    app: Flask, moment: datetime, offset: int, zone: str
) -> None:
    there = moment.replace(tzinfo=timezone(timedelta(hours=offset)))
    with reading(app, timezone=zone):
        for write in (date_abs, datetime_abs, day, last_day, last_day_abs, relative, zone_name):
            assert write(there)


@pytest.mark.parametrize(
    ("away", "text"),
    [
        (timedelta(days=5, minutes=1), "in 5 days"),
        (timedelta(days=26, minutes=1), "in 26 days"),
        (timedelta(hours=-3, minutes=-1), "3 hours ago"),
        (timedelta(minutes=5, seconds=30), "in 5 minutes"),
    ],
)
def test_how_far_away_something_is(app: Flask, away: timedelta, text: str) -> None:
    with reading(app):
        assert relative(utcnow() + away) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (1500, "1.5 KB"),
        (1_800_000, "1.8 MB"),
        (12_345_678, "12 MB"),
        (500 * 1024 * 1024, "524 MB"),
        (2_000_000_000, "2 GB"),
        (5_000_000_000_000, "5000 GB"),
    ],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert filesize(size) == text


@given(st.integers(0, 10**15))
@example(999_500)  # rounds up to what the next unit says better
@example(9_960)
def test_a_size_is_short_and_close(size: int) -> None:
    number, unit = filesize(size).split()
    factor = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}[unit]
    assert abs(float(number) * factor - size) <= 0.06 * size
    assert float(number) < 1000 or unit == "GB"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Wren Samplewood", "WS"),
        ("noor prøve", "NP"),
        ("Ana María de la Cruz", "AC"),
        ("Plato", "P"),
        ("Élodie (she) Ångström", "ÉÅ"),
        ("李 小龙", "李小"),
        ("", "·"),
        ("   ", "·"),
        ("- - -", "·"),
        (None, "·"),
    ],
)
def test_initials(name: str | None, letters: str) -> None:
    assert initials(name) == letters


@given(st.text())
def test_initials_of_any_name_are_there_and_few(name: str) -> None:
    assert 1 <= len(initials(name)) <= 6
