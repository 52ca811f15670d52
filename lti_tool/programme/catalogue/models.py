"""What is being written and is not published yet."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from badges.achievements.models import Achievement, AchievementVersion, Issuer
from core.db import Base, Identified, Json
from core.scope import OwnedByPeople


class CredentialDraft(OwnedByPeople, Identified, Base):
    """A micro-credential being written: a new one, or the next version of `achievement_id`.

    Unlike what is published, a draft is not seen by the organisations below. `content` is what
    `catalogue.forms` describes; `version` counts its saves, and `page` is the opened form that the
    last one came from.
    """

    __tablename__ = "credential_drafts"

    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issuers.id"))
    achievement_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("achievements.id"), unique=True
    )
    base_version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("achievement_versions.id"))
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    version: Mapped[int] = mapped_column(default=1)
    page: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]

    issuer: Mapped[Issuer] = relationship(lazy="joined")
    achievement: Mapped[Achievement | None] = relationship(lazy="joined")
    base: Mapped[AchievementVersion | None] = relationship(lazy="joined")
