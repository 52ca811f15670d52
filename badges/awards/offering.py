"""The same badge offered to many people, in one transaction and with few statements.

Each gets what `direct.issue_directly` gives one: an enrolment, an attestation in the ledger, an
award with its receipt, news of it, and a line in the audit. Whoever has a history with the badge
goes that way itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.models import AchievementVersion
from badges.awards.direct import OPERATOR, SOURCE, issue_directly, may_award, roles_over
from badges.awards.granting import OFFERED, Receipt, Told, refuse_test_student
from badges.awards.models import Award
from badges.pathways.facts import AttestationFact
from badges.pathways.ledger import fact_row, lock_people
from badges.pathways.models import Enrolment, FactRow, Pathway, PathwayVersion
from badges.pathways.service import enrol, publish_own
from core.audit import AuditEvent
from core.errors import MilepostError
from core.identity import Person, joined_meanwhile, owner_like
from core.scope import unscoped
from core.together import insert_rows, publish_all

_NOTHING_TOLD = Told()
_REASON = "people whom the caller has found in its scope, and what they have of this badge"


def offer_many(
    session: Session,
    people: Iterable[uuid.UUID],
    version: AchievementVersion,
    *,
    actor: Person | None,
    now: datetime,
    told: Mapping[uuid.UUID, Told] = MappingProxyType({}),
) -> dict[uuid.UUID, uuid.UUID | MilepostError]:
    """Offer the badge of `version` to `people`; returns each one's award, or why there is none.

    `told` gives the results of some of them, which the caller has checked.
    `actor` as for `issue_directly`. The people are locked in the order of their ids, so that two
    callers wait for each other instead of offering twice.
    """
    wanted = set(people)
    locked = lock_people(session, wanted)
    pathway = publish_own(session, version, now)
    known = _with_history(session, locked, version, pathway)
    grants = roles_over(session, actor) if actor else []
    done: dict[uuid.UUID, uuid.UUID | MilepostError] = {
        one: joined_meanwhile() for one in wanted - locked.keys()
    }
    fresh: list[tuple[Person, str]] = []
    for person in locked.values():
        try:
            role = may_award(grants, actor, person) if actor else OPERATOR
            if person.is_test:
                refuse_test_student(session, person.id)
            if person.id in known:
                # What is known of them may meet the rule: then the badge is theirs by it.
                enrol(session, person, version, now)
                with session.begin_nested():
                    given = told.get(person.id, _NOTHING_TOLD)
                    award = issue_directly(
                        session, person, version, actor=actor, now=now,
                        results=given.values, levels=given.levels,
                    )  # fmt: skip
                done[person.id] = award.id
                continue
            fresh.append((person, role))
        except MilepostError as refusal:
            done[person.id] = refusal
    return done | _write(session, fresh, version, pathway, actor, told, now)


def _with_history(
    session: Session,
    people: Mapping[uuid.UUID, Person],
    version: AchievementVersion,
    pathway: PathwayVersion,
) -> set[uuid.UUID]:
    """Who began with this badge before, has an award of it, or a decision about it."""
    ids = list(people)
    achievement = version.achievement_id
    with unscoped(session, _REASON):
        begun = session.scalars(
            select(Enrolment.person_id)
            .join(Pathway, Pathway.id == Enrolment.pathway_id)
            .where(Enrolment.person_id.in_(ids), Pathway.id == pathway.pathway_id)
        )
        awarded = session.scalars(
            select(Award.person_id).where(
                Award.person_id.in_(ids), Award.achievement_id == achievement
            )
        )
        decided = session.execute(
            select(FactRow.person_id, FactRow.data).where(
                FactRow.person_id.in_(ids), FactRow.kind == "decision"
            )
        )
        judged = {who for who, data in decided if data.get("task") == str(achievement)}
        return {*begun, *awarded, *judged}


def _write(
    session: Session,
    fresh: Sequence[tuple[Person, str]],
    version: AchievementVersion,
    pathway: PathwayVersion,
    actor: Person | None,
    told: Mapping[uuid.UUID, Told],
    now: datetime,
) -> dict[uuid.UUID, uuid.UUID]:
    rows: dict[type[Any], list[dict[str, Any]]] = {
        Enrolment: [], FactRow: [], Award: [], AuditEvent: [],
    }  # fmt: skip
    news: list[tuple[str, str, Any, uuid.UUID | None]] = []
    made: dict[uuid.UUID, uuid.UUID] = {}
    for person, role in fresh:
        enrolment_id, award_id = uuid.uuid4(), uuid.uuid4()
        given = told.get(person.id, _NOTHING_TOLD)
        fact = AttestationFact(
            source=SOURCE, source_id=str(enrolment_id), revision=0, at=now,
            statement=f"award:{version.achievement_id}", role=role,
            by=str(actor.id) if actor else OPERATOR,
        )  # fmt: skip
        receipt = Receipt(
            rule_hash=pathway.rule_hash, pathway_version=pathway.id, evaluated_at=now,
            facts=(fact.key,), basis=SOURCE, results=given.values, levels=given.levels,
        )  # fmt: skip
        owner = owner_like(person)
        rows[Enrolment].append(
            {
                **owner, "id": enrolment_id, "person_id": person.id,
                "pathway_id": pathway.pathway_id, "pathway_version_id": pathway.id,
                "state": "completed", "cycle": 1, "enrolled_at": now, "completed_at": now,
            }
        )  # fmt: skip
        rows[FactRow].append(fact_row(person, fact, now))
        rows[Award].append(
            {
                **owner, "id": award_id, "person_id": person.id, "enrolment_id": enrolment_id,
                "achievement_id": version.achievement_id, "achievement_version_id": version.id,
                "cycle": 1, "receipt": receipt.to_dict(), "state": "offered", "granted_at": now,
            }
        )  # fmt: skip
        rows[AuditEvent].append(
            {
                **owner, "id": uuid.uuid4(), "at": now, "actor_id": actor.id if actor else None,
                "about_id": person.id, "action": "award.direct",
                "subject_kind": Award.__tablename__, "subject_id": award_id, "details": {},
            }
        )  # fmt: skip
        about = {"award_id": str(award_id), "person_id": str(person.id)}
        news.append((OFFERED, str(award_id), about, person.owner_id))
        made[person.id] = award_id
    session.flush()
    for model, values in rows.items():
        insert_rows(session, model, values)
    publish_all(session, news)
    return made
