"""Platforms, their deployments and people, logins under way, resource links, delivered grades.

LTI 1.3 Core, sections 3.1 and 5.3; LTI Security Framework 1.0, section 5.1.1.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople


class Platform(OwnedByPeople, Identified, Base):
    """An LMS that may launch us: one client id at one issuer.

    `frame_origins` are the sources that may show our pages in a frame, `verifies_emails` is an
    administrator's statement, `role_overrides` maps the platform's roles to ours. `privacy_level`
    says what is kept of what a launch tells of a person, `features` what the platform granted
    when it was registered by a link: `version`, `scopes`, `messages`, `placements`.
    `administrators_allowed` is an explicit administrator's statement: who administers the LMS
    administers the organisation that a deployment serves.
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
    administrators_allowed: Mapped[bool] = mapped_column(
        default=False, server_default=text("false")
    )
    role_overrides: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    privacy_level: Mapped[str] = mapped_column(String(20), default="full", server_default="full")
    features: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    last_launch_at: Mapped[datetime | None]


class Deployment(OwnedByPeople, Identified, Base):
    """One placement of the tool in a platform; its owner is the organisation it serves.

    A genuine launch from one that nobody has added leaves a row that waits for an administrator,
    who makes it active or refuses it. Only active ones launch.
    """

    __tablename__ = "lti_deployments"
    __table_args__ = (UniqueConstraint("platform_id", "deployment_id"),)

    platform_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_platforms.id"), index=True)
    deployment_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), default="active", server_default="active")
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
    """A link in a course, what it opens, and where its grades go.

    `item_id` is the deep-linked item that it was made from, `maximum` the most points that were
    chosen for it. A link that came with a copied course has a `copy_state`: `asked` until a coach
    or lead says what it shall open, then `connected` (what it opened before) or `fresh`
    (`chosen_target`, written as `<kind>/<argument>`).
    """

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
    item_id: Mapped[uuid.UUID | None]
    maximum: Mapped[float | None]
    copy_state: Mapped[str | None] = mapped_column(String(10))
    copied_from: Mapped[uuid.UUID | None]
    chosen_target: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class LineItem(OwnedByPeople, Identified, Base):
    """A column of a platform's gradebook that we looked for: a link's, or a micro-credential's.

    `key` says whose it is (`link:<id>`, or `context:<id>:<achievement>` where a link leads to
    several). `label` and `maximum` are what the platform was last told, where we `made` it: what a
    teacher made stays theirs. Whoever sets `claimed_until` looks for it or makes it, alone.
    """

    __tablename__ = "lti_line_items"

    key: Mapped[str] = mapped_column(String(120), unique=True)
    resource_link_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("lti_resource_links.id"), index=True
    )
    url: Mapped[str | None] = mapped_column(Text)
    label: Mapped[str | None] = mapped_column(String(500))
    maximum: Mapped[float | None]
    made: Mapped[bool] = mapped_column(default=False)
    claimed_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class GradeDelivery(OwnedByPeople, Identified, Base):
    """A score that a platform has taken, or that was not sent: see `state`.

    superseded: a newer decision made it needless. kept: the gradebook holds what a teacher gave
    there, and `note` says so. `comment` is what was sent with the score.
    """

    __tablename__ = "lti_grade_deliveries"
    __table_args__ = (CheckConstraint("state in ('sent','superseded','kept')", name="state"),)

    decision_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    resource_link_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("lti_resource_links.id"), index=True
    )
    achievement_id: Mapped[str | None] = mapped_column(String(120))
    line_item_url: Mapped[str] = mapped_column(Text)
    score: Mapped[float]
    maximum: Mapped[float]
    state: Mapped[str] = mapped_column(String(12))
    comment: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime]
    sent_at: Mapped[datetime]
