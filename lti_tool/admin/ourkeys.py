"""The key that Milepost signs with towards every LMS: how old it is, and a new one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import ConflictError, NotAllowedError
from core.scope import Scope
from keys.models import SigningKey
from keys.ring import LTI_RING, KeyRing, published_keys
from lti_tool.admin import changes


@dataclass(frozen=True)
class OurKeys:
    """The active key (None: there is none) and how many older ones are still published."""

    active: SigningKey | None
    older: int
    may_rotate: bool


def state(session: Session, scope: Scope) -> OurKeys:
    """How our keys are, and whether an administrator of `scope` may make a new one."""
    found = [key for key in published_keys(session, LTI_RING) if key.algorithm == "RS256"]
    active = next((key for key in found if key.state == "active"), None)
    return OurKeys(active, len(found) - (1 if active else 0), is_root(scope))


def is_root(scope: Scope) -> bool:
    """Whether the scope is the top of a tree: what the whole installation shares is theirs."""
    return len(scope.ancestors) == 1


def rotate(
    session: Session, scope: Scope, ring: KeyRing, kid: str, *, actor_id: uuid.UUID, now: datetime
) -> SigningKey:
    """Replace the active key, if it still is the one called `kid`; the old one stays published.

    Raises NotAllowedError below the top of a tree, ConflictError where somebody was first.
    """
    if not is_root(scope):
        raise NotAllowedError(
            _l("This key serves the whole installation, so an administrator at the top makes it."),
            code="role_missing",
        )
    held = session.scalar(
        select(SigningKey.id)
        .where(SigningKey.kid == kid, SigningKey.ring == LTI_RING, SigningKey.state == "active")
        .with_for_update()
    )
    if held is None:
        raise ConflictError(
            _l("There is a newer key already; nothing was changed."), code="key_rotated"
        )
    [made] = ring.rotate(session, LTI_RING, now, algorithm="RS256")
    changes.note(
        session, scope, made, "key.rotate", actor_id=actor_id, now=now, old=kid, new=made.kid
    )
    return made
