"""Signing an endorsement, once."""

from __future__ import annotations

import logging
import uuid
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.awards.proofs import Signed
from badges.awards.trusted import sign_and_store
from badges.endorsements.models import Endorsement
from badges.endorsements.service import renew_badge
from core.outbox import DeliveryError
from core.outbox import publish as publish_message
from core.runtime import Runtime
from core.scope import unscoped
from keys.ring import KeyRing

WAITS: Final = "badge.endorsement_waits"
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
    stored = sign_and_store(
        runtime, ring, found.issuer, found.unsigned,
        created=found.made_at, crash="endorsement-signed-not-stored",
        store=partial(_store, endorsement_id, runtime),
    )  # fmt: skip
    if stored:
        log.info("endorsement signed", extra={"endorsement": str(endorsement_id)})


def _store(endorsement_id: uuid.UUID, runtime: Runtime, session: Session, signed: Signed) -> bool:
    """Keep the signed forms, and ask whoever has not answered; False where that was done."""
    now = runtime.now()
    found = session.scalars(
        select(Endorsement).where(Endorsement.id == endorsement_id).with_for_update(of=Endorsement)
    ).one()
    if found.signed_at is not None or found.revoked_at is not None:
        return False
    found.document, found.jwt, found.signed_at = signed.document, signed.jwt, now
    session.flush()
    renew_badge(
        session, found, actor_id=found.actor_id, badge_url=runtime.config.badge_url, now=now
    )
    if found.answer == "waiting":
        publish_message(
            session, WAITS, str(found.id), {"endorsement_id": str(found.id)},
            organisation_id=found.owner_id,
        )  # fmt: skip
    return True
