"""The rules of review: scores, the decision, who may review, and the states of slots and revisions.

Pure: no Flask, no database, no clock. Levels count from 1, the lowest; persons, reviews and
criteria are named by whatever identifiers the caller uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median_low
from typing import Literal

Person = Hashable
Outcome = Literal["met", "not_yet"]


class Kind(StrEnum):
    """Whose review a slot asks for."""

    PEER = "peer"
    COACH = "coach"
    ADJUDICATOR = "adjudicator"


class SlotState(StrEnum):
    """The life of one seat for one review. A voided slot counts for nothing."""

    OPEN = "open"
    LEASED = "leased"
    SUBMITTED = "submitted"
    RELEASED = "released"
    VOIDED = "voided"


class RevisionState(StrEnum):
    """The life of one submitted revision."""

    DRAFT = "draft"
    SCANNING = "scanning"
    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    ADJUDICATING = "adjudicating"
    MET = "met"
    NOT_YET = "not_yet"
    WITHDRAWN = "withdrawn"


class Refusal(StrEnum):
    """Why a person may not review a revision."""

    OWNER = "owner"
    CONFLICT = "conflict"
    ALREADY_REVIEWING = "already_reviewing"
    WRONG_ROLE = "wrong_role"


LEASE = timedelta(hours=72)
LEASE_REMINDERS = (timedelta(hours=24), timedelta(hours=60))
DISAGREEMENT_LEVELS = 2

DEFAULT_K: Mapping[Kind, int] = {Kind.COACH: 1, Kind.PEER: 2, Kind.ADJUDICATOR: 1}

# The roles a person may hold where the work is reviewed, per kind of review.
KIND_ROLES: Mapping[Kind, frozenset[str]] = {
    Kind.PEER: frozenset({"teacher"}),
    Kind.COACH: frozenset({"coach"}),
    Kind.ADJUDICATOR: frozenset({"coach", "lead"}),
}

SLOT_MOVES: Mapping[SlotState, frozenset[SlotState]] = {
    # Open and leased slots are voided when the author withdraws.
    SlotState.OPEN: frozenset({SlotState.LEASED, SlotState.VOIDED}),
    SlotState.LEASED: frozenset({SlotState.OPEN, SlotState.SUBMITTED, SlotState.VOIDED}),
    SlotState.SUBMITTED: frozenset({SlotState.RELEASED, SlotState.VOIDED}),
    SlotState.RELEASED: frozenset(),
    SlotState.VOIDED: frozenset(),
}

_R = RevisionState
REVISION_MOVES: Mapping[RevisionState, frozenset[RevisionState]] = {
    _R.DRAFT: frozenset({_R.SCANNING, _R.WITHDRAWN}),
    _R.SCANNING: frozenset({_R.SUBMITTED, _R.WITHDRAWN}),
    _R.SUBMITTED: frozenset({_R.IN_REVIEW, _R.WITHDRAWN}),
    _R.IN_REVIEW: frozenset({_R.ADJUDICATING, _R.MET, _R.NOT_YET, _R.WITHDRAWN}),
    _R.ADJUDICATING: frozenset({_R.MET, _R.NOT_YET, _R.WITHDRAWN}),
    _R.MET: frozenset(),
    # An appeal; trying again is a new revision, not a move of this one.
    _R.NOT_YET: frozenset({_R.ADJUDICATING}),
    _R.WITHDRAWN: frozenset(),
}

LIVE_SLOTS = frozenset({SlotState.LEASED, SlotState.SUBMITTED, SlotState.RELEASED})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a rubric: its number of levels, and the level that passes."""

    id: str
    levels: int
    required: int

    def __post_init__(self) -> None:
        if not 1 <= self.required <= self.levels:
            raise ValueError(f"criterion {self.id!r}: level {self.required} of {self.levels}")


@dataclass(frozen=True, slots=True)
class Rubric:
    """The criteria of one version of a micro-credential."""

    version: str
    criteria: tuple[Criterion, ...]

    def __post_init__(self) -> None:
        if not self.criteria or len({c.id for c in self.criteria}) < len(self.criteria):
            raise ValueError("a rubric has criteria, each with an id of its own")

    def passes(self, levels: Mapping[str, int]) -> bool:
        """Whether every criterion reaches its required level."""
        return all(levels[criterion.id] >= criterion.required for criterion in self.criteria)


@dataclass(frozen=True, slots=True)
class Review:
    """One submitted review, made on one version of the rubric."""

    id: str
    reviewer: Person
    kind: Kind
    version: str
    scores: Mapping[str, int] = field(hash=False)
    independent: bool = True


@dataclass(frozen=True, slots=True)
class ScoreFault:
    """One thing wrong with a set of scores; `given` is what stood there."""

    criterion: str
    code: Literal["missing", "unknown_criterion", "foreign_level"]
    given: object = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Where reviewers disagree: on the outcome, and on which criteria by two levels or more."""

    on_outcome: bool
    criteria: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: its outcome, the level per criterion, those below what is required, its reviews.

    `below` stands in the rubric's order; `reviews` are the ids of all that it rests on.
    """

    outcome: Outcome
    levels: Mapping[str, int] = field(hash=False)
    below: tuple[str, ...]
    reviews: tuple[str, ...]


class DecisionError(ValueError):
    """The reviews at hand cannot be decided on."""


class ScoreError(DecisionError):
    """A review lacks a criterion, or names a criterion or level that the rubric has not."""

    def __init__(self, review: str, faults: Sequence[ScoreFault]) -> None:
        self.review = review
        self.faults = tuple(faults)
        named = ", ".join(f"{fault.criterion}: {fault.code}" for fault in self.faults)
        super().__init__(f"review {review}: {named}")


class VersionMismatchError(DecisionError):
    """Reviews were made on another version of the rubric than the revision's own."""

    def __init__(self, reviews: Sequence[str]) -> None:
        self.reviews = tuple(reviews)
        super().__init__(f"reviews on another version: {', '.join(self.reviews)}")


class RepeatedReviewerError(DecisionError):
    """Somebody reviewed the same revision more than once."""

    def __init__(self, reviewers: Sequence[Person]) -> None:
        self.reviewers = tuple(reviewers)
        super().__init__("somebody reviewed the revision more than once")


class TooFewReviewsError(DecisionError):
    """Fewer reviews than the decision needs."""

    def __init__(self, have: int, need: int) -> None:
        self.have = have
        self.need = need
        super().__init__(f"{have} of {need} reviews")


def default_k(kind: Kind) -> int:
    """Return how many reviews of a kind a decision needs where the policy does not say."""
    return DEFAULT_K[Kind(kind)]


def score_faults(rubric: Rubric, scores: Mapping[str, object]) -> tuple[ScoreFault, ...]:
    """Return what is wrong with scores: the rubric's criteria first, then foreign ones."""
    faults = []
    for criterion in rubric.criteria:
        level = scores.get(criterion.id)
        if level is None:
            faults.append(ScoreFault(criterion.id, "missing"))
        elif (
            not isinstance(level, int)
            or isinstance(level, bool)
            or not 1 <= level <= criterion.levels
        ):
            faults.append(ScoreFault(criterion.id, "foreign_level", level))
    known = {criterion.id for criterion in rubric.criteria}
    foreign = (name for name in scores if name not in known)
    faults += [ScoreFault(name, "unknown_criterion", scores[name]) for name in foreign]
    return tuple(faults)


def decide(
    rubric: Rubric, reviews: Sequence[Review], k: int, *, independent: bool = False
) -> Decision:
    """Decide on a revision from its submitted reviews.

    Each criterion gets the median level, the lower middle on even counts; the outcome is "met"
    when every criterion reaches its required level. `k` reviews by different people are needed,
    adjudicators not counted; with `independent` only independent ones count, for `k` and for
    the levels. Where an adjudicator has scored, the adjudicator's levels decide: they were
    asked because the others disagree, or by an appeal, which must be able to raise a level.

    Raises VersionMismatchError, ScoreError, RepeatedReviewerError or TooFewReviewsError.
    """
    if k < 1:
        raise ValueError("k must be 1 or more")
    _require_sound(rubric, reviews)
    judges = [review for review in reviews if review.kind is Kind.ADJUDICATOR]
    counted = [
        review
        for review in reviews
        if review.kind is not Kind.ADJUDICATOR and (review.independent or not independent)
    ]
    if len(counted) < k:
        raise TooFewReviewsError(len(counted), k)
    deciding = judges or counted
    levels = {
        criterion.id: median_low([review.scores[criterion.id] for review in deciding])
        for criterion in rubric.criteria
    }
    below = tuple(c.id for c in rubric.criteria if levels[c.id] < c.required)
    outcome: Outcome = "not_yet" if below else "met"
    return Decision(outcome, levels, below, tuple(review.id for review in [*counted, *judges]))


def _require_sound(rubric: Rubric, reviews: Sequence[Review]) -> None:
    foreign = [review.id for review in reviews if review.version != rubric.version]
    if foreign:
        raise VersionMismatchError(foreign)
    for review in reviews:
        faults = score_faults(rubric, review.scores)
        if faults:
            raise ScoreError(review.id, faults)
    twice = [person for person, n in Counter(r.reviewer for r in reviews).items() if n > 1]
    if twice:
        raise RepeatedReviewerError(twice)


def disagreement(rubric: Rubric, reviews: Sequence[Review]) -> Disagreement | None:
    """Return where the reviews (adjudicators' left out) disagree too much to be averaged away.

    They do when some would pass the revision and others not, or when two of them differ by two
    levels or more on a criterion. Raises as `decide` does for unsound reviews.
    """
    _require_sound(rubric, reviews)
    counted = [review for review in reviews if review.kind is not Kind.ADJUDICATOR]
    if len(counted) < 2:
        return None
    on_outcome = len({rubric.passes(review.scores) for review in counted}) > 1
    apart = tuple(
        criterion.id
        for criterion in rubric.criteria
        if _spread([review.scores[criterion.id] for review in counted]) >= DISAGREEMENT_LEVELS
    )
    return Disagreement(on_outcome, apart) if on_outcome or apart else None


def _spread(levels: Sequence[int]) -> int:
    return max(levels) - min(levels)


def needs_adjudication(rubric: Rubric, reviews: Sequence[Review]) -> bool:
    """Whether an adjudicator must be asked: the reviewers disagree and none has scored yet."""
    judged = any(review.kind is Kind.ADJUDICATOR for review in reviews)
    return not judged and disagreement(rubric, reviews) is not None


def can_move_slot(old: SlotState, new: SlotState) -> bool:
    """Whether a slot may go from one state to another."""
    return new in SLOT_MOVES[old]


def claimable(state: SlotState, lease_until: datetime | None, now: datetime) -> bool:
    """Whether a slot may be claimed: it is open, or its lease has run out."""
    expired = lease_until is None or lease_until <= now
    return state is SlotState.OPEN or (state is SlotState.LEASED and expired)


def can_move_revision(old: RevisionState, new: RevisionState) -> bool:
    """Whether a revision may go from one state to another; see `may_withdraw` for withdrawals."""
    return new in REVISION_MOVES[old]


def may_withdraw(state: RevisionState, *, decided: bool) -> bool:
    """Whether the author may withdraw: only before a decision, so not during an appeal."""
    return not decided and can_move_revision(state, RevisionState.WITHDRAWN)


def may_review(
    person: Person,
    *,
    owners: Collection[Person],
    conflicts: Collection[Person],
    reviewers: Collection[Person],
    roles: Collection[str],
    kind: Kind,
) -> Refusal | None:
    """Return why a person may not review a revision, or None when they may.

    `owners` made the revision; `conflicts` are all whom a declared conflict ties to the person,
    whichever of the two declared it; `reviewers` have a live slot on the revision; `roles` are
    the person's own where the work is reviewed.
    """
    if person in owners:
        return Refusal.OWNER
    if any(owner in conflicts for owner in owners):
        return Refusal.CONFLICT
    if person in reviewers:
        return Refusal.ALREADY_REVIEWING
    if KIND_ROLES[kind].isdisjoint(roles):
        return Refusal.WRONG_ROLE
    return None
