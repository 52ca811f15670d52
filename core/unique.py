"""Unique names that somebody else may take between looking and writing.

Whoever checks first and writes then is right but for one moment: on PostgreSQL another transaction
may take the name in between, and only the constraint knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import ConflictError

_UNIQUE = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})


@contextmanager
def unless_taken(session: Session, taken: ConflictError) -> Iterator[None]:
    """Write what is added inside; raises `taken` where a unique name in it has just been taken.

    On PostgreSQL it waits for who took it: should that one give up, the name is free. Nothing of
    what was added inside stays then, and what the session wrote before does.
    """
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if not _is_unique(error):
            raise
        raise taken from None


def _is_unique(error: IntegrityError) -> bool:
    driver = error.orig
    said = getattr(driver, "sqlstate", None) or getattr(driver, "sqlite_errorname", None)
    return said in _UNIQUE
