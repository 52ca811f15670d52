"""What was found the last time that a connection was checked."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople


class PlatformCheck(OwnedByPeople, Identified, Base):
    """The last check of a platform: one row each, replaced by the next check.

    `findings` are codes and facts, never sentences: pages put them in words. `state` is the worst
    of them.
    """

    __tablename__ = "lti_platform_checks"
    __table_args__ = (CheckConstraint("state in ('good','warn','bad')", name="state"),)

    platform_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_platforms.id"), unique=True)
    checked_at: Mapped[datetime]
    checked_by: Mapped[uuid.UUID | None]
    state: Mapped[str] = mapped_column(String(8))
    findings: Mapped[list[Any]] = mapped_column(Json)
