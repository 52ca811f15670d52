"""Notices: news of badges becomes mail, and badges that end soon are looked for.

Nothing is written about somebody who does not want it or cannot be reached, and one thing is told
once: the mail's key is the badge, and how near its end is.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.awards.granting import OFFERED
from badges.awards.models import Award, Credential, CredentialRevision, RenewalRequest
from badges.awards.renewing import DECLINED
from badges.awards.revisions import REISSUED
from badges.awards.service import REVOKED
from badges.awards.signing import ISSUED
from badges.endorsements.signing import WAITS
from core import mail
from core.outbox import Job, Registry
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.learning.notices import choices, endorsed, letters
from lti_tool.learning.notices.reader import PREFIX

EXPIRING: Final = "notices.expiring"
EVERY: Final = timedelta(hours=6)
# Days before the end, longest first. A mail's row is kept longer than each of them lasts, so that
# its key keeps a second one away.
DAYS: Final = (30, 7)
_AT_ONCE: Final = 200
_WHY = "badges of everybody: each holder is told of their own"


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Subscribe to the news of badges, and look for those that end."""
    letters.register(runtime)

    def tell(kind: str, subject: str) -> None:
        def handle(job: Job) -> None:
            with runtime.database.transaction() as session:
                _queue(session, runtime, kind, subject, uuid.UUID(job.payload[subject]))

        topic = {choices.OFFERED: OFFERED, choices.ISSUED: ISSUED, choices.REVOKED: REVOKED}[kind]
        if mail.promised(runtime.config):
            registry.subscribe(topic, "mail", handle)
        else:  # nobody listens; what was written while mail was sent is done with
            registry.handle(f"{topic}>mail", handle)

        def together(jobs: Sequence[Job]) -> Mapping[uuid.UUID, Exception]:
            with runtime.database.transaction() as session:
                for job in jobs:
                    _queue(session, runtime, kind, subject, uuid.UUID(job.payload[subject]))
            return {}

        registry.take_along(f"{topic}>mail", together, most=_AT_ONCE)

    tell(choices.OFFERED, "award_id")
    tell(choices.ISSUED, "credential_id")
    tell(choices.REVOKED, "credential_id")

    def changed(job: Job) -> None:
        if job.payload["reason"] not in letters.CHANGES:
            return  # the holder did that
        with runtime.database.transaction() as session:
            _queue_change(session, runtime, uuid.UUID(job.payload["revision_id"]))

    def declined(job: Job) -> None:
        with runtime.database.transaction() as session:
            _queue_answer(session, runtime, uuid.UUID(job.payload["request_id"]))

    def waits(job: Job) -> None:
        with runtime.database.transaction() as session:
            endorsed.queue(session, runtime, uuid.UUID(job.payload["endorsement_id"]))

    registry.subscribe(REISSUED, "mail", changed)
    registry.subscribe(DECLINED, "mail", declined)
    registry.subscribe(WAITS, "mail", waits)

    def endings(_job: Job) -> None:
        tell_of_endings(runtime, runtime.now())

    registry.every(EXPIRING, EVERY, endings)


def tell_of_endings(runtime: Runtime, now: datetime) -> int:
    """Have everybody told whose badge ends within 30 and within 7 days; returns how many mails.

    A badge that was valid for less than twice that time is not announced so early.
    """
    if not mail.promised(runtime.config):
        return 0
    told, after = 0, uuid.UUID(int=0)
    while True:
        with runtime.database.transaction() as session, unscoped(session, _WHY):
            rows = session.execute(
                select(
                    Credential.id, Credential.person_id, Credential.owner_id,
                    Credential.accepted_at, Credential.valid_until,
                )
                .where(
                    Credential.state == "signed",
                    Credential.valid_until > now,
                    Credential.valid_until <= now + timedelta(days=DAYS[0]),
                    Credential.id > after,
                )
                .order_by(Credential.id)
                .limit(_AT_ONCE)
            ).all()  # fmt: skip
            for row in rows:
                days = due(row.accepted_at, row.valid_until, now)
                if days is not None:
                    told += _write(
                        session, runtime, choices.EXPIRING, f"{row.id}:{days}",
                        "credential_id", row.id, row.person_id, row.owner_id,
                    )  # fmt: skip
        if len(rows) < _AT_ONCE:
            return told
        after = rows[-1].id


def due(since: datetime, until: datetime, now: datetime) -> int | None:
    """Which of DAYS a badge that is valid from `since` to `until` has reached; None for none."""
    reached = [days for days in DAYS if until - now <= timedelta(days=days)]
    worth = [days for days in reached if until - since >= timedelta(days=2 * days)]
    return min(reached) if reached and min(reached) in worth else None


def _queue(
    session: Session, runtime: Runtime, kind: str, subject: str, subject_id: uuid.UUID
) -> bool:
    row: Award | Credential | None
    with unscoped(session, _WHY):
        if subject == "award_id":
            row = session.get(Award, subject_id)
        else:
            row = session.get(Credential, subject_id)
    if row is None:
        return False
    return _write(
        session, runtime, kind, str(subject_id), subject, subject_id, row.person_id, row.owner_id
    )


def _queue_change(session: Session, runtime: Runtime, revision_id: uuid.UUID) -> bool:
    with unscoped(session, _WHY):
        row = session.get(CredentialRevision, revision_id)
        credential = session.get(Credential, row.credential_id) if row else None
    if row is None or credential is None:
        return False
    return _write(
        session, runtime, choices.CHANGED, str(row.id), "revision_id", row.id,
        credential.person_id, credential.owner_id,
    )  # fmt: skip


def _queue_answer(session: Session, runtime: Runtime, request_id: uuid.UUID) -> bool:
    with unscoped(session, _WHY):
        row = session.get(RenewalRequest, request_id)
    if row is None or choices.addressee(session, row.person_id, choices.CHANGED) is None:
        return False
    return mail.queue(
        session, runtime.config, letters.ANSWERED, str(row.id), {"request_id": str(row.id)},
        organisation_id=row.owner_id,
    )  # fmt: skip


def _write(
    session: Session,
    runtime: Runtime,
    kind: str,
    key: str,
    subject: str,
    subject_id: uuid.UUID,
    person_id: uuid.UUID,
    owner_id: uuid.UUID,
) -> bool:
    if choices.addressee(session, person_id, kind) is None:
        return False
    facts = {subject: str(subject_id)}
    return mail.queue(session, runtime.config, PREFIX + kind, key, facts, organisation_id=owner_id)
