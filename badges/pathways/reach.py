"""Whether a node can be met by anybody at all: publishing refuses what cannot."""

from __future__ import annotations

from badges.pathways.criteria import first_alike
from badges.pathways.matching import Demand, assign
from badges.pathways.nodes import AnyOf, AtLeast, Group, Points
from badges.pathways.shapes import Wanted, unit_of, wanted_by


def most_points(group: Points) -> int:
    """Return the points of somebody who has met every child; one subject counts once."""
    best: dict[int, int] = {}
    for first, weight in zip(first_alike(group), group.weights, strict=True):
        best[first] = max(best.get(first, 0), weight)
    return sum(best.values())


def most_counted(group: AtLeast) -> int:
    """Return the count of somebody who has met every child; one achievement counts once."""
    return len(set(first_alike(group)))


def exclusive_reachable(group: Group) -> bool:
    """Whether an exclusive group could be met by somebody with one of every fact it names."""
    if isinstance(group, Points):
        return _points_reachable(group)
    if isinstance(group, AnyOf):
        return any(_fillable(wanted_by(child) or []) for child in group.of)
    return _fillable(wanted_by(group) or [])


def _fillable(wanted: list[Wanted]) -> bool:
    return assign([_demand(item) for item in wanted]).complete


def _demand(wanted: Wanted) -> Demand:
    options = [{unit_of(leaf): 0 for leaf in leaves} for leaves in wanted.options]
    return Demand(wanted.need, options)


def _points_reachable(group: Points) -> bool:
    # Sets of children that can be filled together form a matroid, so heaviest first is exact.
    order = sorted(
        range(len(group.of)), key=lambda i: (not group.required[i], -group.weights[i], i)
    )
    chosen: list[Wanted] = []
    points = 0
    for i in order:
        more = [*chosen, *(wanted_by(group.of[i]) or [])]
        if _fillable(more):
            chosen, points = more, points + group.weights[i]
        elif group.required[i]:
            return False
    return points >= group.min
