"""Finding evidence: one's own, and only that; anything else is "not found"."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.identity import owner_like
from lti_tool.evidence.models import Event, EvidenceItem, Revision, Submission


def not_found() -> NotFoundError:
    """The one answer for evidence that is not there or not theirs."""
    return NotFoundError(_("There is no such evidence here, or it is not yours to see."))


def lock_revision(session: Session, revision_id: uuid.UUID) -> Revision:
    """The revision, its row locked until the transaction ends. Raises NotFoundError.

    FOR NO KEY UPDATE: others may go on adding rows that refer to it. Whose it is, is read again
    once the lock is held: two accounts may have been connected while this waited for it.
    """
    query = (
        select(Revision)
        .where(Revision.id == revision_id)
        .with_for_update(of=Revision, key_share=True)
        .execution_options(populate_existing=True)
    )
    found = session.scalar(query)
    if found is None:
        raise not_found()
    session.refresh(found.submission, ["person_id"])
    return found


def own_revision(
    session: Session, revision_id: uuid.UUID, person_id: uuid.UUID, *, lock: bool = False
) -> Revision:
    """The person's own revision. Raises NotFoundError for anybody else's."""
    found = (
        lock_revision(session, revision_id)
        if lock
        else session.scalar(select(Revision).where(Revision.id == revision_id))
    )
    if found is None or found.submission.person_id != person_id:
        raise not_found()
    return found


def own_submission(
    session: Session, submission_id: uuid.UUID, person_id: uuid.UUID
) -> tuple[Submission, list[Revision]]:
    """The person's own submission with its revisions, newest first. Raises NotFoundError."""
    found = session.scalar(
        select(Submission).where(Submission.id == submission_id, Submission.person_id == person_id)
    )
    if found is None:
        raise not_found()
    return found, revisions(session, found.id)


def revisions(session: Session, submission_id: uuid.UUID) -> list[Revision]:
    """The revisions of a submission, newest first."""
    query = (
        select(Revision).where(Revision.submission_id == submission_id).order_by(Revision.n.desc())
    )
    return list(session.scalars(query).unique())


def submission_of(
    session: Session, assignment_id: uuid.UUID, person_id: uuid.UUID
) -> Submission | None:
    """The person's submission on the assignment, if begun."""
    return session.scalar(
        select(Submission).where(
            Submission.assignment_id == assignment_id, Submission.person_id == person_id
        )
    )


def latest_of(session: Session, person_id: uuid.UUID) -> list[Revision]:
    """The newest revision of each of the person's submissions, newest save first."""
    query = (
        select(Revision)
        .join(Submission, Submission.id == Revision.submission_id)
        .where(Submission.person_id == person_id)
        .order_by(Revision.saved_at.desc())
    )
    newest: dict[uuid.UUID, Revision] = {}
    for revision in session.scalars(query).unique():
        held = newest.get(revision.submission_id)
        if held is None or held.n < revision.n:
            newest[revision.submission_id] = revision
    return list(newest.values())


def item(session: Session, item_id: uuid.UUID) -> EvidenceItem | None:
    """An evidence item; whether it may be seen is the caller's question."""
    return session.scalar(select(EvidenceItem).where(EvidenceItem.id == item_id))


def events(session: Session, submission_id: uuid.UUID) -> Sequence[Event]:
    """What happened to the submission, oldest first."""
    return session.scalars(
        select(Event).where(Event.submission_id == submission_id).order_by(Event.number, Event.at)
    ).all()


def note(
    session: Session,
    revision: Revision,
    kind: str,
    *,
    actor_id: uuid.UUID | None,
    now: datetime,
    **data: Any,
) -> None:
    """Write the event that goes with a change, in the same transaction."""
    before = session.scalar(
        select(func.max(Event.number)).where(Event.submission_id == revision.submission_id)
    )
    session.add(
        Event(
            **owner_like(revision),
            submission_id=revision.submission_id,
            revision_id=revision.id,
            number=(before or 0) + 1,
            at=now,
            kind=kind,
            actor_id=actor_id,
            data={"n": revision.n, **data},
        )
    )
