"""The cheapest assignment of units to demands, for nodes where a fact may be spent only once.

A greedy walk gives a fact to the first branch that can use it and may so starve another that
could use nothing else. This is a minimum-cost flow instead: demand → option → unit, each option
and each unit used at most once, by successive shortest paths. Sizes are those of a rule
(at most 200 nodes), so clarity wins over asymptotics.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Unit = Hashable


class Demand(NamedTuple):
    """`need` of the options must each get one unit; an option maps the units it takes to costs."""

    need: int
    options: Sequence[Mapping[Unit, int]]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which option got which unit, as (demand, option, unit); `filled` of `needed`, at `cost`."""

    pairs: tuple[tuple[int, int, Unit], ...]
    filled: int
    needed: int
    cost: int

    @property
    def complete(self) -> bool:
        """Whether every demand is filled."""
        return self.filled == self.needed


def assign(demands: Sequence[Demand]) -> Assignment:
    """Fill as much of the demands as can be filled, and that at the least total cost.

    Costs are whole numbers from 0. The same input always gives the same assignment.
    """
    flow = _Flow()
    source, sink = flow.add_node(), flow.add_node()
    unit_nodes: dict[Unit, int] = {}
    links: list[tuple[int, int, int, Unit]] = []
    for d, demand in enumerate(demands):
        demand_node = flow.add_node()
        flow.add_edge(source, demand_node, demand.need, 0)
        for o, option in enumerate(demand.options):
            option_node = flow.add_node()
            flow.add_edge(demand_node, option_node, 1, 0)
            for unit, cost in option.items():
                if unit not in unit_nodes:
                    unit_nodes[unit] = flow.add_node()
                    flow.add_edge(unit_nodes[unit], sink, 1, 0)
                links.append((flow.add_edge(option_node, unit_nodes[unit], 1, cost), d, o, unit))
    filled, cost = flow.push(source, sink)
    pairs = tuple((d, o, unit) for edge, d, o, unit in links if flow.capacity[edge] == 0)
    return Assignment(pairs, filled, sum(demand.need for demand in demands), cost)


class _Flow:
    """A residual network; an edge and its reverse stand at indexes 2i and 2i + 1."""

    def __init__(self) -> None:
        self.edges_from: list[list[int]] = []
        self.target: list[int] = []
        self.capacity: list[int] = []
        self.cost: list[int] = []

    def add_node(self) -> int:
        self.edges_from.append([])
        return len(self.edges_from) - 1

    def add_edge(self, start: int, end: int, capacity: int, cost: int) -> int:
        edge = len(self.target)
        self.target += (end, start)
        self.capacity += (capacity, 0)
        self.cost += (cost, -cost)
        self.edges_from[start].append(edge)
        self.edges_from[end].append(edge + 1)
        return edge

    def push(self, source: int, sink: int) -> tuple[int, int]:
        """Send all the flow there can be, one unit along a cheapest path at a time."""
        filled = total = 0
        while (path := self._cheapest_path(source, sink)) is not None:
            for edge in path:
                self.capacity[edge] -= 1
                self.capacity[edge ^ 1] += 1
                total += self.cost[edge]
            filled += 1
        return filled, total

    def _cheapest_path(self, source: int, sink: int) -> list[int] | None:
        distance: list[int | None] = [None] * len(self.edges_from)
        arrived_by = [-1] * len(self.edges_from)
        distance[source] = 0
        queue, queued = deque([source]), {source}
        while queue:
            node = queue.popleft()
            queued.discard(node)
            base = distance[node] or 0
            for edge in self.edges_from[node]:
                if not self.capacity[edge]:
                    continue
                target, reached = self.target[edge], base + self.cost[edge]
                known = distance[target]
                if known is None or reached < known:
                    distance[target] = reached
                    arrived_by[target] = edge
                    if target not in queued:
                        queue.append(target)
                        queued.add(target)
        if distance[sink] is None:
            return None
        path, node = [], sink
        while node != source:
            path.append(arrived_by[node])
            node = self.target[arrived_by[node] ^ 1]
        return path
