"""The accounts of people at their platforms, for a person's own page."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.scope import unscoped
from lti_tool.learning.accounts.places import Account
from lti_tool.lti.models import Platform, PlatformUser


def accounts_of(session: Session, people: Sequence[uuid.UUID]) -> list[Account]:
    """Every account of these people, oldest first."""
    with unscoped(session, "a person's own accounts, at whichever school"):
        rows = session.execute(
            select(
                PlatformUser.person_id, PlatformUser.platform_id, Platform.name,
                PlatformUser.created_at,
            )
            .join(Platform, Platform.id == PlatformUser.platform_id)
            .where(PlatformUser.person_id.in_(people))
            .order_by(PlatformUser.created_at, PlatformUser.id)
        ).all()  # fmt: skip
    return [Account(*row) for row in rows]
