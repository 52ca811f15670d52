"""The versions of a credential: what it said before, what it is to say, and their status places."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.awards.models import Credential, CredentialRevision
from badges.awards.status import set_bits
from core.scope import unscoped

_REASON = "the versions of a credential that the caller has found"


def history(session: Session, credential_id: uuid.UUID) -> list[CredentialRevision]:
    """The versions of a credential, newest first; empty where it was never issued anew."""
    with unscoped(session, _REASON):
        return list(
            session.scalars(
                select(CredentialRevision)
                .where(CredentialRevision.credential_id == credential_id)
                .order_by(CredentialRevision.number.desc())
            )
        )


def pending(session: Session, credential_id: uuid.UUID) -> CredentialRevision | None:
    """The version that waits to be signed, whole; None where there is none."""
    with unscoped(session, _REASON):
        return session.scalar(
            select(CredentialRevision)
            .where(
                CredentialRevision.credential_id == credential_id,
                CredentialRevision.signed_at.is_(None),
                CredentialRevision.replaced_at.is_(None),
            )
            .order_by(CredentialRevision.number.desc())
            .limit(1)
            .options(undefer(CredentialRevision.unsigned))
            .execution_options(populate_existing=True)
        )


def withdraw_all(session: Session, credentials: Iterable[Credential], now: datetime) -> None:
    """Set the status bits of these credentials in every version, and give up what waits unsigned.

    After some changes the earlier copies stay valid, so withdrawing the badge withdraws them too.
    """
    places: dict[uuid.UUID, set[int]] = defaultdict(set)
    for credential in credentials:
        places[credential.status_list_id].add(credential.status_index)
        for version in history(session, credential.id):
            places[version.status_list_id].add(version.status_index)
            if version.signed_at is None and version.replaced_at is None:
                version.replaced_at = now
    session.flush()
    for list_id in sorted(places):  # in one order, so that two who do this never block each other
        set_bits(session, list_id, places[list_id], now)
