"""What can stand on a person's page: published badges of ours, and brought ones that hold."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.service import micro_credential
from badges.awards.models import Credential
from badges.holdings.models import ImportedBadge
from core.scope import unscoped

_OWN = "one person's badges, as they or their visitors see them"


@dataclass(frozen=True)
class Piece:
    """A badge on a page. `version_id` is what our own draws its picture from, None for others'."""

    key: str
    title: str
    issuer: str
    issuer_id: str
    credential_id: uuid.UUID | None
    version_id: uuid.UUID | None
    address: str | None
    on_badge: str | None
    awarded_at: datetime | None
    valid_until: datetime | None
    checked_at: datetime | None
    shown: bool

    def expired(self, now: datetime) -> bool:
        """Whether its time has ended."""
        return self.valid_until is not None and self.valid_until <= now


def pieces_of(session: Session, person_id: uuid.UUID, *, shown_only: bool = True) -> list[Piece]:
    """The person's badges, newest first: those that may stand on their page, or all that might."""
    with unscoped(session, _OWN):
        ours = session.scalars(
            select(Credential)
            .where(Credential.person_id == person_id, Credential.state == "signed")
            .order_by(Credential.awarded_at.desc(), Credential.id)
        ).unique()
        others = session.scalars(
            select(ImportedBadge)
            .where(
                ImportedBadge.person_id == person_id,
                ImportedBadge.belongs_at.is_not(None),
                ImportedBadge.state.in_(("valid", "expired")),
            )
            .order_by(ImportedBadge.issued_at.desc(), ImportedBadge.id)
        )
        found = [_own(one) for one in ours] + [_brought(one) for one in others]
    return [one for one in found if one.shown or not shown_only]


def _own(credential: Credential) -> Piece:
    return Piece(
        key=f"credential:{credential.id}",
        title=micro_credential(credential.version).name,
        issuer=credential.issuer.name,
        issuer_id=credential.issuer.did,
        credential_id=credential.id,
        version_id=credential.achievement_version_id,
        address=None,
        on_badge=credential.recipient_name,
        awarded_at=credential.awarded_at,
        valid_until=credential.valid_until,
        checked_at=None,
        shown=credential.published_at is not None,
    )


def _brought(badge: ImportedBadge) -> Piece:
    # A page of its own at the issuer's, where the badge names one.
    named = badge.address or badge.credential
    return Piece(
        key=f"imported:{badge.id}",
        title=badge.name,
        issuer=badge.issuer_name or badge.issuer,
        issuer_id=badge.issuer,
        credential_id=None,
        version_id=None,
        address=named if named.startswith("https://") else None,
        on_badge=None,
        awarded_at=badge.issued_at,
        valid_until=badge.valid_until,
        checked_at=badge.checked_at,
        shown=True,
    )
