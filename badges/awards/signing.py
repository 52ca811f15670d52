"""Signing: what acceptance fixed becomes a signed credential, stored once.

Read, sign outside of any transaction, store if nobody has yet. Both algorithms are deterministic
and every date is fixed, so a worker that dies between signing and storing leaves no trace: the
next one makes the same document.
"""

from __future__ import annotations

import logging
import uuid

from sqlalchemy import select
from sqlalchemy.orm import undefer

from badges.awards.models import Credential
from badges.awards.proofs import IssuerKeys, Signed, sign_both
from badges.awards.service import badge_fact
from badges.pathways.service import record_fact
from core.crash import crash_point
from core.identity import Person
from core.outbox import DeliveryError
from core.outbox import publish as publish_message
from core.runtime import Runtime
from core.scope import unscoped
from keys.errors import KeyWithdrawnError
from keys.ring import KeyRing, require_trusted

ISSUED = "badge.credential_issued"
_REASON = "the job names one credential, whoever it belongs to"

log = logging.getLogger("milepost.signing")


def sign_credential(runtime: Runtime, ring: KeyRing, credential_id: uuid.UUID) -> None:
    """Sign and store an accepted credential; nothing to do where that is done, or it was revoked.

    Raises DeliveryError (permanent) where there is no such credential, InvalidCredentialError for
    a document that would not verify, KeyRingError without a key that opens.
    """
    with runtime.database.snapshot() as session, unscoped(session, _REASON):
        credential = session.scalar(
            select(Credential)
            .where(Credential.id == credential_id)
            .options(undefer(Credential.unsigned))
        )
    if credential is None:
        raise DeliveryError("there is no such credential", permanent=True)
    if credential.state != "accepted":
        return
    try:
        stored = _sign(runtime, ring, credential)
    except KeyWithdrawnError:
        ring.forget()  # another process withdrew the key a moment ago
        stored = _sign(runtime, ring, credential)
    if stored:
        log.info("credential signed", extra={"credential": str(credential_id)})


def _sign(runtime: Runtime, ring: KeyRing, credential: Credential) -> bool:
    keys = IssuerKeys.of(ring, credential.issuer)
    signed = sign_both(
        keys,
        credential.issuer,
        credential.unsigned,
        created=credential.proof_created_at,
        badge_url=runtime.config.badge_url,
    )
    crash_point("signed-not-stored", runtime.config.environment)
    return _store(runtime, credential.id, signed, keys)


def _store(runtime: Runtime, credential_id: uuid.UUID, signed: Signed, keys: IssuerKeys) -> bool:
    """Keep the signed forms, put the badge into its holder's ledger and tell the news; once.

    Raises KeyWithdrawnError where the keys are not to be trusted any more.
    """
    now = runtime.now()
    with runtime.database.transaction() as session, unscoped(session, _REASON):
        credential = session.scalars(
            select(Credential).where(Credential.id == credential_id).with_for_update(of=Credential)
        ).one()
        if credential.state != "accepted":
            return False
        require_trusted(session, keys.kids)
        credential.document, credential.jwt = signed.document, signed.jwt
        credential.state, credential.signed_at = "signed", now
        session.flush()
        person = session.get_one(Person, credential.person_id)
        record_fact(session, person, badge_fact(credential, credential.accepted_at), now)
        publish_message(
            session,
            ISSUED,
            str(credential.id),
            issued_news(credential),
            organisation_id=credential.owner_id,
        )
    return True


def issued_news(credential: Credential) -> dict[str, str]:
    """What is told of a credential that was signed."""
    return {
        "credential_id": str(credential.id),
        "award_id": str(credential.award_id),
        "person_id": str(credential.person_id),
        "achievement_id": str(credential.version.achievement_id),
    }
