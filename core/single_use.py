"""Links that work once: kept as the hash of a secret, and used up by one of many attempts.

A mailed link's is made from its row's id and the master key, so neither the table nor the outbox
holds what opens a door, and a mail that has to be sent again carries the same link as before.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import LargeBinary, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.errors import MilepostError
from core.scope import unscoped

LONGEST: Final = 100
WHY: Final = "a link is found by its token alone; it says for whom"


class SingleUse:
    """A row whose secret opens something once, until `expires_at`."""

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    def holds(self, now: datetime) -> bool:
        """Whether it still opens what it was made for."""
        return self.used_at is None and self.expires_at > now


Row = TypeVar("Row")
Link = TypeVar("Link", bound=SingleUse)
Refusal = Callable[[Link | None], MilepostError]


def token(master_key: bytes, purpose: str, row_id: uuid.UUID) -> str:
    """The secret of one row, 43 characters that stand in an address as they are."""
    made = hmac.digest(master_key, f"milepost {purpose} {row_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def digest(text: str) -> bytes:
    """What the table keeps of a secret."""
    return hashlib.sha256(text[:LONGEST].encode("utf-8", "replace")).digest()


def row_of(session: Session, model: type[Row], secret: str, *, why: str = WHY) -> Row | None:
    """The row of `model`, which keeps a `token_hash`, that `secret` belongs to, over or not.

    `why` says why it is looked for wherever it belongs.
    """
    if len(secret) > LONGEST:
        return None
    kept: Any = model
    with unscoped(session, why):
        found: Row | None = session.scalar(select(model).where(kept.token_hash == digest(secret)))
    return found


def find(
    session: Session, model: type[Link], secret: str, refusal: Refusal[Link], now: datetime
) -> Link:
    """The link of `model` that holds; taking nothing.

    Raises what `refusal` makes of one that is over, or of None for one that never was.
    """
    row = row_of(session, model, secret)
    if row is None or not row.holds(now):
        raise refusal(row)
    return row


def take(
    session: Session, model: type[Link], secret: str, refusal: Refusal[Link], now: datetime
) -> Link:
    """Use the link up; of any number of simultaneous attempts one succeeds. Raises like `find`."""
    taken = _claim(session, model, secret, now)
    row = row_of(session, model, secret)
    if row is None or not taken:
        raise refusal(row)
    return row


def forget(session: Session, model: type[SingleUse], before: datetime) -> int:
    """Delete the links of `model` that ended `before` then; returns how many."""
    table: Any = model.__table__  # type: ignore[attr-defined]
    gone = session.connection().execute(delete(table).where(table.c.expires_at < before))
    return int(gone.rowcount)


def _claim(session: Session, model: type[SingleUse], secret: str, now: datetime) -> bool:
    table: Any = model.__table__  # type: ignore[attr-defined]
    taken = session.connection().execute(
        update(table)
        .where(
            table.c.token_hash == digest(secret),
            table.c.used_at.is_(None),
            table.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(table.c.id)
    )
    return taken.first() is not None
