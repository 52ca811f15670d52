"""Rows that may exist only once: INSERT … ON CONFLICT DO NOTHING on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import literal
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from core.db import Base


def insert_once(
    session: Session, model: type[Base], values: Mapping[str, Any], unique: Sequence[str]
) -> bool:
    """Insert a row unless one with the same `unique` columns exists; returns whether it is new.

    On PostgreSQL this waits for another transaction that is inserting the same row, and gives
    way if that one commits: two callers at once leave one row and one of them True.
    """
    session.flush()
    make = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = (
        make(model)
        .values(dict(values))
        .on_conflict_do_nothing(index_elements=list(unique))
        .returning(literal(1))  # drivers do not agree on the row count of an INSERT
    )
    return session.connection().execute(statement).first() is not None
