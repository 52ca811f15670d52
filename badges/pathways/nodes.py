"""The tree of a rule: one frozen dataclass per operator.

Nodes are made by `parsing.parse` alone, which is what keeps their invariants: ids are unique,
lists are not empty, and every node can be reached with enough facts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from badges.period import Period

ANY_CRITERION = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every node has: an id unique in its rule, and perhaps a title for people."""

    op: ClassVar[str] = ""

    id: str
    title: str | None = None

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes directly below, in the author's order."""
        return ()

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form with every default spelt out."""
        head: dict[str, object] = {"id": self.id, "op": self.op}
        if self.title is not None:
            head["title"] = self.title
        return head | self.demand()

    def demand(self) -> dict[str, object]:
        """Return what the node asks for, without its id and title."""
        return self._asks()

    def _asks(self) -> dict[str, object]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf(Node):
    """A node that reads facts itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Node):
    """A node over others. Below an `exclusive` one every achievement is spent once."""

    of: tuple[Node, ...]
    exclusive: bool = False

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes in `of`."""
        return self.of

    def _asks(self) -> dict[str, object]:
        found: dict[str, object] = {"of": [child.to_dict() for child in self.of]}
        if self.exclusive:
            found["exclusive"] = True
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class All(Group):
    """Every child."""

    op: ClassVar[str] = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Group):
    """One child or more."""

    op: ClassVar[str] = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast(Group):
    """At least `n` children; those about one achievement count once."""

    op: ClassVar[str] = "at_least"

    n: int

    def _asks(self) -> dict[str, object]:
        return {"n": self.n} | Group._asks(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Points(Group):
    """Children worth `weights`, reaching `min`; required ones are met whatever the points."""

    op: ClassVar[str] = "points"

    min: int
    weights: tuple[int, ...]
    required: tuple[bool, ...]

    def _asks(self) -> dict[str, object]:
        entries = [
            {"weight": weight, "required": required, "node": child.to_dict()}
            for weight, required, child in zip(self.weights, self.required, self.of, strict=True)
        ]
        return {"min": self.min} | Group._asks(self) | {"of": entries}


@dataclass(frozen=True, slots=True, kw_only=True)
class Within(Group):
    """Every child, by facts that are younger than the period."""

    op: ClassVar[str] = "within"

    period: Period

    def _asks(self) -> dict[str, object]:
        return {"period": str(self.period)} | Group._asks(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric(Leaf):
    """The task's latest live decision is "met" and reaches a level per criterion."""

    op: ClassVar[str] = "rubric"

    task: str
    min: Mapping[str, int] = field(hash=False)

    def _asks(self) -> dict[str, object]:
        return {"task": self.task, "min": dict(sorted(self.min.items()))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews(Leaf):
    """That decision rests on reviews by `k` distinct people in one of the roles."""

    op: ClassVar[str] = "reviews"

    k: int
    roles: tuple[str, ...]
    independent: bool
    task: str

    def _asks(self) -> dict[str, object]:
        return {
            "k": self.k,
            "roles": list(self.roles),
            "independent": self.independent,
            "task": self.task,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge(Leaf):
    """A credential for the achievement is held and valid now.

    With `issuers` only a badge that one of them issued counts, by the identifier it names itself
    by. Without them, our own counts, and whatever the programme accepts in its place.
    """

    op: ClassVar[str] = "badge"

    achievement: str
    issuers: tuple[str, ...] = ()

    def _asks(self) -> dict[str, object]:
        found: dict[str, object] = {"achievement": self.achievement, "status": "valid"}
        return found | {"issuers": list(self.issuers)} if self.issuers else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours(Leaf):
    """Approved time adds up to `minutes`; only these activities count, or all when empty."""

    op: ClassVar[str] = "hours"

    minutes: int
    activities: tuple[str, ...] = ()

    def _asks(self) -> dict[str, object]:
        whole, rest = divmod(self.minutes, 60)
        found: dict[str, object] = {"min": float(Fraction(self.minutes, 60)) if rest else whole}
        if self.activities:
            found["activities"] = list(self.activities)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKinds(Leaf):
    """Decisions that were met hold at least `n` distinct kinds of evidence."""

    op: ClassVar[str] = "evidence_kinds"

    n: int
    task: str | None = None
    kinds: tuple[str, ...] = ()

    def _asks(self) -> dict[str, object]:
        found: dict[str, object] = {"n": self.n}
        if self.task is not None:
            found["task"] = self.task
        if self.kinds:
            found["kinds"] = list(self.kinds)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Attest(Leaf):
    """Somebody in the role confirms the statement (any statement when None)."""

    op: ClassVar[str] = "attest"

    role: str
    statement: str | None = None

    def _asks(self) -> dict[str, object]:
        found: dict[str, object] = {"role": self.role}
        if self.statement is not None:
            found["statement"] = self.statement
        return found


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, parents first."""
    yield node
    for child in node.children:
        yield from walk(child)


def task_of(node: Node) -> str | None:
    """Return the task a node names, if it names one."""
    if isinstance(node, Rubric | Reviews | EvidenceKinds):
        return node.task
    return None


def canonical_json(value: object) -> bytes:
    """Return the one spelling of a JSON value that is hashed."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def subject_of(node: Node) -> object:
    """Return what a child of a counting node is about: children of one subject count once.

    A badge and a rubric on the same achievement are one achievement; other children are the
    same when they ask for the same, whatever their ids.
    """
    if isinstance(node, Badge):
        return node.achievement
    if isinstance(node, Rubric):
        return node.task
    return _bare(node)


def _bare(node: Node) -> tuple[object, ...]:
    # A tuple never equals a text, so these never meet an achievement's id.
    own = {key: value for key, value in node.demand().items() if key != "of"}
    if isinstance(node, Points):
        own["points"] = [list(node.weights), list(node.required)]
    return (node.op, canonical_json(own), *(_bare(child) for child in node.children))
