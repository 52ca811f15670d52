"""Exchanges with wallets; the database holds a hash of each one's address, never the address."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified
from core.scope import OwnedByPeople


class WalletExchange(OwnedByPeople, Identified, Base):
    """One badge that waits for one wallet, for a short while.

    `holder` is the DID of the wallet that took it, `used_at` when; that wallet alone may ask again
    until `expires_at`, should an answer have been lost.
    """

    __tablename__ = "wallet_exchanges"

    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    holder: Mapped[str | None] = mapped_column(String(2000))

    def state(self, now: datetime) -> str:
        """`taken`, `expired` or `waiting`."""
        if self.used_at is not None:
            return "taken"
        return "expired" if self.expires_at <= now else "waiting"
