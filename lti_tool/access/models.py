"""Single-use links; the database holds a hash of each, never the link."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified
from core.scope import OwnedByPeople


class AdministratorLink(OwnedByPeople, Identified, Base):
    """A way in as administrator of the owning organisation, for one person, once.

    `name` is what the person is called; `person_id` is who they became when they took it.
    """

    __tablename__ = "administrator_links"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    person_id: Mapped[uuid.UUID | None]


class AccessAsk(Identified, Base):
    """Somebody without a visit typed an address; deleted once it was looked up."""

    __tablename__ = "access_asks"

    address: Mapped[str] = mapped_column(String(254))
    asked_at: Mapped[datetime] = mapped_column(index=True)


class AccessLink(OwnedByPeople, Identified, Base):
    """A way to one's own badges and data, mailed to an address that is verified as the person's."""

    __tablename__ = "access_links"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    address: Mapped[str] = mapped_column(String(254))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class AccessInvitation(OwnedByPeople, Identified, Base):
    """A way in for somebody whom an organisation knows by an address alone, to a badge it offers.

    Whoever takes it has read what was sent there: the address is theirs from then on.
    """

    __tablename__ = "access_invitations"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    address: Mapped[str] = mapped_column(String(254))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
