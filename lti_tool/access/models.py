"""Single-use links; the database holds a hash of each, never the link."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Identified
from core.scope import OwnedByPeople
from core.single_use import SingleUse


class AdministratorLink(OwnedByPeople, SingleUse, Identified, Base):
    """A way in as administrator of the owning organisation, for one person, once.

    `name` is what the person is called; `person_id` is who they became when they took it.
    """

    __tablename__ = "administrator_links"

    name: Mapped[str] = mapped_column(String(200))
    person_id: Mapped[uuid.UUID | None]


class AccessAsk(Identified, Base):
    """Somebody without a visit typed an address; deleted once it was looked up."""

    __tablename__ = "access_asks"

    address: Mapped[str] = mapped_column(String(254))
    asked_at: Mapped[datetime] = mapped_column(index=True)


class MailedLink(OwnedByPeople, SingleUse, Identified):
    """A way to a person's own badges and data, for whoever reads what is sent to `address`."""

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    address: Mapped[str] = mapped_column(String(254))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AccessLink(MailedLink, Base):
    """A way in that was asked for; the address is verified as the person's."""

    __tablename__ = "access_links"


class AccessInvitation(MailedLink, Base):
    """A way in for somebody whom an organisation knows by an address alone, to a badge it offers.

    Whoever takes it has read what was sent there: the address is theirs from then on.
    """

    __tablename__ = "access_invitations"
