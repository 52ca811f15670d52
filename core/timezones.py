"""Time zones, by the names of the IANA database that dates on pages can be written in."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo

from babel.dates import get_timezone

FALLBACK = "UTC"


def known(name: str) -> bool:
    """Whether `name` is a time zone such as Europe/Vienna.

    The library that writes dates decides: the system's zone files hold more names (`localtime`,
    `posix/…`, `right/…`), and a page in one of those could not be written.
    """
    try:
        get_timezone(name)
    except LookupError:
        return False
    return True


def at(moment: datetime, zone: tzinfo) -> datetime:
    """`moment` in `zone`; as it was written where the calendar has no such day there.

    That is so at both ends of the calendar, in the years 1 and 9999. A naive moment is UTC.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(zone)
    except OverflowError:
        return aware


def last_day(end: datetime) -> date:
    """The day on which something that is good until `end` ends: the UTC day, for all its readers.

    An end is a day of the calendar. Were it written in the reader's zone, the last second of a day
    would be the next day for whoever lives in the east.
    """
    return at(end, UTC).date()
