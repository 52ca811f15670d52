"""Whom the lines of a table mean, and what keeps each from being offered the badge."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from badges.awards.batches.faults import Fault
from badges.awards.batches.models import Newcomer
from badges.awards.batches.table import EMAIL, PERSON, Line
from badges.awards.models import Award, Credential
from core import postal
from core.addresses import OwnAddress
from core.identity import Organisation, Person
from core.scope import unscoped

AT_ONCE = 500


@dataclass(frozen=True)
class Checked:
    """A line as it stands: `state` is ready, already or fault; `is_new` where nobody is known."""

    line: Line
    state: str
    person_id: uuid.UUID | None
    is_new: bool
    faults: tuple[Fault, ...]


@dataclass
class _Known:
    """What the tables say of the people that some lines mean."""

    people: dict[uuid.UUID, Person] = field(default_factory=dict)
    joined: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    verified: dict[str, set[uuid.UUID]] = field(default_factory=dict)
    claimed: dict[str, set[uuid.UUID]] = field(default_factory=dict)
    newcomers: dict[str, uuid.UUID] = field(default_factory=dict)


def check(
    session: Session,
    organisation: Organisation,
    achievement_id: uuid.UUID,
    lines: Sequence[Line],
    *,
    actor_id: uuid.UUID | None,
    invites: bool,
) -> list[Checked]:
    """Find everybody in the session's scope; `invites` says whether mail can be sent to strangers.

    Two lines that turn out to mean one person are told of in the second.
    """
    checked: list[Checked] = []
    seen: dict[uuid.UUID, int] = {}
    for start in range(0, len(lines), AT_ONCE):
        some = lines[start : start + AT_ONCE]
        known = _known(session, organisation, some)
        found = [_one(line, known, actor_id, invites) for line in some]
        having = holders(session, achievement_id, [one.person_id for one in found if one.person_id])
        checked += [_settled(one, having, seen) for one in found]
    return checked


def holders(
    session: Session, achievement_id: uuid.UUID, people: Iterable[uuid.UUID]
) -> frozenset[uuid.UUID]:
    """Who of `people` has this badge or the offer of it; a revoked badge is had no more."""
    with unscoped(session, "awards of people whose reach the caller has checked"):
        rows = session.execute(
            select(Award.person_id, Award.state, Credential.state)
            .select_from(Award)
            .outerjoin(Credential, Credential.award_id == Award.id)
            .where(Award.achievement_id == achievement_id, Award.person_id.in_(list(people)))
        ).all()
    return frozenset(
        person_id
        for person_id, award, credential in rows
        if award != "accepted" or credential != "revoked"
    )


def _one(line: Line, known: _Known, actor_id: uuid.UUID | None, invites: bool) -> Checked:
    if line.faults:
        return _faulty(line)
    person_id, fault = _meant(line, known)
    if fault is not None:
        return _faulty(line, fault)
    if person_id is None:
        if not invites:
            return _faulty(line, Fault(EMAIL, "no_mail"))
        return Checked(line, "ready", None, True, ())
    if person_id == actor_id:
        return _faulty(line, Fault(EMAIL if line.email else PERSON, "oneself"))
    if known.people[person_id].is_test:
        return _faulty(line, Fault(PERSON if line.person_id else EMAIL, "person_test"))
    return Checked(line, "ready", person_id, False, ())


def _meant(line: Line, known: _Known) -> tuple[uuid.UUID | None, Fault | None]:
    """The person of a line, or why it cannot be told; (None, None) for somebody new."""
    lookup = postal.same(line.email) if line.email else ""
    verified = known.verified.get(lookup, set())
    if line.person_id is not None:
        if line.person_id in known.joined:
            more = {"id": str(known.joined[line.person_id])}
            return None, Fault(PERSON, "person_joined", more)
        if line.person_id not in known.people:
            return None, Fault(PERSON, "person_unknown")
        if lookup and line.person_id not in verified:
            return None, Fault(EMAIL, "address_differs")
        return line.person_id, None
    if len(verified) > 1:
        return None, Fault(EMAIL, "several")
    if verified:
        return next(iter(verified)), None
    if lookup in known.newcomers:
        return known.newcomers[lookup], None
    if known.claimed.get(lookup):
        return None, Fault(EMAIL, "unverified")
    return None, None


def _known(session: Session, organisation: Organisation, lines: Sequence[Line]) -> _Known:
    known = _Known()
    lookups = {postal.same(line.email) for line in lines if line.email}
    given = {line.person_id for line in lines if line.person_id}
    own = session.execute(
        select(OwnAddress.lookup, OwnAddress.person_id).where(
            OwnAddress.lookup.in_(lookups), OwnAddress.state == "verified"
        )
    ).all()
    new = session.execute(
        select(Newcomer.lookup, Newcomer.person_id).where(
            Newcomer.lookup.in_(lookups), Newcomer.owner_id == organisation.id
        )
    ).all()
    ids = given | {row.person_id for row in (*own, *new)}
    people = session.scalars(
        select(Person).where(Person.id.in_(ids) | func.lower(Person.email).in_(lookups))
    ).all()
    for person in people:
        if person.merged_into_id is not None:
            known.joined[person.id] = person.merged_into_id
            continue
        known.people[person.id] = person
        if person.email:
            side = known.verified if person.email_verified_at else known.claimed
            side.setdefault(postal.same(person.email), set()).add(person.id)
    _add(known.verified, ((row.lookup, row.person_id) for row in own), known.people)
    known.newcomers.update(
        {row.lookup: row.person_id for row in new if row.person_id in known.people}
    )
    return known


def _add(
    found: dict[str, set[uuid.UUID]],
    pairs: Iterator[tuple[str, uuid.UUID]],
    people: Mapping[uuid.UUID, Any],
) -> None:
    for lookup, person_id in pairs:
        if person_id in people:
            found.setdefault(lookup, set()).add(person_id)


def _settled(one: Checked, having: frozenset[uuid.UUID], seen: dict[uuid.UUID, int]) -> Checked:
    if one.person_id is None:
        return one
    if one.person_id in seen:
        column = PERSON if one.line.person_id else EMAIL
        return _faulty(one.line, Fault(column, "twice", {"line": seen[one.person_id]}))
    seen[one.person_id] = one.line.number
    if one.person_id in having:
        return Checked(one.line, "already", one.person_id, False, ())
    return one


def _faulty(line: Line, *more: Fault) -> Checked:
    return Checked(line, "fault", None, False, (*line.faults, *more))
