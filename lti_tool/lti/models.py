"""Platforms, their deployments and people, logins under way, resource links, delivered grades.

LTI 1.3 Core, sections 3.1 and 5.3; LTI Security Framework 1.0, section 5.1.1.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople


class Platform(OwnedByPeople, Identified, Base):
    """An LMS that may launch us: one client id at one issuer.

    `frame_origins` are the sources that may show our pages in a frame, `verifies_emails` is an
    administrator's statement, `role_overrides` maps the platform's roles to ours.
    """

    __tablename__ = "lti_platforms"
    __table_args__ = (
        UniqueConstraint("issuer", "client_id"),
        CheckConstraint(
            "family in ('moodle','canvas','schoology','sandbox','generic')", name="family"
        ),
    )

    issuer: Mapped[str] = mapped_column(String(500))
    client_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(200))
    family: Mapped[str] = mapped_column(String(20))
    auth_login_url: Mapped[str] = mapped_column(String(1000))
    auth_token_url: Mapped[str] = mapped_column(String(1000))
    jwks_url: Mapped[str] = mapped_column(String(1000))
    token_audience: Mapped[str | None] = mapped_column(String(1000))
    frame_origins: Mapped[list[Any]] = mapped_column(Json, default=list)
    verifies_emails: Mapped[bool] = mapped_column(default=False)
    anonymous_allowed: Mapped[bool] = mapped_column(default=False)
    role_overrides: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    last_launch_at: Mapped[datetime | None]


class Deployment(OwnedByPeople, Identified, Base):
    """One placement of the tool in a platform; its owner is the organisation it serves."""

    __tablename__ = "lti_deployments"
    __table_args__ = (UniqueConstraint("platform_id", "deployment_id"),)

    platform_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_platforms.id"), index=True)
    deployment_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]


class PlatformUser(OwnedByPeople, Identified, Base):
    """Who a platform's `sub` is."""

    __tablename__ = "lti_platform_users"
    __table_args__ = (UniqueConstraint("platform_id", "sub"),)

    platform_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_platforms.id"), index=True)
    sub: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime]


class LoginState(Identified, Base):
    """One login under way: state, nonce, browser and target belong together in one row.

    It is used at most once: whoever sets `used_at` while it is null has the launch. A used row
    stays for a while, so that a second use is told from a state that never was. `hints` are the
    login's own parameters, kept for the way through a new window and emptied at use.
    """

    __tablename__ = "lti_logins"

    # The id is part of state, cookie name and ticket, so that they need no index of their own.
    platform_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_platforms.id"))
    state_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    nonce_hash: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    cookie_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    ticket_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    target_link_uri: Mapped[str] = mapped_column(Text)
    hints: Mapped[dict[str, Any]] = mapped_column(Json)
    in_window: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ResourceLink(OwnedByPeople, Identified, Base):
    """A link in a course, what it opens, and where its grades go."""

    __tablename__ = "lti_resource_links"
    __table_args__ = (UniqueConstraint("deployment_id", "lti_id"),)

    platform_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_platforms.id"), index=True)
    deployment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_deployments.id"))
    context_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contexts.id"), index=True)
    lti_id: Mapped[str] = mapped_column(String(255))
    title: Mapped[str | None] = mapped_column(String(500))
    target_kind: Mapped[str] = mapped_column(String(60))
    target_argument: Mapped[str | None] = mapped_column(String(120))
    line_item_url: Mapped[str | None] = mapped_column(Text)
    line_items_url: Mapped[str | None] = mapped_column(Text)
    scopes: Mapped[list[Any]] = mapped_column(Json, default=list)
    line_item_claimed_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class GradeDelivery(OwnedByPeople, Identified, Base):
    """A score that a platform has taken, or that a newer one made needless."""

    __tablename__ = "lti_grade_deliveries"
    __table_args__ = (CheckConstraint("state in ('sent','superseded')", name="state"),)

    decision_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    resource_link_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("lti_resource_links.id"), index=True
    )
    line_item_url: Mapped[str] = mapped_column(Text)
    score: Mapped[float]
    maximum: Mapped[float]
    state: Mapped[str] = mapped_column(String(12))
    decided_at: Mapped[datetime]
    sent_at: Mapped[datetime]
