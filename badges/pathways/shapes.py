"""What an exclusive node asks for, as demands that the matching can fill exactly.

Below an exclusive node every achievement (or attestation, or the logged time) is spent once.
That is a matching problem as long as each choice is between single facts; choosing between
branches that need several at once is not, so such rules are refused when they are parsed.
"""

from __future__ import annotations

from typing import NamedTuple

from badges.pathways.matching import Unit
from badges.pathways.nodes import (
    All,
    AnyOf,
    AtLeast,
    Attest,
    Badge,
    EvidenceKinds,
    Group,
    Hours,
    Leaf,
    Node,
    Points,
    Reviews,
    Rubric,
    Within,
)


class Wanted(NamedTuple):
    """`need` of the options, each filled by one fact for any one of its leaves."""

    need: int
    options: tuple[tuple[Leaf, ...], ...]


def wanted_by(node: Node) -> list[Wanted] | None:
    """Return what a branch below an exclusive node asks for; None when it is not a matching."""
    if isinstance(node, All | Within) or (isinstance(node, AtLeast) and node.n == len(node.of)):
        return wanted_by_all(node)
    if isinstance(node, AtLeast):
        options = [_choice(child) for child in node.of]
        found = tuple(option for option in options if option is not None)
        return [Wanted(node.n, found)] if len(found) == len(options) else None
    option = _choice(node)
    return None if option is None else [Wanted(1, (option,))]


def wanted_by_all(group: Group) -> list[Wanted] | None:
    """Return what all children together ask for."""
    found: list[Wanted] = []
    for child in group.of:
        part = wanted_by(child)
        if part is None:
            return None
        found += part
    return found


def _choice(node: Node) -> tuple[Leaf, ...] | None:
    """Return the leaves of which any one satisfies the node, or None when it needs more."""
    if isinstance(node, EvidenceKinds) and node.task is None:
        return None
    if isinstance(node, Leaf):
        return (node,)
    if isinstance(node, AtLeast) and node.n > 1:
        return None
    if isinstance(node, AnyOf | AtLeast) or (isinstance(node, All | Within) and len(node.of) == 1):
        parts = [_choice(child) for child in node.children]
        if all(part is not None for part in parts):
            return tuple(leaf for part in parts if part is not None for leaf in part)
    return None


def is_matching(group: Group) -> bool:
    """Whether an exclusive group is of a shape that the matching decides exactly."""
    if isinstance(group, Points):
        return all(_choice(child) is not None for child in group.of)
    if isinstance(group, AnyOf):
        return all(wanted_by(child) is not None for child in group.of)
    return wanted_by(group) is not None


def unit_of(leaf: Leaf) -> Unit:
    """Return what satisfying the leaf spends.

    A decision and a badge of one achievement are one unit: the badge came of the decision.
    Attestations are spent one by one, so a leaf still waiting for one has a unit of its own.
    """
    match leaf:
        case Badge():
            return ("achievement", leaf.achievement)
        case Rubric() | Reviews() | EvidenceKinds():
            return ("achievement", leaf.task)
        case Hours():
            return ("hours",)
        case Attest():
            return ("attestation to come", leaf.id)
    raise TypeError(f"{type(leaf).__name__} is not a leaf of the language")
