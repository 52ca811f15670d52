"""Exclusive nodes: below them every fact is spent once, so who gets which is a matching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from badges.pathways.facts import FactKey
from badges.pathways.matching import Assignment, Demand, Unit, assign
from badges.pathways.nodes import AnyOf, Attest, Group, Leaf, Points
from badges.pathways.results import Actor
from badges.pathways.shapes import Wanted, unit_of, wanted_by
from badges.pathways.standing import Standing, partly


class _Way(NamedTuple):
    """One way for a unit to fill an option: by which leaf, at which cost, with which facts."""

    cost: int
    leaf: Leaf
    keys: tuple[FactKey, ...]


class _Solution(NamedTuple):
    """An assignment and the ways it goes."""

    assignment: Assignment
    ways: tuple[_Way, ...]

    @property
    def met(self) -> bool:
        return self.assignment.complete and self.assignment.cost == 0


def stand_exclusive(group: Group, standings: Mapping[str, Standing]) -> Standing:
    """Return how an exclusive group stands, given how the leaves below it stand."""
    if isinstance(group, Points):
        return _stand(_points(group, standings), standings)
    if isinstance(group, AnyOf):
        solutions = [_solve(wanted_by(child) or [], standings) for child in group.of]
        complete = [solution for solution in solutions if solution.assignment.complete]
        return _stand(min(complete or solutions, key=_least), standings)
    return _stand(_solve(wanted_by(group) or [], standings), standings)


def _least(solution: _Solution) -> tuple[int, int]:
    return (solution.assignment.cost, sum(len(way.keys) for way in solution.ways))


def _solve(wanted: Sequence[Wanted], standings: Mapping[str, Standing]) -> _Solution:
    tables = [[_ways(option, standings) for option in item.options] for item in wanted]
    assignment = assign(
        [
            Demand(item.need, [{unit: way.cost for unit, way in ways.items()} for ways in table])
            for item, table in zip(wanted, tables, strict=True)
        ]
    )
    return _Solution(assignment, tuple(tables[d][o][unit] for d, o, unit in assignment.pairs))


def _ways(leaves: tuple[Leaf, ...], standings: Mapping[str, Standing]) -> dict[Unit, _Way]:
    found: dict[Unit, _Way] = {}
    for leaf in leaves:
        standing = standings[leaf.id]
        ways = [(unit, _Way(0, leaf, (key,))) for unit, key in standing.choices]
        if standing.met and not isinstance(leaf, Attest):
            ways.append((unit_of(leaf), _Way(0, leaf, standing.keys)))
        else:
            ways.append((unit_of(leaf), _Way(standing.cost, leaf, ())))
        for unit, way in ways:
            if unit not in found or way.cost < found[unit].cost:
                found[unit] = way
    return found


def _stand(solution: _Solution, standings: Mapping[str, Standing]) -> Standing:
    if solution.met:
        keys = tuple(sorted({key for way in solution.ways for key in way.keys}))
        return Standing(True, 1.0, size=len(keys), keys=keys)
    leaves = tuple(way.leaf for way in solution.ways if way.cost)
    done = sum(1.0 for way in solution.ways if not way.cost)
    done += sum(standings[leaf.id].progress for leaf in leaves if not standings[leaf.id].met)
    asks = [standings[leaf.id].ask for leaf in leaves]
    return Standing(
        False,
        partly(done / solution.assignment.needed),
        cost=solution.assignment.cost,
        waits=all(ask is not None and ask.who is not Actor.LEARNER for ask in asks),
        picks=leaves,
    )


def _points(group: Points, standings: Mapping[str, Standing]) -> _Solution:
    """Choose children worth enough points: with the facts there are, else at little cost."""
    required = [i for i, needed in enumerate(group.required) if needed]
    rest = [i for i, needed in enumerate(group.required) if not needed]
    heavy = sorted(rest, key=lambda i: (-group.weights[i], i))
    # Children that can be filled together form a matroid: heaviest first is exact.
    held = _extend(group, required, heavy, standings, free=True)
    if held.met and _worth(group, held.chosen) >= group.min:
        return held.solution
    light = sorted(rest, key=lambda i: (_price(group, i, standings) / group.weights[i], i))
    start = held.chosen if held.met else required
    for order, begin in ((light, start), (light, required), (heavy, required)):
        plan = _extend(group, begin, order, standings, free=False)
        if _worth(group, plan.chosen) >= group.min:
            break
    return plan.solution


class _Plan(NamedTuple):
    chosen: list[int]
    solution: _Solution

    @property
    def met(self) -> bool:
        return self.solution.met


def _extend(
    group: Points,
    begin: Sequence[int],
    order: Sequence[int],
    standings: Mapping[str, Standing],
    *,
    free: bool,
) -> _Plan:
    """Add children in order while they can be filled (at no cost, when `free`) and are needed."""
    chosen = list(begin)
    solution = _solve(_wanted(group, chosen), standings)
    for i in order:
        if _worth(group, chosen) >= group.min:
            break
        if i in chosen:
            continue
        trial = _solve(_wanted(group, [*chosen, i]), standings)
        if trial.assignment.complete and (trial.met or not free):
            chosen, solution = [*chosen, i], trial
    return _Plan(chosen, solution)


def _wanted(group: Points, chosen: Sequence[int]) -> list[Wanted]:
    return [item for i in chosen for item in wanted_by(group.of[i]) or []]


def _worth(group: Points, chosen: Sequence[int]) -> int:
    return sum(group.weights[i] for i in chosen)


def _price(group: Points, place: int, standings: Mapping[str, Standing]) -> int:
    return _solve(_wanted(group, [place]), standings).assignment.cost
