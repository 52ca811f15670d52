"""Pathways, their immutable versions, enrolments, and the ledger of facts."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople, OwnedContent


class Pathway(OwnedContent, Identified, Base):
    """A way to earn one achievement. A micro-credential has its own one-rule pathway."""

    __tablename__ = "pathways"

    achievement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievements.id"), index=True)
    own: Mapped[bool] = mapped_column(default=False)
    current_version_id: Mapped[uuid.UUID | None]  # no foreign key: versions point here already
    created_at: Mapped[datetime]


class PathwayVersion(OwnedContent, Identified, Base):
    """A published rule; `rule_hash` is the SHA-256 of its canonical form."""

    __tablename__ = "pathway_versions"
    __table_args__ = (UniqueConstraint("pathway_id", "number"),)

    pathway_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pathways.id"), index=True)
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    number: Mapped[int]
    rule: Mapped[dict[str, Any]] = mapped_column(Json)
    rule_hash: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime]


class Enrolment(OwnedByPeople, Identified, Base):
    """A learner on a pathway, pinned to the version that was current when they began."""

    __tablename__ = "enrolments"
    __table_args__ = (
        CheckConstraint("state in ('active','completed','left')", name="state"),
        Index(
            "uq_enrolments_one_active",
            "person_id",
            "pathway_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    pathway_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pathways.id"), index=True)
    pathway_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pathway_versions.id"))
    state: Mapped[str] = mapped_column(String(10), default="active")
    cycle: Mapped[int] = mapped_column(default=1)
    enrolled_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    next_eval_at: Mapped[datetime | None] = mapped_column(index=True)

    version: Mapped[PathwayVersion] = relationship(lazy="joined")


class FactRow(OwnedByPeople, Identified, Base):
    """A typed fact about a learner; superseded by a higher revision, never edited.

    `data` is the `to_dict()` of the dataclass in `badges.pathways.facts`.
    """

    __tablename__ = "facts"
    __table_args__ = (UniqueConstraint("source", "source_id", "revision"),)

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(40))
    source_id: Mapped[str] = mapped_column(String(80))
    revision: Mapped[int]
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    recorded_at: Mapped[datetime]
