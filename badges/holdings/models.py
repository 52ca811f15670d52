"""Badges that people brought from elsewhere, whose issuers count here, and portfolios."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople, OwnedContent

STATES = ("valid", "expired", "revoked", "broken")
WAYS = ("file", "address", "text")


class ImportedBadge(OwnedByPeople, Identified, Base):
    """A badge of another issuer in somebody's record, as it was brought and as it stands.

    `text` is the badge itself (JSON, a token, or the address of a hosted assertion), and `report`
    what the last check that came to an answer said. `identity` is a hash over version, issuer and
    id. `belongs_at` is when it was shown to be this person's; once shown, it stays so. `tried_at`
    is the last check, `checked_at` the last one with an answer.
    """

    __tablename__ = "imported_badges"
    __table_args__ = (
        CheckConstraint(f"state in {STATES!r}", name="state"),
        CheckConstraint(f"brought in {WAYS!r}", name="brought"),
        Index("ix_imported_badges_person_identity", "person_id", "identity"),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"))
    identity: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = deferred(mapped_column(Text))
    version: Mapped[int]
    form: Mapped[str] = mapped_column(String(10))
    credential: Mapped[str] = mapped_column(Text)
    issuer: Mapped[str] = mapped_column(String(500), index=True)
    issuer_name: Mapped[str] = mapped_column(String(300))
    achievement: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(String(300))
    description: Mapped[str] = mapped_column(Text)
    brought: Mapped[str] = mapped_column(String(8))
    address: Mapped[str | None] = mapped_column(Text)
    issued_at: Mapped[datetime | None]
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(8))
    belongs_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any]] = deferred(mapped_column(Json))
    imported_at: Mapped[datetime]
    checked_at: Mapped[datetime]
    tried_at: Mapped[datetime]
    next_check_at: Mapped[datetime] = mapped_column(index=True)


class AcceptedIssuer(OwnedContent, Identified, Base):
    """Badges of an issuer count in an organisation's pathways, there and below.

    `achievement` narrows it to one badge of that issuer, where it is not empty; `counts_as_id` says
    which of our micro-credentials such a badge stands for. Ended, never deleted: awards were given
    meanwhile.
    """

    __tablename__ = "accepted_issuers"
    __table_args__ = (
        Index(
            "uq_accepted_issuers_live",
            "owner_id",
            "issuer",
            "achievement",
            unique=True,
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
    )

    issuer: Mapped[str] = mapped_column(String(500), index=True)
    name: Mapped[str] = mapped_column(String(200))
    achievement: Mapped[str] = mapped_column(String(500), default="")
    counts_as_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("achievements.id"))
    accepted_at: Mapped[datetime]
    accepted_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[uuid.UUID | None]


class Portfolio(OwnedByPeople, Identified, Base):
    """A person's page of badges: what it says, in which order, and whether others see it.

    `sections` is a list of {title, text, items}; an item is `credential:<uuid>` or
    `imported:<uuid>`. What is named there is shown only while its own holder shows it.
    """

    __tablename__ = "portfolios"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), unique=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    intro: Mapped[str] = mapped_column(Text)
    sections: Mapped[list[Any]] = mapped_column(Json)
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class PortfolioAddress(Base):
    """Every address a portfolio has had: nobody else's page ever stands where one has stood."""

    __tablename__ = "portfolio_addresses"

    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    portfolio_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("portfolios.id"), index=True)
    taken_at: Mapped[datetime]
