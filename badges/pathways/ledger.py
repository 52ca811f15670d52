"""The ledger of facts, and the locks under which it is written and read.

What two events may decide together is decided by one of them. Before a fact is inserted, its
person's row is locked, then the person's active enrolments in id order. Under PostgreSQL's READ
COMMITTED each of two last facts would otherwise be judged without the other one (measured: 35
awards of 200; with the lock 200 of 200). The enrolments alone are not enough: one that is being
added is not seen by a fact that arrives meanwhile, nor that fact by it. SQLite has one writer at a
time (BEGIN IMMEDIATE), so there the locks cost nothing and change nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from badges.once import insert_once
from badges.pathways.fact_json import from_dict
from badges.pathways.facts import Fact, FactKey
from badges.pathways.models import Enrolment, FactRow
from core.errors import ConflictError
from core.identity import Person, joined_meanwhile, owner_like
from core.scope import unscoped

_REASON = "the ledger and the enrolments of one person, whose reach the caller has checked"


def lock_enrolments(session: Session, person_id: uuid.UUID) -> list[Enrolment]:
    """Lock the person, then their active enrolments in id order; returns these, freshly read.

    FOR NO KEY UPDATE on the person, so that rows which only refer to them are not held up. Raises
    ConflictError for a row that was joined to another person meanwhile: nothing may be added to it.
    """
    with unscoped(session, _REASON):
        joined = session.scalar(
            select(Person.merged_into_id)
            .where(Person.id == person_id)
            .with_for_update(key_share=True)
        )
        if joined is not None:
            raise joined_meanwhile()
        statement = (
            select(Enrolment)
            .where(Enrolment.person_id == person_id, Enrolment.state == "active")
            .order_by(Enrolment.id)
            .with_for_update(of=Enrolment)
            .execution_options(populate_existing=True)
        )
        return list(session.scalars(statement))


def lock_people(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """Lock these people in id order, as `lock_enrolments` locks one; returns them, freshly read.

    Somebody who was joined to another person is left out.
    """
    with unscoped(session, _REASON):
        found = session.scalars(
            select(Person)
            .where(Person.id.in_(sorted(set(ids))), Person.merged_into_id.is_(None))
            .order_by(Person.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        return {person.id: person for person in found}


def insert_fact(session: Session, person: Person, fact: Fact, now: datetime) -> bool:
    """Write `fact` about `person`; False if the same fact was written before.

    The caller holds the person's locks. Raises ConflictError when the same source, id and revision
    already says something else: facts are superseded by a higher revision, never edited.
    """
    new = insert_once(
        session,
        FactRow,
        fact_row(person, fact, now),
        ("source", "source_id", "revision"),
    )
    if not new:
        _require_same(session, person, fact)
    return new


def fact_row(person: Person, fact: Fact, now: datetime) -> dict[str, Any]:
    """The columns of `fact` about `person`."""
    return {
        **owner_like(person),
        "id": uuid.uuid4(),
        "person_id": person.id,
        "kind": fact.kind,
        "source": fact.source,
        "source_id": fact.source_id,
        "revision": fact.revision,
        "at": fact.at,
        "data": fact.to_dict(),
        "recorded_at": now,
    }


def facts_of(session: Session, person_id: uuid.UUID) -> list[Fact]:
    """Every fact about the person, oldest first."""
    with unscoped(session, _REASON):
        rows = session.scalars(
            select(FactRow.data)
            .where(FactRow.person_id == person_id)
            .order_by(FactRow.at, FactRow.source, FactRow.source_id, FactRow.revision)
        )
        return [from_dict(data) for data in rows]


def facts_by_key(session: Session, person_id: uuid.UUID, keys: Iterable[FactKey]) -> list[Fact]:
    """The person's facts with these keys; missing ones are left out."""
    wanted = list(keys)
    if not wanted:
        return []
    key = tuple_(FactRow.source, FactRow.source_id, FactRow.revision)
    with unscoped(session, _REASON):
        rows = session.scalars(
            select(FactRow.data).where(FactRow.person_id == person_id, key.in_(wanted))
        )
        return [from_dict(data) for data in rows]


def _require_same(session: Session, person: Person, fact: Fact) -> None:
    with unscoped(session, _REASON):
        row = session.scalar(
            select(FactRow).where(
                FactRow.source == fact.source,
                FactRow.source_id == fact.source_id,
                FactRow.revision == fact.revision,
            )
        )
    if row is None or row.person_id != person.id or from_dict(row.data) != fact:
        raise ConflictError(
            _("Something else was already recorded in this place; nothing was changed."),
            code="fact_differs",
            details={"source": fact.source, "revision": fact.revision},
        )
