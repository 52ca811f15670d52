"""The secrets of links that work once: kept as a hash alone, and used up by one of many attempts.

A mailed link's is made from its row's id and the master key, so neither the table nor the outbox
holds what opens a door, and a mail that has to be sent again carries the same link as before.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

LONGEST = 100


def token(master_key: bytes, purpose: str, row_id: uuid.UUID) -> str:
    """The secret of one row, 43 characters that stand in an address as they are."""
    made = hmac.digest(master_key, f"milepost {purpose} {row_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def digest(text: str) -> bytes:
    """What the table keeps of a secret."""
    return hashlib.sha256(text[:LONGEST].encode("utf-8", "replace")).digest()


def claim(session: Session, model: Any, token_hash: bytes, now: datetime) -> bool:
    """Use the row of `model` up; of any number of simultaneous attempts one is told True.

    The model keeps `token_hash`, `used_at` and `expires_at`.
    """
    table = model.__table__
    taken = session.connection().execute(
        update(table)
        .where(
            table.c.token_hash == token_hash,
            table.c.used_at.is_(None),
            table.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(table.c.id)
    )
    return taken.first() is not None
