"""Issuers, micro-credentials and their immutable versions."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, Identified, Json
from core.scope import OwnedContent


class Issuer(OwnedContent, Identified, Base):
    """Who signs: an Open Badges Profile with a `did:web` of its own.

    `did` is fixed when the row is made, from the badge address of then: addresses are for ever.
    """

    __tablename__ = "issuers"

    slug: Mapped[str] = mapped_column(String(80), unique=True)
    did: Mapped[str] = mapped_column(String(300), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(500))
    email: Mapped[str | None] = mapped_column(String(254))
    description: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Achievement(OwnedContent, Identified, Base):
    """A micro-credential, in all its versions."""

    __tablename__ = "achievements"

    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issuers.id"), index=True)
    current_version_id: Mapped[uuid.UUID | None]  # no foreign key: versions point here already
    created_at: Mapped[datetime]

    issuer: Mapped[Issuer] = relationship(lazy="joined")


class AchievementVersion(OwnedContent, Identified, Base):
    """One published text of a micro-credential, with its rubric; never changed afterwards.

    `document` has the shape that `badges.achievements.document` describes; `sha256` is over its
    canonical JSON.
    """

    __tablename__ = "achievement_versions"
    __table_args__ = (UniqueConstraint("achievement_id", "number"),)

    achievement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievements.id"), index=True)
    number: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime]

    achievement: Mapped[Achievement] = relationship(foreign_keys=[achievement_id], lazy="joined")
