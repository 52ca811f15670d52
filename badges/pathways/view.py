"""The facts as they stand at one moment, indexed for the leaves of a rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from badges.pathways.facts import (
    AttestationFact,
    BadgeFact,
    DecisionFact,
    Fact,
    HoursFact,
    ReviewGivenFact,
)
from badges.pathways.faults import FactError, Fault
from badges.period import NEVER, Period


def settle(facts: Iterable[Fact], now: datetime) -> tuple[list[Fact], datetime | None]:
    """Return the facts that count now, in key order, and when the next one begins to.

    A fact counts from its `at` on. Of one source id the highest revision counts; a withdrawn
    one counts for nothing. The same fact twice is one fact. Raises FactError when two
    different facts claim the same key: a ledger that says two things cannot be judged.
    """
    seen: dict[tuple[str, str, int], Fact] = {}
    latest: dict[tuple[str, str], Fact] = {}
    begins: datetime | None = None
    for fact in facts:
        key = fact.key
        twin = seen.setdefault(key, fact)
        if twin is not fact and twin != fact:
            raise FactError([Fault("/".join(map(str, key)), "conflict", "has two contents")])
        if fact.at > now:
            begins = fact.at if begins is None else min(begins, fact.at)
            continue
        known = latest.get(key[:2])
        if known is None or known.revision < fact.revision:
            latest[key[:2]] = fact
    live = [fact for fact in latest.values() if not fact.withdrawn]
    live.sort(key=_by_key)
    return live, begins


def _by_key(fact: Fact) -> tuple[str, str, int]:
    return fact.key


class View:
    """An index over settled facts, which come in key order.

    decisions: each task's latest. badges: the valid ones per achievement, longest-lasting
    first. lapsed: the latest end of an achievement's expired or revoked badges. coming: the
    earliest start of its future ones. old_tasks and old_badges: those whose decision, or whose
    valid badges, are too old for a `within`.
    """

    __slots__ = (
        "attestations",
        "badges",
        "coming",
        "decisions",
        "hours",
        "lapsed",
        "old_badges",
        "old_tasks",
    )

    def __init__(self) -> None:
        self.decisions: dict[str, DecisionFact] = {}
        self.badges: dict[str, list[BadgeFact]] = {}
        self.lapsed: dict[str, datetime] = {}
        self.coming: dict[str, datetime] = {}
        self.hours: list[HoursFact | ReviewGivenFact] = []
        self.attestations: list[AttestationFact] = []
        self.old_tasks: frozenset[str] = frozenset()
        self.old_badges: frozenset[str] = frozenset()

    @classmethod
    def of(cls, facts: Iterable[Fact], now: datetime) -> View:
        """Index settled facts."""
        view = cls()
        for fact in facts:
            if isinstance(fact, DecisionFact):
                known = view.decisions.get(fact.task)
                if known is None or (fact.at, fact.key) > (known.at, known.key):
                    view.decisions[fact.task] = fact
            elif isinstance(fact, BadgeFact):
                view._add_badge(fact, now)
            elif isinstance(fact, HoursFact | ReviewGivenFact):
                if fact.minutes:
                    view.hours.append(fact)
            elif isinstance(fact, AttestationFact):
                view.attestations.append(fact)
        for held in view.badges.values():
            if len(held) > 1:
                held.sort(key=_longest_first)
        # Fewest facts first: the longest stretches reach a goal with the fewest of them.
        view.hours.sort(key=_most_minutes_first)
        return view

    def _add_badge(self, fact: BadgeFact, now: datetime) -> None:
        ends = fact.valid_until or NEVER
        if fact.revoked or ends <= now:
            end = min(ends, fact.at) if fact.revoked else ends
            self.lapsed[fact.achievement] = max(end, self.lapsed.get(fact.achievement, end))
        elif fact.valid_from > now:
            start = self.coming.get(fact.achievement, fact.valid_from)
            self.coming[fact.achievement] = min(start, fact.valid_from)
        else:
            self.badges.setdefault(fact.achievement, []).append(fact)

    def within(self, period: Period, now: datetime) -> View:
        """Return the view of somebody who knows only what is younger than the period."""

        def young(fact: Fact) -> bool:
            return period.after(fact.moment) > now

        view = View()
        view.lapsed, view.coming = self.lapsed, self.coming
        # The latest decision counts or none: an older one never stands in for it.
        view.decisions = {task: fact for task, fact in self.decisions.items() if young(fact)}
        for achievement, held in self.badges.items():
            kept = [fact for fact in held if young(fact)]
            if kept:
                view.badges[achievement] = kept
        view.hours = [fact for fact in self.hours if young(fact)]
        view.attestations = [fact for fact in self.attestations if young(fact)]
        view.old_tasks = self.old_tasks | (self.decisions.keys() - view.decisions.keys())
        view.old_badges = self.old_badges | (self.badges.keys() - view.badges.keys())
        return view


def _longest_first(fact: BadgeFact) -> tuple[float, datetime, tuple[str, str, int]]:
    ends = fact.valid_until or NEVER
    return (-ends.timestamp(), fact.valid_from, fact.key)


def _most_minutes_first(fact: HoursFact | ReviewGivenFact) -> tuple[int, tuple[str, str, int]]:
    return (-fact.minutes, fact.key)
