"""A batch of offers, its lines, and people who became known by one."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from badges.achievements.models import AchievementVersion
from core.db import Base, Identified, Json
from core.scope import OwnedByPeople


class Batch(OwnedByPeople, Identified, Base):
    """A table of recipients of one micro-credential: checked, then running, then done.

    `actor_id` is who issues; None stands for the operator's command.
    """

    __tablename__ = "badge_batches"
    __table_args__ = (CheckConstraint("state in ('checked','running','done')", name="state"),)

    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    file_name: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="checked")
    size: Mapped[int]
    checked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]

    version: Mapped[AchievementVersion] = relationship(lazy="joined")


class BatchLine(OwnedByPeople, Identified, Base):
    """One line of a batch, by its number in the file; it becomes one offer or none.

    `faults` = [{column, code, …}]; `given` = what the file said, to be read again beside a fault,
    and the results that the badge is to tell: {column: text, results: {id: text}}.
    `is_new` says that nobody was known by the address.
    """

    __tablename__ = "badge_batch_lines"
    __table_args__ = (
        UniqueConstraint("batch_id", "number"),
        CheckConstraint("state in ('ready','fault','already','offered','refused')", name="state"),
        Index("ix_badge_batch_lines_state", "batch_id", "state", "number"),
    )

    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("badge_batches.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    email: Mapped[str | None] = mapped_column(String(254))
    name: Mapped[str | None] = mapped_column(String(200))
    given: Mapped[dict[str, Any]] = mapped_column(Json)
    faults: Mapped[list[Any]] = mapped_column(Json)
    is_new: Mapped[bool] = mapped_column(default=False)
    award_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("awards.id"))


class Newcomer(OwnedByPeople, Identified, Base):
    """Somebody whom an organisation came to know by a batch, by an address that proves nothing yet.

    One row an address and organisation: two batches at once make one person of it.
    """

    __tablename__ = "badge_newcomers"
    __table_args__ = (UniqueConstraint("owner_id", "lookup"),)

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    lookup: Mapped[str] = mapped_column(String(254))
    since: Mapped[datetime]
