"""Exchanges with wallets; the database holds a hash of each one's address, never the address."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified
from core.scope import OwnedByPeople
from core.single_use import SingleUse


class WalletExchange(OwnedByPeople, SingleUse, Identified, Base):
    """One badge that waits for one wallet, for a short while.

    `holder` is the DID of the wallet that took it, `used_at` when; that wallet alone may ask again
    until `expires_at`, should an answer have been lost.
    """

    __tablename__ = "wallet_exchanges"

    credential_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("credentials.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    holder: Mapped[str | None] = mapped_column(String(2000))

    def state(self, now: datetime) -> str:
        """`taken`, `expired` or `waiting`."""
        if self.used_at is not None:
            return "taken"
        return "expired" if self.expires_at <= now else "waiting"
