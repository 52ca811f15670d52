"""Time as the practice LMS reads and stores it: aware UTC, in texts that sort by age."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def as_text(moment: datetime) -> str:
    """A moment as a text of fixed width, so that texts compare as moments do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(text: str) -> datetime:
    """The moment that ``as_text`` wrote."""
    return datetime.fromisoformat(text)


def parse_iso8601(value: object) -> datetime | None:
    """An ISO 8601 moment with a date, a time and a zone, as AGS 2.0 asks; else None."""
    if not isinstance(value, str) or "T" not in value or len(value) > 64:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
