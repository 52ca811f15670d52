"""What people do not want mail about."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified
from core.scope import OwnedByPeople


class QuietNotice(OwnedByPeople, Identified, Base):
    """A kind of notice that a person has turned off; without a row it is sent.

    There may be two of a kind where two accounts were joined; turning it on deletes both.
    """

    __tablename__ = "quiet_notices"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime]
