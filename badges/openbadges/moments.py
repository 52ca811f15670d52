"""Reading the date-times that credentials carry (RFC 3339, with a zone)."""

from __future__ import annotations

import re
from datetime import datetime

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?P<fraction>\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)\Z"
)


def parse_moment(text: object) -> datetime | None:
    """The aware moment of an RFC 3339 text, or None where it is not one."""
    if not isinstance(text, str):
        return None
    match = _MOMENT.match(text)
    if match is None:
        return None
    fraction = match["fraction"] or ""
    # Python reads at most six digits of a second.
    text = text.replace(fraction, fraction[:7]) if len(fraction) > 7 else text
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
