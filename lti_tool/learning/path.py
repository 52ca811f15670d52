"""A person's pathways as pictures that are also lists: what is met, what is next, what waits."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.document import MicroCredential
from badges.achievements.models import Achievement, AchievementVersion
from badges.awards import service as awards
from badges.awards.models import Award, Credential
from badges.pathways import nodes
from badges.pathways import service as pathways
from badges.pathways.models import Enrolment
from badges.pathways.rules import Actor, Missing, Result, Rule, Status
from core.identity import Person
from core.scope import unscoped
from lti_tool.evidence.models import Revision
from lti_tool.evidence.reading import latest_of
from lti_tool.learning.wording import Names

IN_REVIEW = frozenset({"scanning", "submitted", "in_review", "adjudicating"})


@dataclass(frozen=True)
class Step:
    """One stone: `state` is done, here, wait or ahead; `achievement` what it is about, if any."""

    node: nodes.Node
    state: str
    missing: Missing | None
    achievement: str | None
    children: tuple[Step, ...]


@dataclass(frozen=True)
class ShownPath:
    """One enrolment: its rule as steps, and what came of it."""

    enrolment: Enrolment
    version: AchievementVersion
    document: MicroCredential
    names: Names
    result: Result
    steps: tuple[Step, ...]
    revision: Revision | None
    award: Award | None
    credential: Credential | None
    of_test_student: bool

    @property
    def met(self) -> int:
        """How many of the steps at the top are done."""
        return sum(step.state == "done" for step in self.steps)

    @property
    def to_do(self) -> tuple[Missing, ...]:
        """What the learner can do now."""
        return tuple(item for item in self.result.missing if item.who is Actor.LEARNER)

    @property
    def stage(self) -> str:
        """One of _ORDER: where it stands, and whose turn it is."""
        if self.award is None:
            return "here" if self.to_do else "wait"
        if self.credential is None:
            return "declined" if self.award.state == "declined" else "offered"
        if self.credential.state == "accepted":
            return "signing"
        if self.credential.state == "revoked":
            return "revoked"
        return "published" if self.credential.published_at else "private"

    @property
    def draft(self) -> bool:
        """Whether evidence was begun and not sent."""
        return self.revision is not None and self.revision.state == "draft"


# What waits for the learner stands first, then what waits for others, then what is behind them.
_ORDER = ("offered", "here", "signing", "private", "wait", "declined", "published", "revoked")


def paths_of(session: Session, person_id: uuid.UUID, now: datetime) -> list[ShownPath]:
    """Every pathway the person is on, the one with something to do first."""
    enrolments = pathways.enrolments(session, person_id)
    if not enrolments:
        return []
    with unscoped(session, "a person's own evidence, whichever school they came in through"):
        latest = latest_of(session, person_id)
    revisions = {
        str(revision.submission.assignment.achievement_id): revision
        for revision in reversed(latest)
    }
    in_review = {task for task, found in revisions.items() if found.state in IN_REVIEW}
    given = {
        (award.enrolment_id, award.cycle): award for award in awards.awards(session, person_id)
    }
    held = _latest(awards.credentials(session, person_id))
    judged = [
        (enrolment, *pathways.progress(session, enrolment, now, in_review=in_review))
        for enrolment in enrolments
    ]
    with unscoped(session, "the person of this session"):
        of_test_student = session.get_one(Person, person_id).is_test
    names = _names(session, (rule for _enrolment, rule, _result in judged))
    shown = []
    for enrolment, rule, result in judged:
        version = achievements.public_version(session, enrolment.version.achievement_version_id)
        award = given.get((enrolment.id, enrolment.cycle))
        shown.append(
            ShownPath(
                enrolment=enrolment,
                version=version,
                document=achievements.micro_credential(version),
                names=names,
                result=result,
                steps=steps_of(rule, result),
                revision=revisions.get(str(version.achievement_id)),
                award=award,
                credential=held.get(award.id) if award else None,
                of_test_student=of_test_student,
            )
        )
    return sorted(shown, key=lambda path: _ORDER.index(path.stage))


def steps_of(rule: Rule, result: Result) -> tuple[Step, ...]:
    """The rule's tree as steps; a root that asks for all of its children is left out."""
    asked = {missing.node: missing for missing in result.missing}
    root = _step(rule.root, result, asked)
    plain = isinstance(rule.root, nodes.All) and not rule.root.title
    return root.children if plain else (root,)


def _step(node: nodes.Node, result: Result, asked: dict[str, Missing]) -> Step:
    children = tuple(_step(child, result, asked) for child in node.children)
    missing = asked.get(node.id)
    found = result.nodes[node.id]
    if found.status is Status.MET:
        state = "done"
    elif (missing and missing.who is Actor.LEARNER) or any(c.state == "here" for c in children):
        state = "here"
    elif found.status is Status.PENDING or any(c.state == "wait" for c in children):
        state = "wait"
    else:
        state = "ahead"
    about = node.achievement if isinstance(node, nodes.Badge) else nodes.task_of(node)
    return Step(node, state, missing, about, children)


def _names(session: Session, rules: Iterable[Rule]) -> Names:
    named = {name for rule in rules for name in rule.achievements | rule.tasks}
    wanted = {uuid.UUID(name) for name in named if _is_uuid(name)}
    versions = session.scalars(
        select(AchievementVersion)
        .join(Achievement, Achievement.current_version_id == AchievementVersion.id)
        .where(Achievement.id.in_(wanted))
    )
    return Names(
        {
            str(version.achievement_id): achievements.micro_credential(version)
            for version in versions
        }
    )


def _latest(credentials: Iterable[Credential]) -> dict[uuid.UUID, Credential]:
    """The live credential of each award, else its newest."""
    found: dict[uuid.UUID, Credential] = {}
    for credential in credentials:
        held = found.get(credential.award_id)
        if held is None or (held.state == "revoked" and credential.state != "revoked"):
            found[credential.award_id] = credential
    return found


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
