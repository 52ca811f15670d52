"""Batches of offers: check a table, look at what was found, have it carried out, see how far it is.

Checking writes the batch and offers nothing. Starting it hands its lines to workers in pieces; each
piece is carried out in transactions of its own (`running`), so a process that dies leaves no line
half done, and no line is carried out twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from badges.achievements.models import AchievementVersion
from badges.awards.batches.checking import Checked, check
from badges.awards.batches.models import Batch, BatchLine
from badges.awards.batches.table import Line
from badges.awards.models import Award, Credential
from core import audit
from core.errors import ConflictError, NotFoundError
from core.identity import Organisation, owner_of
from core.scope import unscoped
from core.together import insert_rows, publish_all

RUN: Final = "badge.batch"
PIECE: Final = 500  # lines a job
PAGE: Final = 50  # lines a page
KEPT_CHECKED: Final = timedelta(days=7)
KEPT_ADDRESSES: Final = timedelta(days=90)
STATES: Final = ("ready", "fault", "already", "offered", "refused")
NAME_OF_FILE: Final = 200


@dataclass(frozen=True)
class Counts:
    """How many lines of a batch stand in which state, and what became of the offers."""

    ready: int = 0
    fault: int = 0
    already: int = 0
    offered: int = 0
    refused: int = 0
    new: int = 0
    accepted: int = 0
    declined: int = 0
    signed: int = 0

    @property
    def lines(self) -> int:
        """All of them."""
        return self.ready + self.fault + self.already + self.offered + self.refused

    @property
    def worked(self) -> int:
        """Those of the lines in order that are carried out."""
        return self.offered + self.refused


def write(
    session: Session,
    organisation: Organisation,
    version: AchievementVersion,
    lines: Sequence[Line],
    *,
    actor_id: uuid.UUID | None,
    file_name: str = "",
    invites: bool,
    now: datetime,
) -> Batch:
    """Check `lines` within the session's scope and keep what was found; nothing is offered.

    `invites` as for `checking.check`.
    """
    checked = check(
        session, organisation, version.achievement_id, lines, actor_id=actor_id, invites=invites
    )
    batch = Batch(
        **owner_of(organisation),
        id=uuid.uuid4(),
        achievement_version_id=version.id,
        actor_id=actor_id,
        file_name=file_name[:NAME_OF_FILE],
        state="checked",
        size=len(checked),
        checked_at=now,
    )
    batch.version = version
    session.add(batch)
    session.flush()
    insert_rows(session, BatchLine, [_row(batch, one) for one in checked])
    return batch


def start(session: Session, batch_id: uuid.UUID, now: datetime) -> Batch:
    """Have every line that is in order carried out. Starting again changes nothing.

    Raises NotFoundError out of scope, ConflictError where no line is in order.
    """
    batch = find(session, batch_id, lock=True)
    if batch.state != "checked":
        return batch
    numbers = session.scalars(
        select(BatchLine.number)
        .where(BatchLine.batch_id == batch.id, BatchLine.state == "ready")
        .order_by(BatchLine.number)
    ).all()
    if not numbers:
        raise ConflictError(
            _("No line of this file can be carried out, so nothing was offered."),
            code="batch_empty",
        )
    batch.state, batch.started_at = "running", now
    pieces = [numbers[at : at + PIECE] for at in range(0, len(numbers), PIECE)]
    publish_all(
        session,
        [
            (
                RUN,
                f"{batch.id}:{piece[0]}",
                {"batch_id": str(batch.id), "first": piece[0], "last": piece[-1]},
                batch.owner_id,
            )
            for piece in pieces
        ],
    )
    audit.record(
        session, owner=batch, actor_id=batch.actor_id, action="badge_batch.start", subject=batch,
        now=now, details={"lines": len(numbers)},
    )  # fmt: skip
    session.flush()
    return batch


def discard(session: Session, batch_id: uuid.UUID) -> None:
    """Throw a batch away that was only checked. ConflictError once it was started."""
    batch = find(session, batch_id, lock=True)
    if batch.state != "checked":
        raise ConflictError(
            _("These badges are being offered already, so the file stays on record."),
            code="batch_started",
        )
    session.delete(batch)
    session.flush()


def find(session: Session, batch_id: uuid.UUID, *, lock: bool = False) -> Batch:
    """The batch in the session's scope. Raises NotFoundError."""
    query = select(Batch).where(Batch.id == batch_id)
    if lock:
        query = query.with_for_update(of=Batch).execution_options(populate_existing=True)
    batch = session.scalar(query)
    if batch is None:
        raise NotFoundError(_("There is no such file here."), code="batch_unknown")
    return batch


def recent(session: Session, limit: int = 20) -> list[Batch]:
    """The scope's batches, newest first."""
    return list(
        session.scalars(select(Batch).order_by(Batch.checked_at.desc(), Batch.id).limit(limit))
    )


def counts(session: Session, batch: Batch) -> Counts:
    """How the batch stands."""
    found: dict[str, int] = {}
    new = 0
    for state, is_new, number in session.execute(
        select(BatchLine.state, BatchLine.is_new, func.count())
        .where(BatchLine.batch_id == batch.id)
        .group_by(BatchLine.state, BatchLine.is_new)
    ):
        found[state] = found.get(state, 0) + number
        new += number if is_new and state in ("ready", "offered") else 0
    with unscoped(session, "awards that this batch made, whose lines are in scope"):
        answers = dict(
            session.execute(
                select(Award.state, func.count())
                .join(BatchLine, BatchLine.award_id == Award.id)
                .where(BatchLine.batch_id == batch.id)
                .group_by(Award.state)
            ).all()
        )
        signed = session.scalar(
            select(func.count(Credential.id))
            .join(BatchLine, BatchLine.award_id == Credential.award_id)
            .where(BatchLine.batch_id == batch.id, Credential.state == "signed")
        )
    return Counts(
        **found,
        new=new,
        accepted=answers.get("accepted", 0),
        declined=answers.get("declined", 0),
        signed=signed or 0,
    )


def lines(
    session: Session, batch: Batch, states: Sequence[str] = STATES, *, page: int | None = None
) -> list[BatchLine]:
    """The lines in `states` in the file's order: all, or one page of them (from 1)."""
    query = (
        select(BatchLine)
        .where(BatchLine.batch_id == batch.id, BatchLine.state.in_(states))
        .order_by(BatchLine.number)
    )
    if page is not None:
        query = query.limit(PAGE).offset((max(page, 1) - 1) * PAGE)
    return list(session.scalars(query))


def tidy(session: Session, now: datetime) -> int:
    """Delete what was only checked a week ago, and addresses of what was done long ago."""
    table: Any = Batch.__table__
    rows: Any = BatchLine.__table__
    connection = session.connection()
    gone = connection.execute(
        delete(table).where(table.c.state == "checked", table.c.checked_at < now - KEPT_CHECKED)
    )
    old = select(table.c.id).where(table.c.done_at < now - KEPT_ADDRESSES)
    kept = or_(rows.c.email.is_not(None), rows.c.name.is_not(None))
    connection.execute(
        update(rows).where(rows.c.batch_id.in_(old), kept).values(email=None, name=None, given={})
    )
    return int(gone.rowcount)


def _row(batch: Batch, one: Checked) -> dict[str, Any]:
    return {
        "owner_id": batch.owner_id,
        "owner_path": batch.owner_path,
        "id": uuid.uuid4(),
        "batch_id": batch.id,
        "number": one.line.number,
        "state": one.state,
        "person_id": one.person_id,
        "email": one.line.email,
        "name": one.line.name,
        "given": one.line.given,
        "faults": [fault.to_dict() for fault in one.faults],
        "is_new": one.is_new,
        "award_id": None,
    }
