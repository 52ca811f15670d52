"""Signing keys: the public half in the open, the private half sealed."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, Json


class SigningKey(Identified, Base):
    """One key pair of a ring. Rows are never deleted: old signatures must keep verifying.

    `ring` says whose: `lti` for the tool, `issuer:<uuid>` for a badge issuer. `kid` is the last
    part of `/keys/<kid>`. States: active (signs), retiring (published, signs no more), compromised.
    """

    __tablename__ = "signing_keys"
    __table_args__ = (
        CheckConstraint("algorithm in ('RS256','Ed25519')", name="algorithm"),
        CheckConstraint("state in ('active','retiring','compromised')", name="state"),
        Index(
            "uq_signing_keys_one_active",
            "ring",
            "algorithm",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    kid: Mapped[str] = mapped_column(String(64), unique=True)
    ring: Mapped[str] = mapped_column(String(60), index=True)
    algorithm: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(Json)
    public_multibase: Mapped[str | None] = mapped_column(String(120))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


def issuer_ring(issuer_id: uuid.UUID) -> str:
    """The name of an issuer's ring."""
    return f"issuer:{issuer_id}"
