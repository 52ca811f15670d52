"""Pathways at work: publish a rule, enrol, record facts, see progress, recompute an award.

There is one way to earn: starting a single micro-credential enrols in its own pathway, whose rule
asks for its rubric and its reviews.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.document import MicroCredential
from badges.achievements.models import Achievement, AchievementVersion
from badges.achievements.service import micro_credential
from badges.awards.granting import Receipt, grant
from badges.awards.models import Award
from badges.pathways.facts import Fact
from badges.pathways.ledger import facts_by_key, facts_of, insert_fact, lock_enrolments
from badges.pathways.models import Enrolment, Pathway, PathwayVersion
from badges.pathways.rules import Result, Rule, evaluate, parse, require_publishable
from core.errors import ConflictError
from core.identity import Person, owner_like
from core.scope import unscoped

# A coach may stand in for a peer, never the other way.
_REVIEW_ROLES = {"peer": ["coach", "peer"], "coach": ["coach"]}
_OWN = "a person's own enrolments, reached through the person"


def own_rule(achievement_id: uuid.UUID, document: MicroCredential) -> dict[str, Any]:
    """The rule of a single micro-credential: its rubric at the required levels, and its reviews."""
    task = str(achievement_id)
    return {
        "schema": 1,
        "root": {
            "id": "r",
            "op": "all",
            "of": [
                {"id": "ru", "op": "rubric", "task": task, "min": document.rubric.required},
                {
                    "id": "rv",
                    "op": "reviews",
                    "task": task,
                    "k": document.review.k,
                    "roles": _REVIEW_ROLES[document.review.kind],
                    "independent": True,
                },
            ],
        },
    }


def publish_own(session: Session, version: AchievementVersion, now: datetime) -> PathwayVersion:
    """The own pathway's version for a micro-credential's `version`, made at the first call."""
    found = _own_version(session, version)
    if found is not None:
        return found
    with unscoped(session, "the achievement of a version that the caller may see"):
        # Two first starters at once would otherwise both make the pathway.
        session.execute(
            select(Achievement.id).where(Achievement.id == version.achievement_id).with_for_update()
        )
    return _own_version(session, version) or _make_own(session, version, now)


def enrol(
    session: Session, person: Person, achievement_version: AchievementVersion, now: datetime
) -> Enrolment:
    """Start `person` on the own pathway of a micro-credential, pinned to `achievement_version`.

    Idempotent: who is enrolled, or has completed it, keeps that enrolment. What is already known
    of the person counts at once.
    """
    lock_enrolments(session, person.id)
    pinned = publish_own(session, achievement_version, now)
    found = _latest_enrolment(session, person.id, pinned.pathway_id)
    if found is not None and found.state != "left":
        return found
    enrolment = Enrolment(
        **owner_like(person),
        id=uuid.uuid4(),
        person_id=person.id,
        pathway_id=pinned.pathway_id,
        pathway_version_id=pinned.id,
        state="active",
        cycle=1,
        enrolled_at=now,
    )
    enrolment.version = pinned
    session.add(enrolment)
    session.flush()
    _judge(session, [enrolment], facts_of(session, person.id), now)
    return enrolment


def record_fact(session: Session, person: Person, fact: Fact, now: datetime) -> list[Award]:
    """Write `fact` about `person` and grant what it completes; returns the new awards.

    Locks first (see `ledger`). A fact that was recorded before changes nothing. Raises
    ConflictError when the same source, id and revision already says something else.
    """
    enrolments = lock_enrolments(session, person.id)
    if not insert_fact(session, person, fact, now):
        return []
    return _judge(session, enrolments, facts_of(session, person.id), now)


def evaluate_person(session: Session, person_id: uuid.UUID, now: datetime) -> list[Award]:
    """Judge the person's active enrolments again, as `next_eval_at` and the nightly sweep ask."""
    enrolments = lock_enrolments(session, person_id)
    return _judge(session, enrolments, facts_of(session, person_id), now)


def progress(
    session: Session, enrolment: Enrolment, now: datetime, *, in_review: Collection[str] = ()
) -> tuple[Rule, Result]:
    """How far the learner is: the pinned rule, and what it says of their facts.

    `in_review` names the tasks (achievement ids) whose submission is with reviewers now.
    """
    rule = parse(enrolment.version.rule)
    facts = facts_of(session, enrolment.person_id)
    return rule, evaluate(rule, facts, now, in_review=in_review)


def enrolments(session: Session, person_id: uuid.UUID) -> list[Enrolment]:
    """The person's enrolments that were not left, newest first."""
    with unscoped(session, _OWN):
        return list(
            session.scalars(
                select(Enrolment)
                .where(Enrolment.person_id == person_id, Enrolment.state != "left")
                .order_by(Enrolment.enrolled_at.desc(), Enrolment.id)
            )
        )


def enrolment_for(
    session: Session, person_id: uuid.UUID, achievement_id: uuid.UUID
) -> Enrolment | None:
    """The person's latest enrolment in a micro-credential's own pathway that was not left."""
    with unscoped(session, _OWN):
        return session.scalar(
            select(Enrolment)
            .join(Pathway, Pathway.id == Enrolment.pathway_id)
            .where(
                Enrolment.person_id == person_id,
                Enrolment.state != "left",
                Pathway.achievement_id == achievement_id,
                Pathway.own.is_(True),
            )
            .order_by(Enrolment.enrolled_at.desc())
            .limit(1)
        )


def recompute(session: Session, award: Award) -> Result:
    """Decide `award` again from its receipt alone: pinned rule, named facts, moment of then.

    A sound receipt gives a result that is met. Raises ConflictError when the stored rule no longer
    has the hash that the receipt names, or the award was made by a person and not by a rule.
    """
    receipt = Receipt.from_dict(award.receipt)
    if receipt.basis != "rule":
        raise ConflictError(
            _("This badge was awarded by a person; there is no rule to compute again."),
            code="award_direct",
        )
    with unscoped(session, "the rule that a receipt names"):
        version = session.get(PathwayVersion, receipt.pathway_version)
    rule = parse(version.rule) if version else None
    if rule is None or rule.hash != receipt.rule_hash:
        raise ConflictError(
            _("The rule of this award is not the one that its receipt names."),
            code="receipt_mismatch",
        )
    facts = facts_by_key(session, award.person_id, receipt.facts)
    return evaluate(rule, facts, receipt.evaluated_at)


def _judge(
    session: Session, enrolments: list[Enrolment], facts: list[Fact], now: datetime
) -> list[Award]:
    """Evaluate locked enrolments; grant each award once, or note when to look again."""
    awards = []
    for enrolment in enrolments:
        result = evaluate(parse(enrolment.version.rule), facts, now)
        enrolment.next_eval_at = result.next_eval_at
        award = grant(session, enrolment, result, facts, now)
        if award is not None:
            awards.append(award)
    session.flush()
    return awards


def _own_version(session: Session, version: AchievementVersion) -> PathwayVersion | None:
    with unscoped(session, "the own pathway of a version that the caller may see"):
        return session.scalar(
            select(PathwayVersion)
            .join(Pathway, Pathway.id == PathwayVersion.pathway_id)
            .where(
                Pathway.achievement_id == version.achievement_id,
                Pathway.own.is_(True),
                PathwayVersion.achievement_version_id == version.id,
            )
        )


def _make_own(session: Session, version: AchievementVersion, now: datetime) -> PathwayVersion:
    """Write the version (and with the first one, the pathway). The achievement is locked."""
    document = micro_credential(version)
    task = str(version.achievement_id)
    rubric = {criterion.id: len(criterion.levels) for criterion in document.rubric.criteria}
    rule = require_publishable(
        own_rule(version.achievement_id, document),
        achievement=task,
        rubric_of=lambda named: rubric if named == task else None,
    )
    with unscoped(session, "the own pathway of a version that the caller may see"):
        pathway = session.scalar(
            select(Pathway).where(
                Pathway.achievement_id == version.achievement_id, Pathway.own.is_(True)
            )
        )
    if pathway is None:
        pathway = Pathway(
            **owner_like(version),
            id=uuid.uuid4(),
            achievement_id=version.achievement_id,
            own=True,
            created_at=now,
        )
        session.add(pathway)
        session.flush()
    made = PathwayVersion(
        **owner_like(version),
        id=uuid.uuid4(),
        pathway_id=pathway.id,
        achievement_version_id=version.id,
        number=version.number,
        rule=rule.to_dict(),
        rule_hash=rule.hash,
        published_at=now,
    )
    session.add(made)
    session.flush()
    pathway.current_version_id = made.id
    session.flush()
    return made


def _latest_enrolment(
    session: Session, person_id: uuid.UUID, pathway_id: uuid.UUID
) -> Enrolment | None:
    with unscoped(session, _OWN):
        return session.scalar(
            select(Enrolment)
            .where(Enrolment.person_id == person_id, Enrolment.pathway_id == pathway_id)
            .order_by(Enrolment.enrolled_at.desc(), Enrolment.cycle.desc())
            .limit(1)
        )
