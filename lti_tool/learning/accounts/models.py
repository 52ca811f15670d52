"""Connections of two accounts under way: a code, and a confirmation on either side."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified
from core.scope import OwnedByPeople

OPEN: Final = ("waiting", "entered", "confirmed")
STATES: Final = (*OPEN, "done", "cancelled")
_OPEN_SQL = f"state in {OPEN!r}"


class AccountLink(OwnedByPeople, Identified, Base):
    """One connection: the first person showed a code, the second typed it.

    `waiting` for the code, `entered` by the second person, `confirmed` by them, and `done` once the
    first has confirmed too. `expires_at` holds for the state it is in. The code itself is not kept.
    """

    __tablename__ = "account_links"
    __table_args__ = (
        CheckConstraint(f"state in {STATES!r}", name="state"),
        CheckConstraint("state <> 'waiting' or second_id is null", name="second"),
        Index(
            "uq_account_links_one_of_first",
            "first_id",
            unique=True,
            sqlite_where=text(_OPEN_SQL),
            postgresql_where=text(_OPEN_SQL),
        ),
        Index(
            "uq_account_links_one_of_second",
            "second_id",
            unique=True,
            sqlite_where=text(_OPEN_SQL),
            postgresql_where=text(_OPEN_SQL),
        ),
    )

    first_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    second_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    cancelled_by_id: Mapped[uuid.UUID | None]
