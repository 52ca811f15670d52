"""The one answer about a link of a copied course: what it opened before, or something else.

Whatever the answer, nobody's work moves: evidence belongs to a course and its people, so a copied
course begins with none (see docs/decisions/0011).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import audit
from lti_tool.courses.models import Context
from lti_tool.lti.copies.recognising import ASKED, CONNECTED, FRESH
from lti_tool.lti.deep_linking.models import DeepLinkItem
from lti_tool.lti.models import ResourceLink
from lti_tool.lti.targets import Target

ANSWERED = "lti.copied_link_answered"


def link(session: Session, link_id: uuid.UUID | None) -> ResourceLink | None:
    """The resource link of a visit, if the session's scope sees it."""
    if link_id is None:
        return None
    return session.scalar(select(ResourceLink).where(ResourceLink.id == link_id))


def former_course(session: Session, of: ResourceLink) -> str | None:
    """The title of the course that a link was copied from, where it is known."""
    found: uuid.UUID | None = None
    if of.copied_from is not None:
        found = session.scalar(
            select(ResourceLink.context_id).where(ResourceLink.id == of.copied_from)
        )
    if found is None and of.item_id is not None:
        found = session.scalar(select(DeepLinkItem.context_id).where(DeepLinkItem.id == of.item_id))
    if found is None:
        return None
    return session.scalar(select(Context.title).where(Context.id == found))


def answer(
    session: Session, of: ResourceLink, other: Target | None, *, actor_id: uuid.UUID, now: datetime
) -> bool:
    """Let the link open what it opened before (`other` None) or `other`; False if answered before.

    Of two who answer at once, the first is heard.
    """
    table: Any = ResourceLink.__table__
    values: dict[str, Any] = {"copy_state": CONNECTED}
    if other is not None:
        values = {
            "copy_state": FRESH,
            "chosen_target": str(other),
            "target_kind": other.kind,
            "target_argument": other.argument,
        }
    taken = session.connection().execute(
        update(table)
        .where(table.c.id == of.id, table.c.copy_state == ASKED)
        .values(**values, updated_at=now)
    )
    if taken.rowcount != 1:
        return False
    audit.record(
        session, owner=of, actor_id=actor_id, action=ANSWERED, subject=of, now=now,
        details={"answer": values["copy_state"], "target": values.get("chosen_target", "")},
    )  # fmt: skip
    return True
