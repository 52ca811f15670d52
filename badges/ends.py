"""Until when something may be valid: which last days people can give, decided here for all of it.

An end is a day of the calendar that counts as a whole, in UTC (`core.timezones.last_day` reads it).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Final

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from badges.period import Period
from core.errors import UnprocessableError

# Longer than anybody lives, and no program stumbles over the end of the calendar.
MOST: Final = Period.parse("P100Y")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def end_of(day: date) -> datetime:
    """The last second of a day."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def latest(now: datetime) -> datetime:
    """The last end that can be given at `now`."""
    return end_of(MOST.after(now).date())


def read(text: str) -> datetime | None:
    """The end of the day that was typed as the calendar field of a form sends it; None for none.

    Raises UnprocessableError, its `fields` naming `until`, for what is no day.
    """
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return end_of(date.fromisoformat(text))
    except ValueError:
        pass  # such as 31 February
    raise _refused(_("There is no such day in the calendar. Choose another one."))


def fault_of(
    end: datetime | None, *, after: datetime, early: LazyString, now: datetime
) -> LazyString | None:
    """What is wrong with an end: `early` where it is not later than `after`, or that it is too far.

    None where nothing is; None as `end` is no end, and always stands.
    """
    if end is not None and end <= after:
        return early
    if end is not None and end > latest(now):
        return _("Choose a day within the next hundred years.")
    return None


def check(end: datetime | None, *, after: datetime, early: LazyString, now: datetime) -> None:
    """Raise UnprocessableError, its `fields` naming `until`, for what `fault_of` finds."""
    fault = fault_of(end, after=after, early=early, now=now)
    if fault is not None:
        raise _refused(fault)


def _refused(fault: LazyString) -> UnprocessableError:
    return UnprocessableError(
        _("It cannot be valid until then."), code="until_invalid", fields={"until": fault}
    )
