"""What an author sees of the reviews: how far they are, and after the decision what they say."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.document import Criterion
from core.identity import Person
from core.scope import unscoped
from core.web.calling import colleague
from lti_tool.evidence.models import Revision
from lti_tool.review import deciding
from lti_tool.review.models import Decision, Review, ReviewSlot
from lti_tool.review.rules import Kind


@dataclass(frozen=True)
class Remark:
    """What one reviewer said about one criterion."""

    reviewer: str
    level: int
    level_name: str
    comment: str


@dataclass(frozen=True)
class CriterionFeedback:
    """One criterion: the level that was decided, whether it reaches, and each reviewer's remark."""

    criterion: Criterion
    level: int
    level_name: str
    reached: bool
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Feedback:
    """The decision on a revision with everything its reviewers released."""

    decision: Decision
    criteria: tuple[CriterionFeedback, ...]
    summaries: tuple[tuple[str, str], ...]

    @property
    def met(self) -> bool:
        """Whether every criterion reaches its required level."""
        return self.decision.outcome == "met"

    @property
    def below(self) -> tuple[CriterionFeedback, ...]:
        """The criteria that do not reach it yet."""
        return tuple(one for one in self.criteria if not one.reached)


@dataclass(frozen=True)
class Waiting:
    """How far undecided reviews are: `done` of `k`, `reading` now, and whether a third is asked."""

    done: int
    k: int
    reading: int
    adjudicating: bool


def waiting(session: Session, revision: Revision) -> Waiting:
    """How far the reviews of a sent revision are."""
    rows = session.execute(
        select(ReviewSlot.state, ReviewSlot.kind).where(ReviewSlot.revision_id == revision.id)
    ).all()
    regular = [state for state, kind in rows if kind != Kind.ADJUDICATOR.value]
    return Waiting(
        done=sum(1 for state in regular if state in ("submitted", "released")),
        k=int((revision.policy or {}).get("k", len(regular))),
        reading=sum(1 for state, _kind in rows if state == "leased"),
        adjudicating=revision.state == "adjudicating",
    )


def of_revision(session: Session, revision: Revision) -> Feedback | None:
    """The released reviews and the decision; None before that: authors see nothing earlier."""
    decision = deciding.live_decision(session, revision.id)
    if decision is None:
        return None
    pairs = [
        (review, slot)
        for review, slot in deciding.submitted(session, revision.id)
        if slot.state == "released"
    ]
    names = _names(session, revision, pairs)
    document = achievements.micro_credential(revision.achievement_version)
    criteria = tuple(
        CriterionFeedback(
            criterion=one,
            level=decision.levels[one.id],
            level_name=one.level(decision.levels[one.id]).name,
            reached=decision.levels[one.id] >= one.required_level,
            remarks=tuple(_remarks(one, pairs, names)),
        )
        for one in document.rubric.criteria
    )
    summaries = tuple(
        (name, review.summary)
        for name, (review, _slot) in zip(names, pairs, strict=True)
        if review.summary.strip()
    )
    return Feedback(decision, criteria, summaries)


def _remarks(
    criterion: Criterion, pairs: list[tuple[Review, ReviewSlot]], names: list[str]
) -> list[Remark]:
    found = []
    for name, (review, _slot) in zip(names, pairs, strict=True):
        for score in review.scores:
            if score.criterion_id == criterion.id and score.level is not None:
                level_name = criterion.level(score.level).name
                found.append(Remark(name, score.level, level_name, score.comment.strip()))
    return found


def _names(
    session: Session, revision: Revision, pairs: list[tuple[Review, ReviewSlot]]
) -> list[str]:
    """Reviewers by name where the policy is open, else by number; an adjudicator by the part."""
    if (revision.policy or {}).get("blindness") == "open":
        ids = [review.reviewer_id for review, _slot in pairs]
        with unscoped(session, "names of reviewers, whom the policy shows to the author"):
            rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(ids)))
            known = {row[0]: row[1] for row in rows}
        return [colleague(known.get(one), one) for one in ids]
    found, n = [], 0
    for _review, slot in pairs:
        if slot.kind == Kind.ADJUDICATOR.value:
            found.append(_("Third reviewer"))
            continue
        n += 1
        found.append(_("Reviewer %(n)s", n=n) if len(pairs) > 1 else _("Your reviewer"))
    return found
