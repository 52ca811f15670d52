"""Slots with leases, reviews, scores, decisions and conflicts of interest.

Whoever changes slots or reviews of a revision locks the revision's row first (`desk.lock`), so that
two last reviews, or a claim and a withdrawal, meet one after the other.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, Identified, Json
from core.scope import OwnedByPeople
from lti_tool.evidence.models import HistoryError, Revision, changed, stored

KINDS: Final = ("peer", "coach", "adjudicator")
SLOT_STATES: Final = ("open", "leased", "submitted", "released", "voided")
_TAKEN = "state in ('leased','submitted','released')"


class ReviewSlot(OwnedByPeople, Identified, Base):
    """One seat of a revision: who reads it, until when.

    `round` is 1 for the k reviews, 2 for an adjudication. `lease_token` changes with every lease.
    """

    __tablename__ = "review_slots"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        CheckConstraint(f"state in {SLOT_STATES!r}", name="state"),
        CheckConstraint(
            "state = 'voided' or (state = 'open') = (reviewer_id is null)", name="reviewer"
        ),
        CheckConstraint("(state = 'leased') = (lease_until is not null)", name="lease"),
        Index(
            "uq_review_slots_one_live",
            "revision_id",
            "reviewer_id",
            unique=True,
            sqlite_where=text(_TAKEN),
            postgresql_where=text(_TAKEN),
        ),
        Index("ix_review_slots_state", "state", "lease_until"),
    )

    revision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("revisions.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    round: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(10), default="open")
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"), index=True)
    leased_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]

    revision: Mapped[Revision] = relationship(lazy="joined")


class Review(OwnedByPeople, Identified, Base):
    """A reviewer's reading of a revision: a draft that is saved as it grows, fixed once submitted.

    The draft belongs to the reviewer, not to the slot: it outlives a lease that ran out or was
    given back, and is there again after the next claim.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index(
            "uq_reviews_one_draft",
            "revision_id",
            "reviewer_id",
            unique=True,
            sqlite_where=text("submitted_at is null"),
            postgresql_where=text("submitted_at is null"),
        ),
        Index(
            "uq_reviews_one_submitted",
            "slot_id",
            unique=True,
            sqlite_where=text("submitted_at is not null"),
            postgresql_where=text("submitted_at is not null"),
        ),
    )

    revision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("revisions.id"), index=True)
    slot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("review_slots.id"))
    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    summary: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None] = mapped_column(active_history=True)

    slot: Mapped[ReviewSlot] = relationship(lazy="joined")
    scores: Mapped[list[CriterionScore]] = relationship(
        back_populates="review", lazy="selectin", passive_deletes="all"
    )


class CriterionScore(Identified, Base):
    """A level (counted from 1; none yet in a draft) and a comment for one criterion of a review."""

    __tablename__ = "criterion_scores"
    __table_args__ = (
        UniqueConstraint("review_id", "criterion_id"),
        CheckConstraint("level is null or level >= 1", name="level"),
    )

    review_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reviews.id"), index=True)
    criterion_id: Mapped[str] = mapped_column(String(80))
    level: Mapped[int | None]
    comment: Mapped[str] = mapped_column(Text, default="")

    review: Mapped[Review] = relationship(back_populates="scores")


class Decision(OwnedByPeople, Identified, Base):
    """What the rule made of the reviews. Superseded by a later one of the revision, never edited.

    `number` counts the decisions on a submission; it is the fact's revision. `score` is 0 to 100.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("submission_id", "number"),
        CheckConstraint("outcome in ('met','not_yet')", name="outcome"),
        CheckConstraint("score between 0 and 100", name="score"),
        CheckConstraint("(outcome = 'met') = (score = 100)", name="met_is_full"),
        Index(
            "uq_decisions_one_live",
            "revision_id",
            unique=True,
            sqlite_where=text("superseded_at is null"),
            postgresql_where=text("superseded_at is null"),
        ),
    )

    revision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("revisions.id"), index=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("submissions.id"))
    number: Mapped[int]
    rule: Mapped[dict[str, Any]] = mapped_column(Json)
    review_ids: Mapped[list[Any]] = mapped_column(Json)
    levels: Mapped[dict[str, Any]] = mapped_column(Json)
    outcome: Mapped[str] = mapped_column(String(8))
    score: Mapped[int]
    decided_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None] = mapped_column(active_history=True)


class ConflictOfInterest(OwnedByPeople, Identified, Base):
    """A reviewer said that they know whose work this is; they are not asked about it again."""

    __tablename__ = "conflicts_of_interest"
    __table_args__ = (UniqueConstraint("reviewer_id", "submission_id"),)

    reviewer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    submission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("submissions.id"), index=True)
    declared_at: Mapped[datetime]


@event.listens_for(Review, "before_update")
def _guard_review(_mapper: Any, _connection: Any, target: Review) -> None:
    if stored(target, "submitted_at") is not None and changed(target):
        raise HistoryError("a submitted review is never edited")


@event.listens_for(Review, "before_delete")
def _guard_review_row(_mapper: Any, _connection: Any, target: Review) -> None:
    if stored(target, "submitted_at") is not None:
        raise HistoryError("a submitted review is never deleted")


@event.listens_for(CriterionScore, "before_insert")
@event.listens_for(CriterionScore, "before_update")
@event.listens_for(CriterionScore, "before_delete")
def _guard_score(_mapper: Any, connection: Any, target: CriterionScore) -> None:
    table = Review.__table__
    query = table.select().with_only_columns(table.c.submitted_at)
    if connection.execute(query.where(table.c.id == target.review_id)).scalar() is not None:
        raise HistoryError("the scores of a submitted review are never edited")


@event.listens_for(Decision, "before_update")
def _guard_decision(_mapper: Any, _connection: Any, target: Decision) -> None:
    if changed(target) - {"superseded_at"} or stored(target, "superseded_at") is not None:
        raise HistoryError("a decision is superseded, never edited")


@event.listens_for(Decision, "before_delete")
def _guard_decision_row(_mapper: Any, _connection: Any, _target: Decision) -> None:
    raise HistoryError("a decision is never deleted")
