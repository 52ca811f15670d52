"""How each leaf reads the facts.

Costs rank ways for the learner and mean nothing by themselves: waiting is nearly free,
earning a whole badge is dear.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from badges.pathways.facts import DecisionFact, FactKey
from badges.pathways.nodes import (
    ANY_CRITERION,
    Attest,
    Badge,
    EvidenceKinds,
    Hours,
    Leaf,
    Reviews,
    Rubric,
)
from badges.pathways.results import Actor, Missing, MissingKind
from badges.pathways.standing import Standing, partly
from badges.pathways.view import View

COST_WAIT = 1
COST_REVIEW = 2
COST_ATTESTATION = 10
COST_KIND = 20
COST_HALF_HOUR = 1
COST_REVISE = 40
COST_SUBMIT = 60
COST_RENEW = 80
COST_BADGE = 100

COACH = "coach"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a leaf reads: the facts, and the tasks with a revision now under review."""

    view: View
    in_review: Collection[str]


def stand_leaf(leaf: Leaf, reading: Reading) -> Standing:
    """Return how a leaf stands."""
    return _STAND[type(leaf)](leaf, reading)


def _met(*keys: FactKey) -> Standing:
    return Standing(True, 1.0, size=len(keys), keys=keys)


def _unmet(ask: Missing, cost: int, progress: float = 0.0) -> Standing:
    return Standing(False, partly(progress), cost=cost, waits=ask.who is not Actor.LEARNER, ask=ask)


def _undecided(leaf: Leaf, task: str, reading: Reading, progress: float = 0.0) -> Standing:
    """Return the standing of a leaf whose task has no decision that counts."""
    if task in reading.in_review:
        ask = Missing(leaf.id, MissingKind.WAIT_FOR_REVIEWERS, Actor.REVIEWER, task)
        return _unmet(ask, COST_WAIT, progress)
    decision = reading.view.decisions.get(task)
    if decision is not None:
        ask = Missing(leaf.id, MissingKind.REVISE_EVIDENCE, Actor.LEARNER, task)
        return _unmet(ask, COST_REVISE, progress)
    again = {"again": True} if task in reading.view.old_tasks else {}
    ask = Missing(leaf.id, MissingKind.SUBMIT_EVIDENCE, Actor.LEARNER, task, again)
    return _unmet(ask, COST_SUBMIT, progress)


def _rubric(leaf: Rubric, reading: Reading) -> Standing:
    decision = reading.view.decisions.get(leaf.task)
    if decision is None:
        return _undecided(leaf, leaf.task, reading)
    needed, below = _below(leaf, decision)
    # A decision of "not yet" never counts, even where its levels would do.
    if decision.outcome == "met" and not below:
        return _met(decision.key)
    progress = 1 - len(below) / needed if needed else 0.0
    standing = _undecided(leaf, leaf.task, reading, progress)
    if standing.ask is not None and standing.ask.kind is MissingKind.REVISE_EVIDENCE and below:
        criteria = {name: {"have": have, "need": need} for name, (have, need) in below.items()}
        standing.ask = Missing(
            leaf.id, MissingKind.REVISE_EVIDENCE, Actor.LEARNER, leaf.task, {"criteria": criteria}
        )
        standing.cost = COST_REVISE + len(below)
    return standing


def _below(leaf: Rubric, decision: DecisionFact) -> tuple[int, dict[str, tuple[int, int]]]:
    """Return how many criteria are asked about, and those below, as (level, asked level)."""
    asked = {name: need for name, need in leaf.min.items() if name != ANY_CRITERION}
    every = leaf.min.get(ANY_CRITERION)
    if every is not None:
        asked = dict.fromkeys(decision.levels, every) | asked
        if not decision.levels:
            asked[ANY_CRITERION] = every
    below = {
        name: (decision.levels.get(name, 0), need)
        for name, need in sorted(asked.items())
        if decision.levels.get(name, 0) < need
    }
    return len(asked), below


def _reviews(leaf: Reviews, reading: Reading) -> Standing:
    decision = reading.view.decisions.get(leaf.task)
    if decision is None or decision.outcome != "met":
        return _undecided(leaf, leaf.task, reading)
    people = {
        ref.reviewer
        for ref in decision.reviews
        if ref.role in leaf.roles and (ref.independent or not leaf.independent)
    }
    if len(people) >= leaf.k:
        return _met(decision.key)
    params = {
        "have": len(people),
        "need": leaf.k,
        "roles": list(leaf.roles),
        "independent": leaf.independent,
    }
    who = Actor.COACH if leaf.roles == (COACH,) else Actor.REVIEWER
    ask = Missing(leaf.id, MissingKind.WAIT_FOR_REVIEWERS, who, leaf.task, params)
    return _unmet(ask, COST_REVIEW * (leaf.k - len(people)), len(people) / leaf.k)


def _badge(leaf: Badge, reading: Reading) -> Standing:
    view, achievement = reading.view, leaf.achievement
    held = [
        fact
        for fact in view.badges.get(achievement, ())
        if not leaf.issuers or fact.issuer in leaf.issuers
    ]
    if held:
        return _met(held[0].key)
    if achievement in view.coming:
        until = {"until": view.coming[achievement]}
        ask = Missing(leaf.id, MissingKind.WAIT_UNTIL, Actor.NOBODY, achievement, until)
        return _unmet(ask, COST_WAIT)
    if achievement in view.lapsed:
        since = {"since": view.lapsed[achievement]}
        ask = Missing(leaf.id, MissingKind.RENEW_BADGE, Actor.LEARNER, achievement, since)
        return _unmet(ask, COST_RENEW)
    again = {"again": True} if achievement in view.old_badges else {}
    ask = Missing(leaf.id, MissingKind.EARN_BADGE, Actor.LEARNER, achievement, again)
    return _unmet(ask, COST_BADGE)


def _hours(leaf: Hours, reading: Reading) -> Standing:
    have, keys = 0, []
    for fact in reading.view.hours:
        if have >= leaf.minutes:
            break
        if not leaf.activities or fact.activity in leaf.activities:
            have += fact.minutes
            keys.append(fact.key)
    if have >= leaf.minutes:
        return _met(*keys)
    params = {"have": have, "need": leaf.minutes, "activities": list(leaf.activities)}
    ask = Missing(leaf.id, MissingKind.LOG_HOURS, Actor.LEARNER, None, params)
    half_hours = -(-(leaf.minutes - have) // 30)
    return _unmet(ask, COST_HALF_HOUR * half_hours, have / leaf.minutes)


def _evidence_kinds(leaf: EvidenceKinds, reading: Reading) -> Standing:
    decisions = reading.view.decisions
    if leaf.task is None:
        pool = [fact for _, fact in sorted(decisions.items()) if fact.outcome == "met"]
    else:
        decision = decisions.get(leaf.task)
        if decision is None or decision.outcome != "met":
            return _undecided(leaf, leaf.task, reading)
        pool = [decision]
    present: set[str] = set()
    keys: list[FactKey] = []
    while len(present) < leaf.n and pool:
        best = max(pool, key=lambda fact: len(_counted(leaf, fact) - present))
        more = _counted(leaf, best) - present
        if not more:
            break
        present |= more
        keys.append(best.key)
        pool.remove(best)
    if len(present) >= leaf.n:
        return _met(*keys)
    if leaf.task is not None and leaf.task in reading.in_review:
        return _undecided(leaf, leaf.task, reading, len(present) / leaf.n)
    params = {
        "have": len(present),
        "need": leaf.n,
        "present": sorted(present),
        "kinds": list(leaf.kinds),
    }
    ask = Missing(leaf.id, MissingKind.ADD_EVIDENCE_KINDS, Actor.LEARNER, leaf.task, params)
    return _unmet(ask, COST_KIND * (leaf.n - len(present)), len(present) / leaf.n)


def _counted(leaf: EvidenceKinds, fact: DecisionFact) -> frozenset[str]:
    return fact.evidence_kinds & frozenset(leaf.kinds) if leaf.kinds else fact.evidence_kinds


def _attest(leaf: Attest, reading: Reading) -> Standing:
    who = Actor.COACH if leaf.role == COACH else Actor.ROLE_HOLDER
    params = {"role": leaf.role}
    ask = Missing(leaf.id, MissingKind.ASK_ATTESTATION, who, leaf.statement, params)
    choices = {
        ("attestation", fact.statement, fact.by): fact.key
        for fact in reversed(reading.view.attestations)
        if fact.role == leaf.role and leaf.statement in (None, fact.statement)
    }
    if not choices:
        return _unmet(ask, COST_ATTESTATION)
    ordered = tuple(sorted(choices.items(), key=lambda choice: choice[1]))
    standing = _met(ordered[0][1])
    standing.ask, standing.cost, standing.choices = ask, COST_ATTESTATION, ordered
    return standing


# Each function takes its own class of leaf, which the key guarantees.
_STAND: dict[type[Leaf], Callable[..., Standing]] = {
    Rubric: _rubric,
    Reviews: _reviews,
    Badge: _badge,
    Hours: _hours,
    EvidenceKinds: _evidence_kinds,
    Attest: _attest,
}
