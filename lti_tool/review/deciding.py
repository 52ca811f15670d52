"""Deciding: when k reviews are in, the rule speaks, and everything that follows is one transaction.

The score for a gradebook is the share of criteria at or above their required level, in whole
hundredths rounded down: 100 exactly when the outcome is "met", less otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.pathways import service as pathways
from badges.pathways.facts import DecisionFact, ReviewRef
from core import outbox
from core.identity import Person, owner_like
from core.scope import unscoped
from core.web.i18n import texts_in
from lti_tool.evidence.models import Revision
from lti_tool.evidence.reading import note
from lti_tool.evidence.requirements import words
from lti_tool.evidence.states import move
from lti_tool.review import rules
from lti_tool.review.models import Decision, Review, ReviewSlot
from lti_tool.review.rubric import rubric_of
from lti_tool.review.rules import Kind, RevisionState

SOURCE = "review.decision"
FULL_SCORE = 100
RULE = {"name": "median_low", "version": 1}


def decide_if_complete(session: Session, revision: Revision, now: datetime) -> Decision | None:
    """Decide the revision (its row is locked) if its reviews suffice; None while they do not.

    Where reviewers disagree an adjudicator's slot is opened instead, once. A decision releases the
    reviews to the author, records the learner's fact and publishes the news `review.decided`.
    """
    pairs = submitted(session, revision.id)
    k = int((revision.policy or {})["k"])
    regular = [pair for pair in pairs if pair[1].kind != Kind.ADJUDICATOR.value]
    if len(regular) < k:
        return None
    rubric = rubric_of(revision.achievement_version)
    reviews = [_as_rule(review, slot) for review, slot in pairs]
    if rules.needs_adjudication(rubric, reviews):
        if revision.state != "adjudicating":
            _ask_adjudicator(session, revision, now)
        return None
    decided = rules.decide(rubric, reviews, k)
    decision = _record(session, revision, rubric, decided, k, now)
    move(revision, RevisionState(decided.outcome))
    revision.decided_at = now
    for _review, slot in pairs:
        slot.state = "released"
    session.flush()
    note(
        session, revision, "decided", actor_id=None, now=now,
        outcome=decided.outcome, decision=str(decision.id),
    )  # fmt: skip
    _tell(session, revision, decision, pairs, now)
    return decision


def submitted(session: Session, revision_id: uuid.UUID) -> list[tuple[Review, ReviewSlot]]:
    """The submitted, not voided reviews of a revision with their slots, in the order they came."""
    rows = session.execute(
        select(Review, ReviewSlot)
        .join(ReviewSlot, ReviewSlot.id == Review.slot_id)
        .where(
            Review.revision_id == revision_id,
            Review.submitted_at.is_not(None),
            ReviewSlot.state.in_(("submitted", "released")),
        )
        .order_by(Review.submitted_at, Review.id)
        .execution_options(populate_existing=True)
    )
    return [(review, slot) for review, slot in rows.unique()]


def live_decision(session: Session, revision_id: uuid.UUID) -> Decision | None:
    """The decision on a revision that stands."""
    return session.scalar(
        select(Decision).where(
            Decision.revision_id == revision_id, Decision.superseded_at.is_(None)
        )
    )


def score(rubric: rules.Rubric, levels: dict[str, int]) -> int:
    """0 to 100: the share of criteria that reach their required level, rounded down."""
    reached = sum(1 for one in rubric.criteria if levels[one.id] >= one.required)
    return 100 * reached // len(rubric.criteria)


def _as_rule(review: Review, slot: ReviewSlot) -> rules.Review:
    return rules.Review(
        id=str(review.id),
        reviewer=review.reviewer_id,
        kind=Kind(slot.kind),
        version=str(review.achievement_version_id),
        scores={one.criterion_id: one.level for one in review.scores if one.level is not None},
    )


def _ask_adjudicator(session: Session, revision: Revision, now: datetime) -> None:
    move(revision, RevisionState.ADJUDICATING)
    session.add(
        ReviewSlot(
            **owner_like(revision),
            revision_id=revision.id,
            kind=Kind.ADJUDICATOR.value,
            round=2,
            state="open",
            created_at=now,
        )
    )
    session.flush()
    note(session, revision, "adjudication.asked", actor_id=None, now=now)


def _record(
    session: Session,
    revision: Revision,
    rubric: rules.Rubric,
    decided: rules.Decision,
    k: int,
    now: datetime,
) -> Decision:
    before = session.scalar(
        select(func.max(Decision.number)).where(Decision.submission_id == revision.submission_id)
    )
    levels = dict(decided.levels)
    decision = Decision(
        **owner_like(revision),
        id=uuid.uuid4(),
        revision_id=revision.id,
        submission_id=revision.submission_id,
        number=(before or 0) + 1,
        rule={**RULE, "k": k, "rubric": rubric.version},
        review_ids=list(decided.reviews),
        levels=levels,
        outcome=decided.outcome,
        score=score(rubric, levels),
        decided_at=now,
    )
    session.add(decision)
    session.flush()
    return decision


def _tell(
    session: Session,
    revision: Revision,
    decision: Decision,
    pairs: Sequence[tuple[Review, ReviewSlot]],
    now: datetime,
) -> None:
    """The fact for the learner's pathways, and the news for whoever subscribes (grades)."""
    submission, assignment = revision.submission, revision.submission.assignment
    with unscoped(session, "the learner whose work was decided, wherever they belong"):
        person = session.get_one(Person, submission.person_id)
    pathways.record_fact(session, person, _fact(revision, decision, pairs, now), now)
    payload = {
        "submission_id": str(submission.id),
        "revision_id": str(revision.id),
        "decision_id": str(decision.id),
        "person_id": str(submission.person_id),
        "context_id": str(assignment.context_id) if assignment.context_id else None,
        "assignment_id": str(assignment.id),
        "achievement_id": str(assignment.achievement_id),
        "title": achievements.micro_credential(revision.achievement_version).name,
        "resource_link_id": submission.resource_link_id,
        "sent_at": revision.submitted_at.isoformat() if revision.submitted_at else None,
        "outcome": decision.outcome,
        "score": str(decision.score),
        "max": FULL_SCORE,
        "comment": comment(revision, decision, person.locale),
        "decided_at": now.isoformat(),
    }
    outbox.publish(
        session, "review.decided", str(decision.id), payload, organisation_id=revision.owner_id
    )


def _fact(
    revision: Revision,
    decision: Decision,
    pairs: Sequence[tuple[Review, ReviewSlot]],
    now: datetime,
) -> DecisionFact:
    roles: Any = {kind.value: kind.value for kind in Kind}
    refs = tuple(
        # Never the author's, never in a declared conflict: the desk let nobody else take a slot.
        ReviewRef(str(review.id), str(review.reviewer_id), roles[slot.kind], independent=True)
        for review, slot in pairs
    )
    asked = achievements.micro_credential(revision.achievement_version).evidence_asked
    kinds = {item.kind for item in revision.items}
    kinds |= {
        one.kind for one in asked if one.counts_words and words(str(revision.texts.get(one.id, "")))
    }
    return DecisionFact(
        source=SOURCE,
        source_id=str(revision.submission_id),
        revision=decision.number,
        at=now,
        task=str(revision.submission.assignment.achievement_id),
        achievement_version=str(revision.achievement_version_id),
        outcome=decision.outcome,  # type: ignore[arg-type]
        levels=dict(decision.levels),
        reviews=refs,
        evidence_kinds=frozenset(kinds),
        evidence_files={
            one.id: tuple(
                item.sha256
                for item in revision.items
                if item.requirement_id == one.id and item.sha256
            )
            for one in asked
        },
    )


def comment(revision: Revision, decision: Decision, locale: str | None) -> str:
    """One plain sentence for a gradebook, in the learner's language, whoever decides.

    Nothing that reviewers wrote leaves by this way.
    """
    _ = texts_in(locale)
    rubric = rubric_of(revision.achievement_version)
    total = len(rubric.criteria)
    reached = sum(1 for one in rubric.criteria if decision.levels[one.id] >= one.required)
    if decision.outcome == "met":
        return _("Met: all %(total)s criteria reach what is asked.", total=total)
    return _(
        "Not yet: %(reached)s of %(total)s criteria reach what is asked. The reviewers’"
        " comments are in Milepost.",
        reached=reached,
        total=total,
    )
