"""Deep linking requests under way, and the items that were handed to platforms.

LTI Deep Linking 2.0, sections 3.2 and 4.5.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople


class DeepLinkRequest(OwnedByPeople, Identified, Base):
    """One visit to the picker: what the platform's signed message asked for, used once.

    `settings` are the deep linking settings as they were read, `data` among them, and where they
    go back to. The browser is never asked for any of it.
    """

    __tablename__ = "lti_deep_link_requests"

    platform_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_platforms.id"))
    deployment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_deployments.id"))
    context_id: Mapped[uuid.UUID | None]
    person_id: Mapped[uuid.UUID]
    session_id: Mapped[uuid.UUID] = mapped_column(index=True)
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    item_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class DeepLinkItem(OwnedByPeople, Identified, Base):
    """An item that somebody picked for a course; its id travels with the link as `milepost_item`.

    `kind` and `argument` are the target, `maximum` the points of its gradebook column (None: no
    column). The dates say when it is open, and until when work is to be handed in.
    """

    __tablename__ = "lti_deep_link_items"
    __table_args__ = (CheckConstraint("shown_in in ('iframe','window','')", name="shown_in"),)

    platform_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_platforms.id"))
    deployment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lti_deployments.id"))
    context_id: Mapped[uuid.UUID | None]
    kind: Mapped[str] = mapped_column(String(60))
    argument: Mapped[str | None] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(255))
    maximum: Mapped[float | None]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    due_from: Mapped[datetime | None]
    due_until: Mapped[datetime | None]
    shown_in: Mapped[str] = mapped_column(String(8), default="")
    previous_id: Mapped[uuid.UUID | None]
    created_by: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
