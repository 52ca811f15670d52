"""Assignments, submissions, revisions, evidence and the append-only events of both rooms.

What was sent is superseded, never edited: checks stand in the tables, and mapper guards refuse
an edit of a sent revision, of its evidence or of an event before it is flushed.
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
    UniqueConstraint,
    event,
    inspect,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from badges.achievements.models import AchievementVersion
from core.db import Base, Identified, Json
from core.scope import OwnedByPeople

LIVE_STATES: Final = ("draft", "scanning", "submitted", "in_review", "adjudicating")
STATES: Final = (*LIVE_STATES, "met", "not_yet", "withdrawn")
SCAN_STATES: Final = ("not_scanned", "pending", "clean", "infected")
RELEASES: Final = ("released", "unreleased", "not_recognisable")
_LIVE_SQL = "state in ('draft','scanning','submitted','in_review','adjudicating')"


class HistoryError(RuntimeError):
    """A programmer's fault: something that was sent or decided would have been edited."""


class Assignment(OwnedByPeople, Identified, Base):
    """A micro-credential in a course (or, without a context, in an organisation).

    `policy` = {"kind": "peer"|"coach", "k": int, "blindness": "open"|"single"|"double"} for the
    revisions that are begun from now on; each sent revision keeps a copy of its own.
    `resource_links` are the LTI resource links that lead here.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        Index(
            "uq_assignments_context_achievement",
            "context_id",
            "achievement_id",
            unique=True,
            sqlite_where=text("context_id is not null"),
            postgresql_where=text("context_id is not null"),
        ),
        Index(
            "uq_assignments_organisation_achievement",
            "owner_id",
            "achievement_id",
            unique=True,
            sqlite_where=text("context_id is null"),
            postgresql_where=text("context_id is null"),
        ),
    )

    context_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("contexts.id"), index=True)
    achievement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievements.id"), index=True)
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    policy: Mapped[dict[str, Any]] = mapped_column(Json)
    resource_links: Mapped[list[Any]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Submission(OwnedByPeople, Identified, Base):
    """A learner's work on an assignment, in all its revisions."""

    __tablename__ = "submissions"
    __table_args__ = (UniqueConstraint("assignment_id", "person_id"),)

    assignment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assignments.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    resource_link_id: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]

    assignment: Mapped[Assignment] = relationship(lazy="joined")


class Revision(OwnedByPeople, Identified, Base):
    """One attempt: what was written and gathered, pinned to one version of the rubric.

    `texts` maps a requirement's id (or "narrative") to plain text, `releases` a requirement's id to
    one of RELEASES. `version` counts the saves of a draft. From the sending on, everything that the
    learner gave is fixed, with `policy`, `label` (for blind reviewers) and `receipt`.
    """

    __tablename__ = "revisions"
    __table_args__ = (
        UniqueConstraint("submission_id", "n"),
        CheckConstraint(f"state in {STATES!r}", name="state"),
        CheckConstraint(
            "(state = 'draft') = (submitted_at is null)"
            " and (submitted_at is null) = (receipt is null)"
            " and (submitted_at is null) = (idempotency_key is null)",
            name="sent_whole",
        ),
        CheckConstraint(
            "(state in ('met','not_yet')) = (decided_at is not null)", name="decided_at"
        ),
        Index(
            "uq_revisions_one_live",
            "submission_id",
            unique=True,
            sqlite_where=text(_LIVE_SQL),
            postgresql_where=text(_LIVE_SQL),
        ),
        Index("ix_revisions_state_submitted", "state", "submitted_at"),
    )

    submission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("submissions.id"), index=True)
    n: Mapped[int]
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    state: Mapped[str] = mapped_column(String(12), default="draft", active_history=True)
    texts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    releases: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    version: Mapped[int] = mapped_column(default=0)
    policy: Mapped[dict[str, Any] | None] = mapped_column(Json)
    label: Mapped[str | None] = mapped_column(String(40))
    receipt: Mapped[str | None] = mapped_column(String(20), unique=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]

    submission: Mapped[Submission] = relationship(lazy="joined")
    achievement_version: Mapped[AchievementVersion] = relationship(lazy="joined")
    items: Mapped[list[EvidenceItem]] = relationship(
        order_by="EvidenceItem.position",
        back_populates="revision",
        lazy="selectin",
        passive_deletes="all",
    )


class EvidenceItem(OwnedByPeople, Identified, Base):
    """A file or a link for one requirement. A stored file may serve several revisions.

    `kind` is the requirement's kind of evidence. `preview_key` names an image drawn anew without
    metadata. `size` is in bytes.
    """

    __tablename__ = "evidence_items"
    __table_args__ = (
        CheckConstraint(f"scan_state in {SCAN_STATES!r}", name="scan_state"),
        CheckConstraint(f"release is null or release in {RELEASES!r}", name="release"),
        CheckConstraint(
            "(file_key is null) <> (url is null)"
            " and (file_key is null) = (sha256 is null)"
            " and (file_key is null) = (media_type is null)"
            " and (file_key is null) = (size is null)",
            name="file_or_link",
        ),
    )

    revision_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("revisions.id"), index=True)
    requirement_id: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(255))
    url: Mapped[str | None] = mapped_column(String(2000))
    file_key: Mapped[str | None] = mapped_column(String(200), index=True)
    preview_key: Mapped[str | None] = mapped_column(String(200))
    preview_type: Mapped[str | None] = mapped_column(String(40))
    sha256: Mapped[str | None] = mapped_column(String(64))
    media_type: Mapped[str | None] = mapped_column(String(120))
    size: Mapped[int | None]
    scan_state: Mapped[str] = mapped_column(String(12), default="not_scanned")
    release: Mapped[str | None] = mapped_column(String(20))
    position: Mapped[int]
    created_at: Mapped[datetime]

    revision: Mapped[Revision] = relationship(back_populates="items")


class Event(OwnedByPeople, Identified, Base):
    """Something that happened to a submission; written with the change it tells of, never changed.

    `number` counts a submission's events, so that those of one moment keep their order.
    `data` holds codes, numbers and identifiers, never what a person wrote.
    """

    __tablename__ = "submission_events"
    __table_args__ = (Index("ix_submission_events_order", "submission_id", "number"),)

    submission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("submissions.id"))
    revision_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("revisions.id"), index=True)
    number: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[uuid.UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


def changed(target: Any) -> set[str]:
    """Names of the mapped columns of `target` that differ from what is stored."""
    state = inspect(target)
    return {
        column.key
        for column in state.mapper.column_attrs
        if state.attrs[column.key].history.has_changes()
    }


def stored(target: Any, name: str) -> Any:
    """The value of `name` as it was loaded (it has `active_history`), whatever was set since."""
    history = inspect(target).attrs[name].history
    return history.deleted[0] if history.deleted else getattr(target, name)


_AFTER_SENDING = {"state", "decided_at"}


@event.listens_for(Revision, "before_update")
def _guard_revision(_mapper: Any, _connection: Any, target: Revision) -> None:
    if stored(target, "state") == "draft":
        return
    edited = changed(target) - _AFTER_SENDING
    if edited:
        raise HistoryError(f"a sent revision is never edited ({', '.join(sorted(edited))})")


@event.listens_for(Revision, "before_delete")
def _guard_revision_row(_mapper: Any, _connection: Any, target: Revision) -> None:
    if stored(target, "state") != "draft":
        raise HistoryError("a sent revision is never deleted")


@event.listens_for(EvidenceItem, "before_update")
def _guard_item(_mapper: Any, connection: Any, target: EvidenceItem) -> None:
    if changed(target) - {"scan_state"}:
        _refuse_if_sent(connection, target)


@event.listens_for(EvidenceItem, "before_delete")
def _guard_item_row(_mapper: Any, connection: Any, target: EvidenceItem) -> None:
    _refuse_if_sent(connection, target)


def _refuse_if_sent(connection: Any, item: EvidenceItem) -> None:
    table = Revision.__table__
    query = table.select().with_only_columns(table.c.submitted_at)
    if connection.execute(query.where(table.c.id == item.revision_id)).scalar() is not None:
        raise HistoryError("the evidence of a sent revision is never edited")


@event.listens_for(Event, "before_update")
@event.listens_for(Event, "before_delete")
def _guard_event(_mapper: Any, _connection: Any, _target: Event) -> None:
    raise HistoryError("an event is never changed")
