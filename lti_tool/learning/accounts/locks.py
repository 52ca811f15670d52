"""What goes on one at a time in the whole installation, because it is rare and locks a lot."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session


class Turn(IntEnum):
    """Numbers of advisory locks on PostgreSQL."""

    CONNECTING = 0x6D70_0001
    MERGING = 0x6D70_0002


def await_turn(session: Session, turn: Turn) -> None:
    """Wait until nobody else is at it; kept to the end of the transaction.

    Two who held one row each would wait for each other. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(int(turn))))
