"""How groups stand, given how their children stand (exclusive ones apart)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from badges.pathways.nodes import AnyOf, AtLeast, Group, Points
from badges.pathways.standing import Standing, partly

# More ways than this to reach a sum are thinned out: the rest differ by next to nothing.
FRONTIER_LIMIT = 400


def stand_group(group: Group, kids: Sequence[Standing], subjects: Sequence[int]) -> Standing:
    """Return how a group stands.

    `subjects` gives, per child of a counting node, the first child about the same subject.
    """
    if isinstance(group, AnyOf):
        return _at_least(group, 1, kids, range(len(kids)))
    if isinstance(group, AtLeast):
        return _at_least(group, group.n, kids, subjects)
    if isinstance(group, Points):
        return _points(group, kids, subjects)
    progress = sum(kid.progress for kid in kids) / len(kids)
    open_ = [i for i, kid in enumerate(kids) if not kid.met]
    if open_:
        return _unmet(group, kids, open_, progress)
    return _met(group, kids, range(len(kids)))


def _met(group: Group, kids: Sequence[Standing], picks: Iterable[int]) -> Standing:
    chosen = sorted(picks)
    size = sum(kids[i].size for i in chosen)
    return Standing(True, 1.0, size=size, picks=tuple(group.of[i] for i in chosen))


def _unmet(
    group: Group, kids: Sequence[Standing], picks: Iterable[int], progress: float
) -> Standing:
    chosen = sorted(picks)
    return Standing(
        False,
        partly(progress),
        cost=sum(kids[i].cost for i in chosen),
        waits=all(kids[i].waits for i in chosen),
        picks=tuple(group.of[i] for i in chosen),
    )


def _at_least(group: Group, n: int, kids: Sequence[Standing], subjects: Sequence[int]) -> Standing:
    """Count subjects, not children: two ways of showing one achievement are one."""
    met: dict[int, int] = {}
    for i, kid in enumerate(kids):
        best = met.get(subjects[i])
        if kid.met and (best is None or kid.size < kids[best].size):
            met[subjects[i]] = i
    if len(met) >= n:
        return _met(group, kids, sorted(met.values(), key=lambda i: (kids[i].size, i))[:n])
    open_: dict[int, int] = {}
    done: dict[int, float] = {}
    for i, kid in enumerate(kids):
        subject = subjects[i]
        done[subject] = max(kid.progress, done.get(subject, 0.0))
        best = open_.get(subject)
        if subject not in met and (best is None or kid.cost < kids[best].cost):
            open_[subject] = i
    cheapest = sorted(open_.values(), key=lambda i: (kids[i].cost, i))[: n - len(met)]
    return _unmet(group, kids, cheapest, sum(sorted(done.values(), reverse=True)[:n]) / n)


def _points(group: Points, kids: Sequence[Standing], subjects: Sequence[int]) -> Standing:
    """Add up weights, once per subject; required children are needed whatever the sum."""
    must = [i for i, required in enumerate(group.required) if required]
    owed = [i for i in must if not kids[i].met]
    held = sorted((i for i, kid in enumerate(kids) if kid.met), key=lambda i: -group.weights[i])
    if not owed and _sum(group, held, subjects) >= group.min:
        chosen = list(must)
        for i in held:
            if _sum(group, chosen, subjects) >= group.min:
                break
            chosen.append(i)
        return _met(group, kids, set(chosen))
    have = [*held, *owed]
    short = group.min - _sum(group, have, subjects)
    picks = owed + (_cheapest(_gains(group, kids, subjects, have), short) if short > 0 else [])
    reached: dict[int, float] = {}
    for i, kid in enumerate(kids):
        points = group.weights[i] * kid.progress
        reached[subjects[i]] = max(points, reached.get(subjects[i], 0.0))
    return _unmet(group, kids, picks, sum(reached.values()) / group.min)


def _best(group: Points, places: Iterable[int], subjects: Sequence[int]) -> dict[int, int]:
    best: dict[int, int] = {}
    for i in places:
        best[subjects[i]] = max(group.weights[i], best.get(subjects[i], 0))
    return best


def _sum(group: Points, places: Iterable[int], subjects: Sequence[int]) -> int:
    return sum(_best(group, places, subjects).values())


class _Gain(NamedTuple):
    place: int
    points: int
    cost: int


def _gains(
    group: Points, kids: Sequence[Standing], subjects: Sequence[int], have: Sequence[int]
) -> list[list[_Gain]]:
    """Return what the open children would add, in one list per subject."""
    best = _best(group, have, subjects)
    taken = set(have)
    by_subject: dict[int, list[_Gain]] = {}
    for i, kid in enumerate(kids):
        points = group.weights[i] - best.get(subjects[i], 0)
        if i not in taken and points > 0:
            by_subject.setdefault(subjects[i], []).append(_Gain(i, points, kid.cost))
    return list(by_subject.values())


def _cheapest(choices: Sequence[Sequence[_Gain]], short: int) -> list[int]:
    """Return the cheapest children that add `short` points, at most one of each list."""
    frontier: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, ())]
    for gains in choices:
        ways = list(frontier)
        for points, cost, places in frontier:
            for gain in gains:
                reached = min(short, points + gain.points)
                ways.append((reached, cost + gain.cost, (*places, gain.place)))
        frontier = _undominated(ways)
    return list(frontier[0][2])


def _undominated(
    ways: list[tuple[int, int, tuple[int, ...]]],
) -> list[tuple[int, int, tuple[int, ...]]]:
    """Keep, from most points to least, the ways that are cheaper than all with more points."""
    ways.sort(key=lambda way: (-way[0], way[1], way[2]))
    kept = [ways[0]]
    for way in ways[1:]:
        if way[1] < kept[-1][1]:
            kept.append(way)
    return kept[:: 1 + len(kept) // FRONTIER_LIMIT]
