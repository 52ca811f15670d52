"""Carrying out the lines of a batch that was started: so many in one transaction, each once.

A line's new state, its person and its award are written together. Whoever comes second waits for
the lines' locks and finds them done; whoever dies in between leaves them ready.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from badges.achievements.service import micro_credential
from badges.awards.batches import results
from badges.awards.batches.checking import check
from badges.awards.batches.models import Batch, BatchLine, Newcomer
from badges.awards.batches.table import Line
from badges.awards.offering import offer_many
from badges.once import insert_once
from core import postal
from core.crash import crash_point
from core.errors import MilepostError
from core.identity import Organisation, Person, owner_like
from core.runtime import Runtime
from core.scope import set_scope, unscoped
from core.together import publish_all

NEWCOMER_OFFERED: Final = "badge.newcomer_offered"
AT_ONCE: Final = 100
_BY_JOB = "the job names its batch, whose organisation is the scope from then on"


def run(runtime: Runtime, batch_id: uuid.UUID, first: int, last: int) -> int:
    """Carry out the ready lines `first` to `last`; returns how many there were."""
    done = 0
    while number := _some(runtime, batch_id, first, last):
        done += number
        crash_point("batch-piece", runtime.config.environment)
    with runtime.database.transaction() as session:
        _close(session, batch_id, runtime.now())
    return done


def _some(runtime: Runtime, batch_id: uuid.UUID, first: int, last: int) -> int:
    now = runtime.now()
    with runtime.database.transaction() as session:
        batch = _batch(session, batch_id)
        if batch is None or batch.state != "running":
            return 0
        organisation = session.get_one(Organisation, batch.owner_id)
        set_scope(session, organisation.scope)
        rows = list(
            session.scalars(
                select(BatchLine)
                .where(
                    BatchLine.batch_id == batch.id,
                    BatchLine.number.between(first, last),
                    BatchLine.state == "ready",
                )
                .order_by(BatchLine.number)
                .limit(AT_ONCE)
                .with_for_update()
                .execution_options(populate_existing=True)
            )
        )
        if rows:
            _carry_out(session, organisation, batch, rows, now)
        return len(rows)


def _carry_out(
    session: Session,
    organisation: Organisation,
    batch: Batch,
    rows: Sequence[BatchLine],
    now: datetime,
) -> None:
    people = _people(session, organisation, batch, rows, now)
    actor = None
    if batch.actor_id is not None:
        with unscoped(session, "who issues, who may belong above the place"):
            actor = session.get_one(Person, batch.actor_id)
    document = micro_credential(batch.version)
    told = {
        people[row.id]: results.told(document, row.given.get(results.RESULTS, {}))
        for row in rows
        if row.id in people
    }
    answers = offer_many(session, people.values(), batch.version, actor=actor, now=now, told=told)
    made = {one: award for one, award in answers.items() if isinstance(award, uuid.UUID)}
    unproved = unproved_people(session, made)
    values = []
    for row in rows:
        person_id = people.get(row.id)
        answer = answers.get(person_id) if person_id else None
        values.append(_value(row, person_id, answer) | {"is_new": person_id in unproved})
    _write(session, values)
    tell_newcomers(session, [(one, made[one], str(made[one])) for one in unproved], batch)


def unproved_people(session: Session, people: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Who of `people` is known by an address alone, and has not come in by it yet."""
    return list(
        session.scalars(
            select(Newcomer.person_id)
            .join(Person, Person.id == Newcomer.person_id)
            .where(Newcomer.person_id.in_(list(people)), Person.email_verified_at.is_(None))
            .order_by(Newcomer.person_id)
            .distinct()
        )
    )


def tell_newcomers(
    session: Session, offered: Sequence[tuple[uuid.UUID, uuid.UUID, str]], batch: Batch
) -> None:
    """Tell the news of offers to people, once for each key: (person, award, key)."""
    publish_all(
        session,
        [
            (
                NEWCOMER_OFFERED, key,
                {"person_id": str(person_id), "award_id": str(award_id)}, batch.owner_id,
            )
            for person_id, award_id, key in offered
        ],
    )  # fmt: skip


def _value(
    row: BatchLine, person_id: uuid.UUID | None, answer: uuid.UUID | MilepostError | None
) -> dict[str, Any]:
    """What is kept of a line that was carried out."""
    found: dict[str, Any] = {
        "row_id": row.id, "person_id": person_id, "award_id": None, "faults": row.faults,
        "state": "refused",
    }  # fmt: skip
    if isinstance(answer, uuid.UUID):
        return found | {"state": "offered", "award_id": answer}
    if answer is not None:
        if answer.code == "award_exists":
            return found | {"state": "already"}
        return found | {"faults": [{"column": "", "code": answer.code}]}
    return found


def _people(
    session: Session,
    organisation: Organisation,
    batch: Batch,
    rows: Sequence[BatchLine],
    now: datetime,
) -> dict[uuid.UUID, uuid.UUID]:
    """Who each line means by now; who was known to nobody becomes a person of the organisation."""
    found = {row.id: row.person_id for row in rows if row.person_id is not None}
    strangers = [row for row in rows if row.person_id is None]
    asked = [Line(row.number, row.email, None, row.name, row.given) for row in strangers]
    checked = check(
        session, organisation, batch.version.achievement_id, asked,
        actor_id=batch.actor_id, invites=True,
    )  # fmt: skip
    for row, one in zip(strangers, checked, strict=True):
        if one.faults:
            row.faults = [fault.to_dict() for fault in one.faults]
        elif one.person_id is not None:
            found[row.id] = one.person_id
        else:
            found[row.id] = _newcomer(session, organisation, row, now)
    return found


def _newcomer(
    session: Session, organisation: Organisation, row: BatchLine, now: datetime
) -> uuid.UUID:
    """A person for an address that is nobody's here; the one of a batch that was quicker, if so."""
    assert row.email is not None  # noqa: S101 - a line without a person has an address
    lookup = postal.same(row.email)
    person = Person(
        **owner_like(row), id=uuid.uuid4(), name=row.name, email=row.email, created_at=now,
        updated_at=now,
    )  # fmt: skip
    session.add(person)
    session.flush()
    values = {
        **owner_like(row), "id": uuid.uuid4(), "person_id": person.id, "lookup": lookup,
        "since": now,
    }  # fmt: skip
    if insert_once(session, Newcomer, values, ("owner_id", "lookup")):
        return person.id
    session.delete(person)
    session.flush()
    return session.scalars(
        select(Newcomer.person_id).where(
            Newcomer.owner_id == organisation.id, Newcomer.lookup == lookup
        )
    ).one()


def _write(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    table: Any = BatchLine.__table__
    names = ("state", "person_id", "award_id", "faults", "is_new")
    statement = (
        update(table)
        .where(table.c.id == bindparam("row_id"))
        .values({name: bindparam(name) for name in names})
    )
    session.flush()
    session.connection().execute(statement, list(values))


def _close(session: Session, batch_id: uuid.UUID, now: datetime) -> None:
    """Note that the batch is done, once no line of it waits."""
    batch = _batch(session, batch_id, lock=True)
    if batch is None or batch.state != "running":
        return
    with unscoped(session, _BY_JOB):
        waiting = session.scalar(
            select(func.count())
            .select_from(BatchLine)
            .where(BatchLine.batch_id == batch_id, BatchLine.state == "ready")
        )
    if not waiting:
        batch.state, batch.done_at = "done", now
        session.flush()


def _batch(session: Session, batch_id: uuid.UUID, *, lock: bool = False) -> Batch | None:
    query = select(Batch).where(Batch.id == batch_id)
    if lock:
        query = query.with_for_update(of=Batch).execution_options(populate_existing=True)
    with unscoped(session, _BY_JOB):
        return session.scalar(query)
