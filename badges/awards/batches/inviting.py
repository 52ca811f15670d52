"""Writing once more to people who were invited by a batch and have not come yet."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.awards.batches.models import Batch, BatchLine
from badges.awards.batches.running import tell_newcomers, unproved_people
from badges.awards.models import Award
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


def invite_again(session: Session, batch: Batch, now: datetime) -> int:
    """Tell the news of their offers once more, at most once a day; returns to how many people."""
    waiting, day = not_come(session, batch), now.date().isoformat()
    tell_newcomers(
        session, [(one, award, f"{award}:{day}") for one, award in waiting.items()], batch
    )
    return len(waiting)
