"""Signing the next version of a credential and putting it in the place of the current one, once.

As with the first signature: read, sign outside of any transaction, store if nobody has yet. What is
signed was fixed before, so a worker that dies in between leaves no trace.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.awards.models import Credential, CredentialRevision
from badges.awards.proofs import IssuerKeys, Signed, sign_both
from badges.awards.revised import REVOKING
from badges.awards.service import badge_fact
from badges.awards.status import set_bit
from badges.awards.versions import history, pending
from badges.pathways.service import record_fact
from core.crash import crash_point
from core.identity import Person
from core.outbox import DeliveryError
from core.outbox import publish as publish_message
from core.runtime import Runtime
from core.scope import unscoped
from keys.errors import KeyWithdrawnError
from keys.ring import KeyRing, require_trusted

REISSUED: Final = "badge.credential_reissued"
_REASON = "the job names one credential, whoever it belongs to"

log = logging.getLogger("milepost.signing")


def sign_revision(runtime: Runtime, ring: KeyRing, credential_id: uuid.UUID) -> bool:
    """Sign the version that waits and let it take the current one's place; False if none waits.

    Nothing waits where another worker was first, where a later version took it over, or where the
    badge was withdrawn meanwhile. Raises DeliveryError (permanent) where there is no such
    credential, InvalidCredentialError for a document that would not verify, KeyRingError without a
    key that opens.
    """
    for attempt in range(3):
        with runtime.database.snapshot() as session, unscoped(session, _REASON):
            credential = session.get(Credential, credential_id)
            waiting = pending(session, credential_id)
        if credential is None:
            raise DeliveryError("there is no such credential", permanent=True)
        if waiting is None or credential.state != "signed":
            return False
        keys = IssuerKeys.of(ring, credential.issuer)
        signed = sign_both(
            keys,
            credential.issuer,
            waiting.unsigned,
            created=waiting.proof_created_at,
            badge_url=runtime.config.badge_url,
        )
        crash_point("revision-signed-not-stored", runtime.config.environment)
        try:
            stored = _swap(runtime, waiting, signed, keys)
        except KeyWithdrawnError:
            if attempt:
                raise
            ring.forget()  # another process withdrew it a moment ago
            continue
        if stored:
            log.info("credential issued anew", extra={"credential": str(credential_id)})
            return True
    return False


def _swap(runtime: Runtime, waiting: CredentialRevision, signed: Signed, keys: IssuerKeys) -> bool:
    """Store the signed version in the current one's place; False where it waits no more."""
    now = runtime.now()
    with runtime.database.transaction() as session, unscoped(session, _REASON):
        credential = session.scalars(
            select(Credential)
            .where(Credential.id == waiting.credential_id)
            .options(
                undefer(Credential.unsigned), undefer(Credential.document), undefer(Credential.jwt)
            )
            .with_for_update(of=Credential)
        ).one()
        row = pending(session, credential.id)
        if row is None or row.id != waiting.id or credential.state != "signed":
            return False
        require_trusted(session, keys.kids)
        old_until, old_place = credential.valid_until, _place(credential)
        revokes = _replace_earlier(session, credential, row, now)
        _take(credential, row, signed, now)
        session.flush()
        if credential.valid_until != old_until:
            person = session.get_one(Person, credential.person_id)
            record_fact(session, person, badge_fact(credential, credential.accepted_at), now)
        if revokes:
            set_bit(session, *old_place, now)
        publish_message(
            session,
            REISSUED,
            f"{credential.id}:{row.number}",
            {
                "credential_id": str(credential.id),
                "revision_id": str(row.id),
                "person_id": str(credential.person_id),
                "reason": row.reason,
            },
            organisation_id=credential.owner_id,
        )
    return True


def _replace_earlier(
    session: Session, credential: Credential, row: CredentialRevision, now: datetime
) -> bool:
    """Keep what was said before in its own row; returns whether earlier copies end with it.

    They do where this version or one that it took over before it was signed says so.
    """
    reasons = {row.reason}
    for earlier in history(session, credential.id):
        if earlier.number >= row.number or earlier.replaced_at is not None:
            continue
        earlier.replaced_at = now
        if earlier.signed_at is None:
            reasons.add(earlier.reason)
        else:
            earlier.document, earlier.jwt = credential.document, credential.jwt
    return bool(reasons & REVOKING)


def _take(credential: Credential, row: CredentialRevision, signed: Signed, now: datetime) -> None:
    credential.document, credential.jwt = signed.document, signed.jwt
    credential.unsigned = row.unsigned
    credential.recipient_name = row.recipient_name
    credential.achievement_version_id = row.achievement_version_id
    credential.valid_until = row.valid_until
    credential.status_list_id, credential.status_index = row.status_list_id, row.status_index
    credential.proof_created_at = row.proof_created_at
    credential.revision, credential.revised_at, credential.signed_at = row.number, now, now
    row.signed_at = now


def _place(credential: Credential) -> tuple[uuid.UUID, int]:
    return credential.status_list_id, credential.status_index
