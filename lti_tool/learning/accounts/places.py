"""Which LMS accounts somebody has; told by whoever knows the platforms (see `lti_tool.app`)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Account:
    """One account of a person: at which platform, since when."""

    person_id: uuid.UUID
    platform_id: uuid.UUID
    platform: str
    since: datetime


AccountsOf = Callable[[Session, Sequence[uuid.UUID]], list[Account]]


def none_known(_session: Session, _people: Sequence[uuid.UUID]) -> list[Account]:
    """Where no LMS is connected, nobody has an account."""
    return []
