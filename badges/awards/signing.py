"""Signing: what acceptance fixed becomes a signed credential, stored once.

One or many at once, in the same way: a document that cannot be signed keeps no other one back, and
all that is stored is one transaction.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload, selectinload, undefer

from badges.awards.models import Credential
from badges.awards.proofs import IssuerKeys, Signed, sign_both
from badges.awards.service import badge_fact
from badges.awards.trusted import storing, with_keys_of_now
from badges.pathways.ledger import fact_row, lock_people
from badges.pathways.models import Enrolment, FactRow
from badges.pathways.service import record_fact
from core.crash import crash_point
from core.identity import joined_meanwhile
from core.outbox import DeliveryError, Job
from core.runtime import Runtime
from core.scope import unscoped
from core.together import insert_rows, publish_all
from keys.ring import KeyRing

ISSUED = "badge.credential_issued"
AT_ONCE = 50
_REASON = "the jobs name credentials, whoever they belong to"

# Issuer and version are shared by many: they are loaded once and not joined to every row.
_ISSUER = selectinload(Credential.issuer)

log = logging.getLogger("milepost.signing")


def sign_credential(runtime: Runtime, ring: KeyRing, credential_id: uuid.UUID) -> None:
    """Sign and store an accepted credential; nothing to do where that is done, or it was revoked.

    Raises DeliveryError (permanent) where there is no such credential, InvalidCredentialError for
    a document that would not verify, KeyRingError without a key that opens.
    """
    for fault in _sign(runtime, ring, [credential_id]).values():
        raise fault


def sign_together(
    runtime: Runtime, ring: KeyRing, jobs: Sequence[Job]
) -> Mapping[uuid.UUID, Exception]:
    """Sign and store what `jobs` name; returns, by job, what could not be signed and why.

    What is signed already, or was revoked, is done. Raises where nothing could be stored at all:
    then each is to be tried alone.
    """
    wanted = {uuid.UUID(job.payload["credential_id"]): job.id for job in jobs}
    faults = _sign(runtime, ring, list(wanted))
    return {wanted[one]: fault for one, fault in faults.items()}


def _sign(
    runtime: Runtime, ring: KeyRing, ids: Sequence[uuid.UUID]
) -> Mapping[uuid.UUID, Exception]:
    """Sign and store the credentials; returns what each one ran into that could not be signed."""
    known, accepted = _read(runtime, ids)
    missing: dict[uuid.UUID, Exception] = {
        one: DeliveryError("there is no such credential", permanent=True)
        for one in set(ids) - known
    }

    def attempt() -> Mapping[uuid.UUID, Exception]:
        signed, kids, faults = _signed(runtime, ring, accepted)
        crash_point("signed-not-stored", runtime.config.environment)
        if signed:
            log.info("credentials signed", extra={"count": _store(runtime, signed, kids)})
        return faults

    return {**missing, **with_keys_of_now(ring, attempt)}


def _read(
    runtime: Runtime, ids: Sequence[uuid.UUID]
) -> tuple[frozenset[uuid.UUID], list[Credential]]:
    """Which of `ids` exist, and those that wait to be signed, with their issuer."""
    with runtime.database.snapshot() as session, unscoped(session, _REASON):
        states = dict(
            session.execute(
                select(Credential.id, Credential.state).where(Credential.id.in_(ids))
            ).all()
        )
        waiting = [one for one, state in states.items() if state == "accepted"]
        found = list(
            session.scalars(
                select(Credential)
                .where(Credential.id.in_(waiting))
                .options(lazyload(Credential.version), _ISSUER, undefer(Credential.unsigned))
            )
        )
    return frozenset(states), found


def _signed(
    runtime: Runtime, ring: KeyRing, credentials: Iterable[Credential]
) -> tuple[dict[uuid.UUID, Signed], list[str], dict[uuid.UUID, Exception]]:
    """The signed forms, the keys that made them, and what could not be signed."""
    keys: dict[uuid.UUID, IssuerKeys] = {}
    signed: dict[uuid.UUID, Signed] = {}
    faults: dict[uuid.UUID, Exception] = {}
    for credential in credentials:
        issuer = credential.issuer
        try:
            if issuer.id not in keys:
                keys[issuer.id] = IssuerKeys.of(ring, issuer)
            signed[credential.id] = sign_both(
                keys[issuer.id], issuer, credential.unsigned,
                created=credential.proof_created_at, badge_url=runtime.config.badge_url,
            )  # fmt: skip
        except Exception as error:  # handed on: the worker logs it and puts that one job off
            faults[credential.id] = error
    return signed, [kid for one in keys.values() for kid in one.kids], faults


def _store(runtime: Runtime, signed: Mapping[uuid.UUID, Signed], kids: Iterable[str]) -> int:
    """Keep the signed forms, fill the ledgers and tell the news, once; returns how many.

    Raises KeyWithdrawnError where one of the keys is not to be trusted any more.
    """
    now = runtime.now()
    with storing(runtime, kids) as session:
        credentials = list(
            session.scalars(
                select(Credential)
                .where(Credential.id.in_(sorted(signed)), Credential.state == "accepted")
                .options(lazyload(Credential.issuer), selectinload(Credential.version))
                .order_by(Credential.id)
                .with_for_update(of=Credential)
                .execution_options(populate_existing=True)
            )
        )
        for credential in credentials:
            forms = signed[credential.id]
            credential.document, credential.jwt = forms.document, forms.jwt
            credential.state, credential.signed_at = "signed", now
        session.flush()
        _fill_ledgers(session, credentials, now)
        publish_all(
            session,
            [(ISSUED, str(one.id), _news(one), one.owner_id) for one in credentials],
        )
    return len(credentials)


def _news(credential: Credential) -> dict[str, str]:
    """What is told of a credential that was signed."""
    return {
        "credential_id": str(credential.id),
        "award_id": str(credential.award_id),
        "person_id": str(credential.person_id),
        "achievement_id": str(credential.version.achievement_id),
    }


def _fill_ledgers(session: Session, credentials: Sequence[Credential], now: datetime) -> None:
    """Put each badge into its holder's ledger; who is on a pathway is judged by it."""
    people = lock_people(session, [credential.person_id for credential in credentials])
    judged = _on_a_pathway(session, people)
    rows = []
    for credential in credentials:
        person = people.get(credential.person_id)
        if person is None:
            raise joined_meanwhile()  # tried again, the credential names who they are now
        fact = badge_fact(credential, credential.accepted_at)
        if person.id in judged:
            record_fact(session, person, fact, now)
        else:
            rows.append(fact_row(person, fact, now))
    insert_rows(session, FactRow, rows)


def _on_a_pathway(session: Session, people: Iterable[uuid.UUID]) -> frozenset[uuid.UUID]:
    found = session.scalars(
        select(Enrolment.person_id)
        .where(Enrolment.person_id.in_(list(people)), Enrolment.state == "active")
        .distinct()
    )
    return frozenset(found)
