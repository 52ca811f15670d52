"""Reading the date-times that credentials carry (RFC 3339, with a zone)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?P<fraction>\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)\Z"
)

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def parse_moment(text: object) -> datetime | None:
    """The aware moment of an RFC 3339 text, or None where it is not one.

    A moment that UTC has no year for (year 1 east of it, 9999 west of it) is the first or the last
    one that it has: anybody's badge may carry it, and no page or database could hold it.
    """
    if not isinstance(text, str):
        return None
    match = _MOMENT.match(text)
    if match is None:
        return None
    fraction = match["fraction"] or ""
    # Python reads at most six digits of a second.
    text = text.replace(fraction, fraction[:7]) if len(fraction) > 7 else text
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    try:
        found.astimezone(UTC)
    except OverflowError:
        return _FIRST if found.year == 1 else _LAST
    return found
