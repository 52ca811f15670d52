"""Calendar periods such as P18M: ISO 8601 durations in whole units, added as calendars do.

A month after 31 January is the last day of February; days are UTC days.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_FORM = re.compile(
    r"P(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?"
    r"(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,6})S)?)?",
    re.ASCII,
)

_CENTURY = (1_200, 36_525, 36_525 * 86_400)

# What cannot be expressed lies beyond every date that people use: it never comes.
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time: calendar months, then days, then seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read an ISO 8601 duration in whole units. ValueError when it is none, or empty."""
        return _parsed(text)

    def after(self, moment: datetime) -> datetime:
        """Return the aware moment one period later, in UTC; `NEVER` past the calendar's end."""
        return _after(self, moment)

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        minutes, seconds = divmod(self.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        day = _units(((years, "Y"), (months, "M"), (self.days, "D")))
        time = _units(((hours, "H"), (minutes, "M"), (seconds, "S")))
        return f"P{day}T{time}" if time else f"P{day}"


def _units(parts: tuple[tuple[int, str], ...]) -> str:
    return "".join(f"{count}{unit}" for count, unit in parts if count)


# An evaluation asks for the same few periods and sums again and again.
@lru_cache(maxsize=1024)
def _parsed(text: str) -> Period:
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("must be an ISO 8601 period in whole units, such as P18M")
    part = {name: int(value or 0) for name, value in match.groupdict().items()}
    period = Period(
        months=12 * part["years"] + part["months"],
        days=7 * part["weeks"] + part["days"],
        seconds=3600 * part["hours"] + 60 * part["minutes"] + part["seconds"],
    )
    if period == Period():
        raise ValueError("must be longer than nothing")
    if any(got > limit for got, limit in zip(astuple(period), _CENTURY, strict=True)):
        raise ValueError("must not be longer than a hundred years")
    return period


@lru_cache(maxsize=4096)
def _after(period: Period, moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    try:
        year, month = divmod(moment.year * 12 + moment.month - 1 + period.months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        moved = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
        return moved + timedelta(days=period.days, seconds=period.seconds)
    except (ValueError, OverflowError):
        return NEVER
