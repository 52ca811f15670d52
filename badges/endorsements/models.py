"""Endorsements by issuers of this installation."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from badges.achievements.models import Issuer
from core.db import Base, Identified
from core.scope import OwnedContent


class Endorsement(OwnedContent, Identified, Base):
    """An issuer's word for an issuer, an achievement or a credential; owned by who gives it.

    Exactly one of the three `about_…` is set. `answer` is that of the endorsed side: only what is
    `shown` is public and stands in its documents. Everything under the signature is fixed when the
    row is made, so that signing again after a crash gives the same document.
    """

    __tablename__ = "endorsements"
    __table_args__ = (
        UniqueConstraint("status_list_id", "status_index"),
        CheckConstraint("answer in ('waiting','shown','hidden')", name="answer"),
        CheckConstraint(
            "(about_issuer_id is not null and about_version_id is null"
            " and about_credential_id is null)"
            " or (about_issuer_id is null and about_version_id is not null"
            " and about_credential_id is null)"
            " or (about_issuer_id is null and about_version_id is null"
            " and about_credential_id is not null)",
            name="about_one",
        ),
        *(
            Index(
                f"uq_endorsements_live_{name}",
                "issuer_id",
                f"about_{name}_id",
                unique=True,
                sqlite_where=text(f"revoked_at is null and about_{name}_id is not null"),
                postgresql_where=text(f"revoked_at is null and about_{name}_id is not null"),
            )
            for name in ("issuer", "version", "credential")
        ),
    )

    issuer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issuers.id"), index=True)
    about_issuer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("issuers.id"), index=True)
    about_version_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("achievement_versions.id"), index=True
    )
    about_credential_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("credentials.id"), index=True
    )
    # What it was called when it was endorsed.
    about_name: Mapped[str] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(Text)
    valid_until: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(String(10), default="waiting")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    # Plain JSON, not JSONB: the order of its members is what people and tokens show.
    unsigned: Mapped[dict[str, Any]] = deferred(mapped_column(JSON))
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"))
    status_index: Mapped[int]
    document: Mapped[str | None] = deferred(mapped_column(Text))
    jwt: Mapped[str | None] = deferred(mapped_column(Text))
    made_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revocation_reason: Mapped[str | None] = mapped_column(Text)
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))

    issuer: Mapped[Issuer] = relationship(foreign_keys=[issuer_id], lazy="joined")

    @property
    def kind(self) -> str:
        """What it is about: `issuer`, `achievement` or `credential`."""
        if self.about_issuer_id is not None:
            return "issuer"
        return "achievement" if self.about_version_id is not None else "credential"
