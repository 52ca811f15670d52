"""Signing an endorsement, once: read, sign outside of any transaction, store if nobody has yet."""

from __future__ import annotations

import logging
import uuid
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import undefer

from badges.awards.proofs import IssuerKeys, Signed, sign_both
from badges.endorsements.models import Endorsement
from badges.endorsements.service import renew_badge
from core.crash import crash_point
from core.outbox import DeliveryError
from core.runtime import Runtime
from core.scope import unscoped
from keys.errors import KeyWithdrawnError
from keys.ring import KeyRing, require_trusted

_REASON: Final = "the job names one endorsement, whoever gave it"

log = logging.getLogger("milepost.signing")


def sign_endorsement(runtime: Runtime, ring: KeyRing, endorsement_id: uuid.UUID) -> None:
    """Sign and store an endorsement; nothing to do where that is done, or it was taken back.

    Raises DeliveryError (permanent) where there is none, InvalidCredentialError for a document
    that would not verify, KeyRingError without a key that opens.
    """
    with runtime.database.snapshot() as session, unscoped(session, _REASON):
        found = session.scalar(
            select(Endorsement)
            .where(Endorsement.id == endorsement_id)
            .options(undefer(Endorsement.unsigned))
        )
    if found is None:
        raise DeliveryError("there is no such endorsement", permanent=True)
    if found.signed_at is not None or found.revoked_at is not None:
        return
    try:
        _sign(runtime, ring, found)
    except KeyWithdrawnError:
        ring.forget()  # another process withdrew the key a moment ago
        _sign(runtime, ring, found)


def _sign(runtime: Runtime, ring: KeyRing, found: Endorsement) -> None:
    keys = IssuerKeys.of(ring, found.issuer)
    signed = sign_both(
        keys, found.issuer, found.unsigned,
        created=found.made_at, badge_url=runtime.config.badge_url,
    )  # fmt: skip
    crash_point("endorsement-signed-not-stored", runtime.config.environment)
    _store(runtime, found.id, signed, keys)


def _store(runtime: Runtime, endorsement_id: uuid.UUID, signed: Signed, keys: IssuerKeys) -> None:
    now = runtime.now()
    with runtime.database.transaction() as session, unscoped(session, _REASON):
        found = session.scalars(
            select(Endorsement)
            .where(Endorsement.id == endorsement_id)
            .with_for_update(of=Endorsement)
        ).one()
        if found.signed_at is not None or found.revoked_at is not None:
            return
        require_trusted(session, keys.kids)
        found.document, found.jwt, found.signed_at = signed.document, signed.jwt, now
        session.flush()
        renew_badge(
            session, found, actor_id=found.actor_id, badge_url=runtime.config.badge_url, now=now
        )
    log.info("endorsement signed", extra={"endorsement": str(endorsement_id)})
