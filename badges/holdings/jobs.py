"""What holdings do outside of requests: brought badges are checked again, and weighed anew."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sqlalchemy import or_, select

from badges.holdings import counting, importing
from badges.holdings.accepting import WEIGH
from badges.holdings.models import AcceptedIssuer, ImportedBadge
from badges.openbadges.report import Report
from badges.pathways.ledger import lock_enrolments
from core.identity import Person
from core.outbox import Job, Registry
from core.runtime import Runtime
from core.scope import unscoped

CHECK_EVERY: Final = timedelta(minutes=30)
AT_ONCE: Final = 40
_WHY = "badges of everybody, each with its own holder"
log = logging.getLogger("milepost.holdings")

# How a badge's text is verified: supplied by whoever may fetch (`badges.public.verification`).
Verify = Callable[[Runtime, str], Report]


def register_jobs(registry: Registry, runtime: Runtime, verify: Verify) -> None:
    """Check what is due about twice an hour; weigh what a change of the list is about."""

    def due(_job: Job) -> None:
        check_due(runtime, verify)

    def weigh(job: Job) -> None:
        weigh_issuer(runtime, uuid.UUID(job.payload["accepted_id"]))

    registry.every("holdings.check", CHECK_EVERY, due)
    registry.handle(WEIGH, weigh)


def check_due(runtime: Runtime, verify: Verify) -> int:
    """Verify again what has waited its time, the longest waiting first; returns how many."""
    now = runtime.now()
    with runtime.database.snapshot() as session, unscoped(session, _WHY):
        rows = session.execute(
            select(ImportedBadge.id, ImportedBadge.text)
            .where(ImportedBadge.next_check_at <= now)
            .order_by(ImportedBadge.next_check_at)
            .limit(AT_ONCE)
        ).all()
    for imported_id, text in rows:
        report = verify(runtime, text)
        with runtime.database.transaction() as session:
            importing.checked(session, imported_id, report, runtime.now())
    return len(rows)


def weigh_issuer(runtime: Runtime, accepted_id: uuid.UUID) -> int:
    """Settle the badges that a line of the list is about, one holder at a time; returns how many.

    One transaction each, so that nobody waits for everybody's locks; doing it again is harmless.
    """
    with runtime.database.snapshot() as session, unscoped(session, _WHY):
        line = session.get(AcceptedIssuer, accepted_id)
        if line is None:
            return 0
        rows = session.execute(
            select(ImportedBadge.id, ImportedBadge.person_id)
            .join(Person, Person.id == ImportedBadge.person_id)
            .where(
                ImportedBadge.issuer == line.issuer,
                or_(
                    ImportedBadge.owner_path.startswith(line.owner_path, autoescape=True),
                    Person.owner_path.startswith(line.owner_path, autoescape=True),
                ),
            )
            .order_by(ImportedBadge.id)
        ).all()
    for imported_id, person_id in rows:
        with runtime.database.transaction() as session, unscoped(session, _WHY):
            lock_enrolments(session, person_id)
            badge = session.get(ImportedBadge, imported_id)
            if badge is not None and badge.person_id == person_id:
                counting.settle(session, badge, runtime.now())
    return len(rows)
