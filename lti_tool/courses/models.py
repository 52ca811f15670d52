"""Contexts and memberships as platforms told them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople

# When somebody was last seen who is on a platform's list and has never come in.
NEVER_SEEN = datetime(1970, 1, 1, tzinfo=UTC)


class Context(OwnedByPeople, Identified, Base):
    """A course of a platform. `platform_id` and `deployment_id` are rows of `lti_tool.lti`.

    `memberships_url` is where the platform lists its people, where it does. `roster_synced_at` is
    when that list was last read whole or by its differences, `roster_full_at` when it was last read
    whole, `roster_due_at` when it is read next; `roster_note` says why it could not be read.
    """

    __tablename__ = "contexts"
    __table_args__ = (UniqueConstraint("platform_id", "deployment_id", "lti_id"),)

    platform_id: Mapped[uuid.UUID]
    deployment_id: Mapped[uuid.UUID]
    lti_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str | None] = mapped_column(String(500))
    label: Mapped[str | None] = mapped_column(String(255))
    timezone: Mapped[str | None] = mapped_column(String(64))
    memberships_url: Mapped[str | None] = mapped_column(Text)
    roster_differences_url: Mapped[str | None] = mapped_column(Text)
    roster_synced_at: Mapped[datetime | None]
    roster_full_at: Mapped[datetime | None]
    roster_due_at: Mapped[datetime | None] = mapped_column(index=True)
    roster_note: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Membership(OwnedByPeople, Identified, Base):
    """A person in a context; `roles` are Milepost's roles, `lti_roles` the platform's words.

    `launched` tells who has come in by themselves from who is only on the platform's list, which
    last named them at `rostered_at`. Whoever leaves is closed (`left_at`), never deleted.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("context_id", "person_id"),
        CheckConstraint("state in ('active','left')", name="state"),
    )

    context_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contexts.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    roles: Mapped[list[Any]] = mapped_column(Json)
    lti_roles: Mapped[list[Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(8), default="active")
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    launched: Mapped[bool] = mapped_column(default=True, server_default=true())
    rostered_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
