"""What time alone changes: enrolments are judged when their moment comes, and all nightly."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import select

from badges.pathways.models import Enrolment
from badges.pathways.service import evaluate_person
from core.log import kind_of
from core.outbox import DeliveryError, Job, Registry
from core.runtime import Runtime
from core.scope import unscoped

DUE_EVERY = timedelta(minutes=5)
NIGHTLY = timedelta(hours=24)
log = logging.getLogger("milepost.pathways")
_REASON = "the sweep judges everybody's enrolments, each by its own person"


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Judge what is due every few minutes, and everything once a day."""

    def due(_job: Job) -> None:
        sweep(runtime, due_at=runtime.now())

    def nightly(_job: Job) -> None:
        sweep(runtime, due_at=None)

    registry.every("pathways.due", DUE_EVERY, due)
    registry.every("pathways.sweep", NIGHTLY, nightly)


def sweep(runtime: Runtime, *, due_at: datetime | None) -> int:
    """Judge active enrolments again, those due at `due_at` or (None) all; returns how many people.

    One transaction a person, so that a crash loses nothing and nobody waits for everybody's locks,
    nor for one ledger that cannot be read. Raises DeliveryError at the end where there were such:
    the job is tried again, and says how many of them and of what kind.
    """
    with runtime.database.snapshot() as session, unscoped(session, _REASON):
        query = select(Enrolment.person_id).where(Enrolment.state == "active").distinct()
        if due_at is not None:
            query = query.where(Enrolment.next_eval_at <= due_at)
        people: list[uuid.UUID] = list(session.scalars(query))
    faults: Counter[str] = Counter()
    for person_id in people:
        try:
            with runtime.database.transaction() as session, unscoped(session, _REASON):
                evaluate_person(session, person_id, runtime.now())
        except Exception as error:
            faults[kind_of(error)] += 1
            log.exception("a person's pathways could not be judged")
    if faults:
        kinds = ", ".join(f"{kind}: {number}" for kind, number in sorted(faults.items()))
        raise DeliveryError(f"Some people's pathways could not be judged ({kinds}).")
    return len(people)
