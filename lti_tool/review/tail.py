"""The tail guard: near the end, a claim must not take the one reviewer that another seat needs.

When few seats are open, the last reviewers may all be in conflict with the last revision. So a
claim is granted only when as many of the other seats can still be filled as before. Pure; the
caller looks at it under a lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

Person = Hashable


@dataclass(frozen=True, slots=True)
class Work:
    """A revision with `seats` open, and everybody who may take one (each of them one)."""

    revision: Hashable
    seats: int
    eligible: frozenset[Person]


def fillable(work: Sequence[Work], capacity: Mapping[Person, int]) -> int:
    """Return how many seats can be filled at most; a person takes up to their `capacity`."""
    taken: list[set[Person]] = [set() for _ in work]
    left = {person: count for person, count in capacity.items() if count > 0}
    filled = 0
    for i, item in enumerate(work):
        for _ in range(item.seats):
            if not _place(i, work, taken, left):
                break
            filled += 1
    return filled


def may_claim(
    work: Collection[Work], capacity: Mapping[Person, int], revision: Hashable, person: Person
) -> bool:
    """Whether the person may take a seat of the revision without costing another seat its filling.

    `work` is everything open, this revision included. Where not everything can be filled
    anyway, the claim is granted as long as it does not make that worse.
    """
    items = list(work)
    after = []
    granted = False
    for item in items:
        if item.revision == revision and item.seats > 0 and person in item.eligible:
            granted = True
            after.append(replace(item, seats=item.seats - 1, eligible=item.eligible - {person}))
        else:
            after.append(item)
    if not granted or capacity.get(person, 0) < 1:
        return False
    rest = {**capacity, person: capacity[person] - 1}
    return fillable(after, rest) + 1 >= fillable(items, capacity)


def _place(
    start: int, work: Sequence[Work], taken: list[set[Person]], left: dict[Person, int]
) -> bool:
    """Fill one more seat of a revision, moving others between revisions where that helps."""
    came: dict[int, tuple[int, Person] | None] = {start: None}
    queue = deque([start])
    while queue:
        i = queue.popleft()
        for person in sorted(work[i].eligible - taken[i], key=repr):
            if left.get(person, 0) > 0:
                left[person] -= 1
                _shift(i, person, came, taken)
                return True
            if person not in left:
                continue
            # Everything this person does elsewhere could be done by somebody else.
            for j, crew in enumerate(taken):
                if person in crew and j not in came:
                    came[j] = (i, person)
                    queue.append(j)
    return False


def _shift(
    last: int,
    person: Person,
    came: Mapping[int, tuple[int, Person] | None],
    taken: list[set[Person]],
) -> None:
    """Carry out a chain of moves, from the revision that gained a free person to the first."""
    i = last
    while True:
        taken[i].add(person)
        step = came[i]
        if step is None:
            return
        i, person = step[0], step[1]
        # `person` leaves the later revision, which has just been made whole, for this one.
        taken[last].discard(person)
        last = i
