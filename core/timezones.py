"""Time zones, by the names of the IANA database that dates on pages can be written in."""

from __future__ import annotations

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
