"""Signing the next version of a credential and putting it in the place of the current one, once.

Which version waits is read anew where another one took it over while it was being signed.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from badges.awards.models import Credential, CredentialRevision
from badges.awards.proofs import Signed
from badges.awards.revised import REVOKING
from badges.awards.service import badge_fact
from badges.awards.status import set_bit
from badges.awards.trusted import sign_and_store
from badges.awards.versions import history, pending
from badges.openbadges.errors import InvalidCredentialError
from badges.pathways.service import record_fact
from core.crash import crash_point
from core.identity import Person
from core.outbox import DeliveryError
from core.outbox import publish as publish_message
from core.runtime import Runtime
from core.scope import unscoped
from keys.ring import KeyRing

REISSUED: Final = "badge.credential_reissued"
_REASON = "the job names one credential, whoever it belongs to"

log = logging.getLogger("milepost.signing")


def sign_revision(runtime: Runtime, ring: KeyRing, credential_id: uuid.UUID) -> bool:
    """Sign the version that waits and let it take the current one's place; False if none waits.

    Nothing waits where another worker was first, where a later version took it over, or where the
    badge was withdrawn meanwhile. A version that would not verify is refused for good, and the one
    before it waits again. Raises DeliveryError (permanent) where there is no such credential, or
    where none but refused ones waited; KeyRingError without a key that opens.
    """
    refused: DeliveryError | None = None
    for _attempt in range(3):
        with runtime.database.snapshot() as session, unscoped(session, _REASON):
            credential = session.get(Credential, credential_id)
            waiting = pending(session, credential_id)
        if credential is None:
            raise DeliveryError("there is no such credential", permanent=True)
        if waiting is None or credential.state != "signed":
            break
        try:
            stored = sign_and_store(
                runtime, ring, credential.issuer, waiting.unsigned,
                created=waiting.proof_created_at, crash="revision-signed-not-stored",
                store=partial(_swap, waiting.id, credential_id, runtime.now()),
            )  # fmt: skip
        except InvalidCredentialError as error:
            _refuse(runtime, waiting.id)
            refused = DeliveryError(
                f"Version {waiting.number} cannot be signed as it is written: {error}",
                permanent=True,
            )
            continue
        if stored:
            crash_point("revision-stored-not-recorded", runtime.config.environment)
            log.info("credential issued anew", extra={"credential": str(credential_id)})
            return True
    if refused is not None:
        raise refused
    return False


def _refuse(runtime: Runtime, revision_id: uuid.UUID) -> None:
    """Keep that a version cannot be signed, so that nothing waits for it nor is built on it."""
    now = runtime.now()
    with runtime.database.transaction() as session, unscoped(session, _REASON):
        row = session.get_one(CredentialRevision, revision_id, with_for_update=True)
        if row.signed_at is None and row.replaced_at is None:
            row.refused_at = row.replaced_at = now


def _swap(
    waiting_id: uuid.UUID,
    credential_id: uuid.UUID,
    now: datetime,
    session: Session,
    signed: Signed,
) -> bool:
    """Store the signed version in the current one's place; False where it waits no more."""
    credential = session.scalars(
        select(Credential)
        .where(Credential.id == credential_id)
        .options(
            undefer(Credential.unsigned), undefer(Credential.document), undefer(Credential.jwt)
        )
        .with_for_update(of=Credential)
    ).one()
    row = pending(session, credential.id)
    if row is None or row.id != waiting_id or credential.state != "signed":
        return False
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
