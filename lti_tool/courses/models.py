"""Contexts and memberships as platforms told them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople


class Context(OwnedByPeople, Identified, Base):
    """A course of a platform. `platform_id` and `deployment_id` are rows of `lti_tool.lti`."""

    __tablename__ = "contexts"
    __table_args__ = (UniqueConstraint("platform_id", "deployment_id", "lti_id"),)

    platform_id: Mapped[uuid.UUID]
    deployment_id: Mapped[uuid.UUID]
    lti_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str | None] = mapped_column(String(500))
    label: Mapped[str | None] = mapped_column(String(255))
    timezone: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Membership(OwnedByPeople, Identified, Base):
    """A person in a context; `roles` are Milepost's roles, `lti_roles` the platform's words."""

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
