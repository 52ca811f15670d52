"""Until when something may be valid: every form and every command asks the same rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from flask_babel import LazyString, lazy_gettext
from hypothesis import given
from hypothesis import strategies as st

from badges import ends
from core.errors import UnprocessableError
from core.timezones import last_day

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EARLY = lazy_gettext("Not so early.")


@given(st.dates())
def test_a_day_counts_whole_and_reads_as_itself(day: date) -> None:
    end = ends.read(day.isoformat())
    assert end is not None
    assert (end.date(), end.utcoffset()) == (day, timedelta(0))
    assert last_day(end) == day
    assert end == datetime.combine(day, time(23, 59, 59), UTC)


@given(
    st.text().filter(bool)
    | st.sampled_from(
        [
            "2027-02-29",
            "20270831",
            "2027-W03-1",
            "2027-08-31T10:00",
            "0000-01-01",
            "10000-01-01",
            "2027-8-31",
            "٢٠٢٧-٠٨-٣١",
            "31.08.2027",
            " 2027-08-31",
            "soon",
            "-",
        ]
    )
)
def test_what_is_no_day_is_told_at_its_field(text: str) -> None:
    with pytest.raises(UnprocessableError) as refused:
        ends.read(text)
    told = str(refused.value.fields["until"])
    assert told == "There is no such day in the calendar. Choose another one."


def test_nothing_typed_is_no_end() -> None:
    assert ends.read("") is None
    assert ends.fault_of(None, after=NOW, early=EARLY, now=NOW) is None


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("0001-01-01", EARLY),
        ("2026-11-21", EARLY),
        ("2026-11-22", None),
        ("2126-11-22", None),
        ("2126-11-23", "Choose a day within the next hundred years."),
        ("9999-12-31", "Choose a day within the next hundred years."),
    ],
)
def test_an_end_is_later_than_it_must_be_and_within_a_hundred_years(
    day: str, told: str | LazyString | None
) -> None:
    end = ends.read(day)
    fault = ends.fault_of(end, after=NOW, early=EARLY, now=NOW)
    assert fault == told
    if told is not None:
        with pytest.raises(UnprocessableError) as refused:
            ends.check(end, after=NOW, early=EARLY, now=NOW)
        assert str(refused.value.fields["until"]) == told


def test_a_leap_day_has_a_hundredth_year_too() -> None:
    leap = datetime(2096, 2, 29, tzinfo=UTC)
    assert ends.latest(leap) == datetime(2196, 2, 29, 23, 59, 59, tzinfo=UTC)
    assert ends.latest(datetime(2000, 2, 29, tzinfo=UTC)).date() == date(2100, 2, 28)


@given(
    st.datetimes(),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_every_end_has_a_last_day(moment: datetime, zone: timezone) -> None:
    assert isinstance(last_day(moment.replace(tzinfo=zone)), date)
