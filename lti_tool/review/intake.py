"""Sending and withdrawing with everything that belongs to it: slots made, slots voided."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from core.identity import owner_like
from core.outbox import publish
from lti_tool.evidence import sending
from lti_tool.evidence.models import Revision
from lti_tool.evidence.reading import note
from lti_tool.review.deciding import FULL_SCORE
from lti_tool.review.desk import slots_of
from lti_tool.review.models import ReviewSlot
from lti_tool.review.rules import SlotState, can_move_slot


def send(
    session: Session,
    revision_id: uuid.UUID,
    person_id: uuid.UUID,
    *,
    key: str,
    now: datetime,
    seen: str | None = None,
) -> Revision:
    """Send a draft to its reviewers: fixes it, and makes its k slots, in one transaction.

    However often it is called there is one sent revision with one receipt, told once as the news
    `evidence.sent`. Raises as `evidence.sending.seal` does.
    """
    revision, fresh = sending.seal(session, revision_id, person_id, key=key, seen=seen, now=now)
    if fresh:
        policy = revision.policy or {}
        add_slots(session, revision, str(policy["kind"]), int(policy["k"]), 1, now)
        _tell(session, revision, now)
    return revision


def _tell(session: Session, revision: Revision, now: datetime) -> None:
    """The news `evidence.sent` for whoever subscribes (gradebooks that show what was handed in)."""
    submission = revision.submission
    payload = {
        "submission_id": str(submission.id),
        "revision_id": str(revision.id),
        "person_id": str(submission.person_id),
        "resource_link_id": submission.resource_link_id,
        "achievement_id": str(submission.assignment.achievement_id),
        "title": achievements.micro_credential(revision.achievement_version).name,
        "max": FULL_SCORE,
        "sent_at": now.isoformat(),
    }
    publish(session, "evidence.sent", str(revision.id), payload, organisation_id=revision.owner_id)


def add_slots(
    session: Session, revision: Revision, kind: str, count: int, round_: int, now: datetime
) -> None:
    """Make `count` open slots for the revision."""
    for _n in range(count):
        session.add(
            ReviewSlot(
                **owner_like(revision),
                revision_id=revision.id,
                kind=kind,
                round=round_,
                state="open",
                created_at=now,
            )
        )
    session.flush()


def withdraw(
    session: Session, revision_id: uuid.UUID, person_id: uuid.UUID, now: datetime
) -> Revision:
    """Take a sent revision back before its decision: open and held slots are voided.

    Reviews that were given stay, as their reviewers' work; nobody else sees them. Idempotent.
    """
    revision, fresh = sending.mark_withdrawn(session, revision_id, person_id, now)
    if fresh:
        for slot in slots_of(session, revision.id):
            if slot.state != "submitted" and can_move_slot(SlotState(slot.state), SlotState.VOIDED):
                slot.state, slot.lease_until, slot.lease_token = "voided", None, None
                note(session, revision, "slot.voided", actor_id=None, now=now, slot=str(slot.id))
        session.flush()
    return revision
