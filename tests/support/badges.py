"""A sample micro-credential, its issuer, and the shortest way to earn it; for tests."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.document import MicroCredential
from badges.achievements.models import Achievement, AchievementVersion, Issuer
from badges.awards import service as awards
from badges.awards.models import Award, Credential
from badges.awards.signing import sign_credential
from badges.pathways import service as pathways
from badges.pathways.facts import DecisionFact, ReviewRef
from core.identity import Organisation, Person, create_organisation, owner_of
from core.runtime import Runtime
from keys.ring import KeyRing

NOW = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)

_LEVELS = ("Beginning", "Developing", "Secure", "Extending")

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "name": "Questions That Open",
    "competency": "The teacher asks questions that make pupils' thinking visible.",
    "description": "Plans, asks and builds on questions that let every pupil think aloud.",
    "method": "Plan three questions for a lesson, ask them, wait, and build on the answers.",
    "research": [{"title": "Wait time and rewards in instruction", "url": None}],
    "minutes": 720,
    "level": "practitioner",
    "evidence_asked": [
        {
            "id": "plan", "kind": "lesson_plan", "title": "Lesson plan", "help": "One lesson.",
            "minimum": 1, "maximum": 2, "required": True,
        },
        {
            "id": "reflection", "kind": "reflection", "title": "Reflection",
            "help": "What did one pupil say, and what did you do next?",
            "minimum": 20, "maximum": 900, "required": True,
        },
    ],
    "rubric": {
        "criteria": [
            {
                "id": name,
                "name": title,
                "description": "",
                "required_level": 3,
                "levels": [
                    {"id": f"l{n}", "name": level, "description": f"{title}: {level.lower()}."}
                    for n, level in enumerate(_LEVELS, 1)
                ],
            }
            for name, title in (("planned", "Planned questions"), ("wait", "Wait time"))
        ]
    },
    "review": {"kind": "coach", "k": 1, "blindness": "open"},
    "image": {"template": "dialogue", "primary": "#1f6f78", "accent": "#f2b705", "lines": []},
    "criteria_narrative": "Secure or better on every line of the rubric, read by a coach.",
    "tags": ["questioning", "formative assessment"],
    "alignment": [
        {
            "name": "Uses questioning techniques", "url": "https://standards.example/3b",
            "code": "3b", "framework": "Framework for Teaching",
        }
    ],
    "validity": "P3Y",
}  # fmt: skip


def micro_credential(**changes: Any) -> MicroCredential:
    """The sample document, with top-level members replaced."""
    return MicroCredential.from_dict({**copy.deepcopy(DOCUMENT), **changes})


@dataclass
class District:
    """An organisation with an issuer, one micro-credential and a learner."""

    runtime: Runtime
    ring: KeyRing
    organisation: Organisation
    issuer: Issuer
    achievement: Achievement
    version: AchievementVersion
    learner: Person

    @property
    def badge_url(self) -> str:
        """The origin of badge addresses."""
        return self.runtime.config.badge_url


def make_district(runtime: Runtime, organisation: Organisation | None = None) -> District:
    """Everything up to a published micro-credential and a learner with a verified address."""
    ring = KeyRing(runtime.database, runtime.config.master_key)
    with runtime.database.transaction() as session:
        organisation = organisation or create_organisation(
            session, name="Alder Valley Schools", slug="alder-valley"
        )
        issuer = achievements.create_issuer(
            session,
            organisation,
            ring=ring,
            slug="alder-valley",
            name="Alder Valley Schools",
            badge_url=runtime.config.badge_url,
            now=NOW,
        )
        achievement = achievements.create(session, issuer, micro_credential(), NOW)
    with runtime.database.snapshot(organisation.scope) as session:
        version = achievements.current(session, achievement.id)
    learner = add_person(runtime, organisation, "Wren Samplewood")
    return District(runtime, ring, organisation, issuer, achievement, version, learner)


def add_person(
    runtime: Runtime, organisation: Organisation, name: str, *, verified: bool = True
) -> Person:
    """Somebody with an address, verified or not."""
    with runtime.database.transaction() as session:
        person = Person(
            **owner_of(organisation),
            id=uuid.uuid4(),
            name=name,
            email=f"{name.split()[0].lower()}@alder-valley.example",
            email_verified_at=NOW if verified else None,
        )
        session.add(person)
    return person


def decision(
    version: AchievementVersion,
    *,
    outcome: str = "met",
    level: int = 3,
    submission: uuid.UUID | None = None,
    revision: int = 0,
    at: datetime = NOW + timedelta(hours=1),
) -> DecisionFact:
    """A coach's decision on a submission for `version`, with one level on every criterion."""
    review = ReviewRef(str(uuid.uuid4()), str(uuid.uuid4()), "coach", independent=True)
    return DecisionFact(
        source="review",
        source_id=str(submission or uuid.uuid4()),
        revision=revision,
        at=at,
        task=str(version.achievement_id),
        achievement_version=str(version.id),
        outcome="met" if outcome == "met" else "not_yet",
        levels={item["id"]: level for item in version.document["rubric"]["criteria"]},
        reviews=(review,),
        evidence_kinds=frozenset({"lesson_plan", "reflection"}),
    )


def earn(session: Session, district: District, person: Person | None = None) -> Award:
    """Enrol the learner and record a decision that meets the rule; returns the offered award."""
    learner = person or district.learner
    pathways.enrol(session, learner, district.version, NOW)
    (award,) = pathways.record_fact(
        session, learner, decision(district.version), NOW + timedelta(hours=1)
    )
    return award


def issue_credential(
    district: District, person: Person | None = None, *, published: bool = True
) -> Credential:
    """Earn, accept, sign and (unless told otherwise) publish; returns the credential, loaded."""
    learner = person or district.learner
    now = NOW + timedelta(hours=2)
    with district.runtime.database.transaction() as session:
        award = earn(session, district, learner)
        credential = awards.accept(
            session,
            award.id,
            learner.id,
            name=learner.name,
            badge_url=district.badge_url,
            now=now,
        )
    sign_credential(district.runtime, district.ring, credential.id)
    with district.runtime.database.transaction() as session:
        if published:
            awards.publish(session, credential.id, learner.id, now)
        return awards.own_credential(session, credential.id, learner.id)


# For tests of what the two databases do differently: locks, conflicts, savepoints, JSON.
both_databases = pytest.mark.parametrize(
    "district",
    ["runtime", pytest.param("runtime_pg", marks=pytest.mark.postgres)],
    indirect=True,
)
