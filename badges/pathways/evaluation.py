"""Evaluating a rule: one walk from the leaves up, then down the branches that were chosen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from badges.pathways.criteria import Rule
from badges.pathways.exclusive import stand_exclusive
from badges.pathways.facts import BadgeFact, Fact, FactKey
from badges.pathways.groups import stand_group
from badges.pathways.leaves import Reading, stand_leaf
from badges.pathways.nodes import Group, Leaf, Node, Within
from badges.pathways.results import Missing, NodeResult, Result, Status
from badges.pathways.standing import Standing
from badges.pathways.view import View, settle


def evaluate(
    rule: Rule, facts: Iterable[Fact], now: datetime, *, in_review: Collection[str] = ()
) -> Result:
    """Judge the facts against the rule at the moment `now` (aware).

    The order of the facts and their repetition change nothing; superseded, withdrawn and
    future ones do not count. `in_review` names tasks with a revision now under way: it turns
    "submit evidence" into "wait for reviewers" and never makes anything met. Evaluating again
    with the facts in `used` alone, at the same moment, is met with the same `used`.

    Raises ValueError when `now` has no offset, FactError when two facts share a key.
    """
    if now.utcoffset() is None:
        raise ValueError("now must be aware")
    live, begins = settle(facts, now)
    walk = _Walk(rule, now, frozenset(in_review))
    root = walk.stand_all(View.of(live, now))
    nodes = {node.id: _node_result(walk.standings[node.id]) for node in rule.nodes}
    return Result(
        status=nodes[rule.root.id].status,
        progress=root.progress,
        nodes=nodes,
        missing=() if root.met else walk.missing(),
        used=walk.used(live) if root.met else (),
        next_eval_at=_next_change(rule, live, begins, now),
    )


def _node_result(standing: Standing) -> NodeResult:
    if standing.met:
        return NodeResult(Status.MET, 1.0)
    return NodeResult(Status.PENDING if standing.waits else Status.UNMET, standing.progress)


class _NeededError(Exception):
    """A node without which the rule cannot be met lacks a fact."""


class _Walk:
    """The standings of one rule's nodes at one moment, and what follows from them."""

    def __init__(self, rule: Rule, now: datetime, in_review: frozenset[str]) -> None:
        self.rule = rule
        self.now = now
        self.in_review = in_review
        self.standings: dict[str, Standing] = {}

    def stand_all(self, view: View) -> Standing:
        """Judge every node; the depth is bounded by the parser."""
        return self._stand(self.rule.root, Reading(view, self.in_review), None)

    def without(self, fact: Fact, view: View) -> _Walk | None:
        """Return the walk over a view that lacks this fact, None when the rule needs the fact.

        Only the nodes that read it are judged again.
        """
        walk = _Walk(self.rule, self.now, self.in_review)
        walk.standings = self.standings.copy()
        try:
            walk._stand(self.rule.root, Reading(view, self.in_review), fact)
        except _NeededError:
            return None
        return walk

    def _stand(self, node: Node, reading: Reading, changed: Fact | None) -> Standing:
        if changed is not None and not self.rule.interests[node.id].reads(changed):
            return self.standings[node.id]
        if isinstance(node, Leaf):
            standing = stand_leaf(node, reading)
        elif isinstance(node, Group):
            if isinstance(node, Within):
                view = reading.view.within(node.period, self.now)
                reading = Reading(view, self.in_review)
            kids = [self._stand(child, reading, changed) for child in node.of]
            if node.exclusive:
                standing = stand_exclusive(node, self.standings)
            else:
                standing = stand_group(node, kids, self.rule.subjects.get(node.id, ()))
        else:
            raise TypeError(f"{type(node).__name__} is neither a leaf nor a group")
        if changed is not None and not standing.met and node.id in self.rule.indispensable:
            raise _NeededError
        self.standings[node.id] = standing
        return standing

    def missing(self) -> tuple[Missing, ...]:
        """Return the asks on the cheapest way, each said once."""
        asks = list(self._asks(self.rule.root))
        return tuple(
            ask
            for i, ask in enumerate(asks)
            if not any(
                other.covers(ask) and (j < i or not ask.covers(other))
                for j, other in enumerate(asks)
                if j != i
            )
        )

    def _asks(self, node: Node) -> Iterator[Missing]:
        standing = self.standings[node.id]
        if standing.ask is not None:
            yield standing.ask
        apart = isinstance(node, Group) and node.exclusive
        for pick in standing.picks:
            for ask in self._asks(pick):
                yield ask.apart() if apart else ask

    def used(self, live: list[Fact]) -> tuple[FactKey, ...]:
        """Return a set of facts that meets the rule and from which none can be left out."""
        keys = set(self._keys(self.rule.root))
        if self.rule.has_choice and len(keys) > 1:
            keys = self._without_spare([fact for fact in live if fact.key in keys])
        return tuple(sorted(keys))

    def _keys(self, node: Node) -> Iterator[FactKey]:
        standing = self.standings[node.id]
        yield from standing.keys
        for pick in standing.picks:
            yield from self._keys(pick)

    def _without_spare(self, facts: list[Fact]) -> set[FactKey]:
        walk = _Walk(self.rule, self.now, self.in_review)
        walk.stand_all(View.of(facts, self.now))
        for spare in reversed(facts.copy()):
            rest = [fact for fact in facts if fact is not spare]
            trial = walk.without(spare, View.of(rest, self.now))
            if trial is not None:
                facts, walk = rest, trial
        return {fact.key for fact in facts}


def _next_change(
    rule: Rule, live: list[Fact], begins: datetime | None, now: datetime
) -> datetime | None:
    """Return the first moment at which time alone could change what the facts say."""
    moments = [] if begins is None else [begins]
    for fact in live:
        if (
            isinstance(fact, BadgeFact)
            and not fact.revoked
            and fact.achievement in rule.achievements
        ):
            moments += [fact.valid_from]
            moments += [] if fact.valid_until is None else [fact.valid_until]
        for window in rule.windows:
            if rule.interests[window.id].reads(fact):
                moments.append(window.period.after(fact.moment))
    return min((moment for moment in moments if moment > now), default=None)
