"""Issuers, micro-credentials and their immutable versions, frameworks of standards."""

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
    The parent organisation is another issuer here (`parent_slug`; its name is copied, so that a
    profile is one row), or one elsewhere by name and web address. `image` is the SHA-256 of its
    picture, which is of `image_type`.
    """

    __tablename__ = "issuers"

    slug: Mapped[str] = mapped_column(String(80), unique=True)
    did: Mapped[str] = mapped_column(String(300), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(500))
    email: Mapped[str | None] = mapped_column(String(254))
    description: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(String(40))
    address: Mapped[dict[str, Any] | None] = mapped_column(Json)
    identifiers: Mapped[list[Any] | None] = mapped_column(Json)
    official: Mapped[str | None] = mapped_column(String(200))
    parent_slug: Mapped[str | None] = mapped_column(String(80))
    parent_name: Mapped[str | None] = mapped_column(String(200))
    parent_url: Mapped[str | None] = mapped_column(String(500))
    image: Mapped[str | None] = mapped_column(String(64))
    image_type: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]


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


class Framework(OwnedContent, Identified, Base):
    """A framework of standards that an organisation has brought in (CASE, CFDocument)."""

    __tablename__ = "frameworks"
    __table_args__ = (UniqueConstraint("owner_id", "identifier"),)

    identifier: Mapped[str] = mapped_column(String(500))
    uri: Mapped[str] = mapped_column(String(500))
    title: Mapped[str] = mapped_column(String(200))
    creator: Mapped[str | None] = mapped_column(String(200))
    count: Mapped[int]
    brought_in_at: Mapped[datetime]


class FrameworkItem(Identified, Base):
    """One standard of a framework (CFItem), at its place in reading order."""

    __tablename__ = "framework_items"
    __table_args__ = (UniqueConstraint("framework_id", "position"),)

    framework_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("frameworks.id"))
    position: Mapped[int]
    identifier: Mapped[str] = mapped_column(String(300))
    uri: Mapped[str] = mapped_column(String(500))
    code: Mapped[str | None] = mapped_column(String(80))
    short: Mapped[str | None] = mapped_column(String(200))
    statement: Mapped[str] = mapped_column(Text)
    kind: Mapped[str | None] = mapped_column(String(80))
    depth: Mapped[int]


class IssuerTerms(OwnedContent, Identified, Base):
    """Terms of use of an issuer, as they were published; an empty text ended them."""

    __tablename__ = "issuer_terms"
    __table_args__ = (UniqueConstraint("issuer_id", "number"),)

    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issuers.id"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime]
