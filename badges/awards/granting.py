"""Granting: an award exists once per enrolment, achievement and cycle, with its receipt.

The receipt names the rule by version and hash, the moment, and the facts that decided, so that
anyone with access can compute the decision again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.models import AchievementVersion
from badges.awards.models import Award
from badges.once import insert_once
from badges.pathways.facts import DecisionFact, Fact, FactKey
from badges.pathways.models import Enrolment
from badges.pathways.results import Result, Status
from core.errors import ConflictError
from core.identity import Person, owner_like
from core.outbox import publish as publish_message
from core.scope import unscoped

OFFERED = "badge.award_offered"


@dataclass(frozen=True)
class Told:
    """Results that whoever awards a badge directly tells: level numbers of the rubric's lines,
    from 1, and values of the results beside it, by their ids."""

    levels: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Receipt:
    """Why an award was granted. `basis` is `rule`, or `direct` where a person awarded it.

    `results` are values of the micro-credential's results beside its rubric, by their ids, and
    `levels` what was reached in its lines where no decision says so.
    """

    rule_hash: str
    pathway_version: uuid.UUID
    evaluated_at: datetime
    facts: tuple[FactKey, ...]
    reviewers: tuple[dict[str, str], ...] = ()
    basis: str = "rule"
    results: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form that the award keeps."""
        written: dict[str, Any] = {
            "basis": self.basis,
            "rule_hash": self.rule_hash,
            "pathway_version": str(self.pathway_version),
            "evaluated_at": self.evaluated_at.isoformat(),
            "facts": [list(key) for key in self.facts],
            "reviewers": [dict(reviewer) for reviewer in self.reviewers],
        }
        told = {"results": dict(self.results), "levels": dict(self.levels)}
        return written | {name: given for name, given in told.items() if given}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Receipt:
        """Read what `to_dict` wrote."""
        return cls(
            rule_hash=data["rule_hash"],
            pathway_version=uuid.UUID(data["pathway_version"]),
            evaluated_at=datetime.fromisoformat(data["evaluated_at"]),
            facts=tuple((source, key, revision) for source, key, revision in data["facts"]),
            reviewers=tuple(data["reviewers"]),
            basis=data["basis"],
            results=data.get("results", {}),
            levels=data.get("levels", {}),
        )


def grant(
    session: Session, enrolment: Enrolment, result: Result, facts: Iterable[Fact], now: datetime
) -> Award | None:
    """Offer the award that `result` shows to be met; None if it is not met, or was granted before.

    A test student is offered none, whatever is met. The caller holds the enrolment's lock, in the
    transaction that saw the rule met.
    """
    if result.status is not Status.MET or is_test_student(session, enrolment.person_id):
        return None
    used = frozenset(result.used)
    receipt = Receipt(
        rule_hash=enrolment.version.rule_hash,
        pathway_version=enrolment.pathway_version_id,
        evaluated_at=now,
        facts=result.used,
        reviewers=_reviewers(fact for fact in facts if fact.key in used),
    )
    return offer(session, enrolment, receipt, now)


def offer(session: Session, enrolment: Enrolment, receipt: Receipt, now: datetime) -> Award | None:
    """Write the award, complete the enrolment and tell the news; None if it was there already.

    Raises ConflictError for a test student.
    """
    refuse_test_student(session, enrolment.person_id)
    with unscoped(session, "the version that the enrolment is pinned to"):
        version = session.get_one(AchievementVersion, enrolment.version.achievement_version_id)
    award_id = uuid.uuid4()
    values = {
        **owner_like(enrolment),
        "id": award_id,
        "person_id": enrolment.person_id,
        "enrolment_id": enrolment.id,
        "achievement_id": version.achievement_id,
        "achievement_version_id": version.id,
        "cycle": enrolment.cycle,
        "receipt": receipt.to_dict(),
        "state": "offered",
        "granted_at": now,
    }
    new = insert_once(session, Award, values, ("enrolment_id", "achievement_id", "cycle"))
    if enrolment.state == "active":
        enrolment.state, enrolment.completed_at, enrolment.next_eval_at = "completed", now, None
        session.flush()
    if not new:
        return None
    publish_message(
        session,
        OFFERED,
        str(award_id),
        {"award_id": str(award_id), "person_id": str(enrolment.person_id)},
        organisation_id=enrolment.owner_id,
    )
    with unscoped(session, "the award just written"):
        return session.get_one(Award, award_id)


def is_test_student(session: Session, person_id: uuid.UUID) -> bool:
    """Whether an LMS invented this person, for a teacher to look at a course as its learners do."""
    with unscoped(session, "the person that an award is about"):
        return bool(session.scalar(select(Person.is_test).where(Person.id == person_id)))


def refuse_test_student(session: Session, person_id: uuid.UUID) -> None:
    """Raise ConflictError for a test student: a badge speaks of somebody who exists."""
    if is_test_student(session, person_id):
        raise ConflictError(
            _("This is a test student of the LMS, and badges are given to people only."),
            code="person_is_test",
            title=_("Test students are given no badges"),
            advice=_("Open the activity as yourself to earn a badge that is yours."),
        )


def _reviewers(facts: Iterable[Fact]) -> tuple[dict[str, str], ...]:
    """The part each reviewer had and when it was decided; never who they are."""
    return tuple(
        {"role": review.role, "at": fact.at.isoformat()}
        for fact in facts
        if isinstance(fact, DecisionFact)
        for review in fact.reviews
    )
