"""The rule itself: an immutable tree with its canonical bytes, its hash and its indexes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from badges.pathways.facts import BadgeFact, DecisionFact, Fact, HoursFact, ReviewGivenFact
from badges.pathways.nodes import (
    All,
    AnyOf,
    AtLeast,
    Attest,
    Badge,
    EvidenceKinds,
    Group,
    Hours,
    Node,
    Points,
    Within,
    canonical_json,
    subject_of,
    task_of,
    walk,
)

RULE_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Interest:
    """Which facts the leaves below a node read. `tasks` is None when every decision counts."""

    achievements: frozenset[str]
    tasks: frozenset[str] | None
    hours: bool
    attestations: bool

    @classmethod
    def of(cls, node: Node) -> Interest:
        """Collect what a node and all below it read."""
        below = tuple(walk(node))
        every = any(isinstance(n, EvidenceKinds) and n.task is None for n in below)
        return cls(
            frozenset(n.achievement for n in below if isinstance(n, Badge)),
            None if every else frozenset(filter(None, map(task_of, below))),
            any(isinstance(n, Hours) for n in below),
            any(isinstance(n, Attest) for n in below),
        )

    def reads(self, fact: Fact) -> bool:
        """Whether a fact can matter here."""
        if isinstance(fact, DecisionFact):
            return self.tasks is None or fact.task in self.tasks
        if isinstance(fact, BadgeFact):
            return fact.achievement in self.achievements
        if isinstance(fact, HoursFact | ReviewGivenFact):
            return self.hours
        return self.attestations


@dataclass(frozen=True)
class Rule:
    """A rule that passed `parse`. Two rules are equal when their trees are."""

    root: Node
    schema: int = RULE_SCHEMA

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form with every default spelt out."""
        return {"schema": self.schema, "root": self.root.to_dict()}

    @cached_property
    def canonical(self) -> bytes:
        """The rule's one spelling: sorted keys, no white space, UTF-8."""
        return canonical_json(self.to_dict())

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical bytes, in hexadecimal."""
        return hashlib.sha256(self.canonical).hexdigest()

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, parents before children, in the author's order."""
        return tuple(walk(self.root))

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """Every node by its id."""
        return {node.id: node for node in self.nodes}

    def node(self, node_id: str) -> Node:
        """Return a node by its id; KeyError when the rule has none of that name."""
        return self.by_id[node_id]

    @cached_property
    def tasks(self) -> frozenset[str]:
        """The tasks whose decisions the rule names."""
        return frozenset(filter(None, map(task_of, self.nodes)))

    @cached_property
    def achievements(self) -> frozenset[str]:
        """The achievements whose badges the rule asks for."""
        return frozenset(node.achievement for node in self.nodes if isinstance(node, Badge))

    @cached_property
    def subjects(self) -> Mapping[str, tuple[int, ...]]:
        """For each counting node, per child: the first child about the same subject."""
        return {
            node.id: first_alike(node) for node in self.nodes if isinstance(node, AtLeast | Points)
        }

    @cached_property
    def windows(self) -> tuple[Within, ...]:
        """The nodes that only read young facts."""
        return tuple(node for node in self.nodes if isinstance(node, Within))

    @cached_property
    def interests(self) -> Mapping[str, Interest]:
        """What each node, by its id, reads."""
        return {node.id: Interest.of(node) for node in self.nodes}

    @cached_property
    def indispensable(self) -> frozenset[str]:
        """The nodes without which the rule is never met: the root, and all below an `all`."""
        found, waiting = set(), [self.root]
        while waiting:
            node = waiting.pop()
            found.add(node.id)
            if isinstance(node, All | Within) and not node.exclusive:
                waiting += node.of
        return frozenset(found)

    @cached_property
    def has_choice(self) -> bool:
        """Whether two different sets of facts, one inside the other, might both be found."""
        kinds = [type(node) for node in self.nodes]
        return (
            bool(self.windows)
            or kinds.count(Hours) > 1
            or kinds.count(Attest) > 1
            or any(_chooses(node) for node in self.nodes)
        )


def first_alike(group: Group) -> tuple[int, ...]:
    """Return, per child, the place of the first child about the same subject."""
    first: dict[object, int] = {}
    return tuple(first.setdefault(subject_of(child), i) for i, child in enumerate(group.of))


def _chooses(node: Node) -> bool:
    if isinstance(node, AnyOf | Points):
        return True
    if isinstance(node, AtLeast):
        return node.n < len(node.of)
    if isinstance(node, EvidenceKinds):
        return node.task is None
    return isinstance(node, Group) and node.exclusive
