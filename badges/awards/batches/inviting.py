"""Writing once more to people who were invited by a batch and have not come yet."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.awards.batches.models import Batch, BatchLine
from badges.awards.batches.running import (
    NEWCOMER_OFFERED,
    tell_newcomers,
    unproved_people,
)
from badges.awards.models import Award
from core.outbox import OutboxMessage
from core.scope import unscoped


def not_come(session: Session, batch: Batch) -> dict[uuid.UUID, uuid.UUID]:
    """Who has an offer of `batch` and is still known by an address alone, with their award."""
    with unscoped(session, "awards that this batch made, whose lines are in scope"):
        rows = session.execute(
            select(Award.person_id, Award.id)
            .join(BatchLine, BatchLine.award_id == Award.id)
            .where(BatchLine.batch_id == batch.id, Award.state == "offered")
        ).all()
        waiting = {row.person_id: row.id for row in rows}
        return {one: waiting[one] for one in unproved_people(session, waiting)}


def untold(
    session: Session, batch: Batch, now: datetime
) -> tuple[dict[uuid.UUID, uuid.UUID], dict[uuid.UUID, uuid.UUID]]:
    """Who has not come: those who were not written to today yet, and those who were.

    The first letter, which goes with the offer, counts as that day's. Days are those of UTC.
    """
    waiting = not_come(session, batch)
    keys = {_key(award, now): person for person, award in waiting.items()}
    with unscoped(session, "letters about awards of this batch, whose lines are in scope"):
        written = session.scalars(
            select(OutboxMessage.key).where(
                OutboxMessage.topic == NEWCOMER_OFFERED, OutboxMessage.key.in_(keys)
            )
        ).all()
        offered = session.execute(
            select(Award.person_id, Award.granted_at).where(Award.id.in_(waiting.values()))
        ).all()
    told = {keys[key] for key in written}
    told |= {person for person, at in offered if at.date() == now.date()}
    return (
        {person: award for person, award in waiting.items() if person not in told},
        {person: award for person, award in waiting.items() if person in told},
    )


def invite_again(session: Session, batch: Batch, now: datetime) -> tuple[int, int]:
    """Tell the news of their offers once more, at most once a day.

    Returns to how many people, and how many were written to today already.
    """
    wanting, told = untold(session, batch, now)
    tell_newcomers(
        session, [(one, award, _key(award, now)) for one, award in wanting.items()], batch
    )
    return len(wanting), len(told)


def _key(award_id: uuid.UUID, now: datetime) -> str:
    return f"{award_id}:{now.date().isoformat()}"
