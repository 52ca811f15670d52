"""How far reviewers agree: Krippendorff's alpha for ordinal levels, with an interval.

Alpha is 1 − Do/De: observed disagreement between the reviews of one piece of work over what
chance would give. The distance of two levels is the squared number of ratings between them
(Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011). The interval resamples the
units, against the sample's own chance disagreement, as Krippendorff's bootstrap does.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

WARN_BELOW = 0.67
GOOD_FROM = 0.80
RESAMPLES = 1000
CONFIDENCE = 0.95


class Strength(StrEnum):
    """What an alpha is worth: `low` warns the programme lead."""

    LOW = "low"
    FAIR = "fair"
    GOOD = "good"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Alpha and its interval; None where it is not defined (no two ratings, or no variation).

    `units` counts the pieces of work with two ratings or more, `ratings` the ratings on them.
    """

    alpha: float | None
    low: float | None
    high: float | None
    units: int
    ratings: int

    @property
    def strength(self) -> Strength:
        """The house's reading of alpha."""
        if self.alpha is None:
            return Strength.UNKNOWN
        if self.alpha < WARN_BELOW:
            return Strength.LOW
        return Strength.GOOD if self.alpha >= GOOD_FROM else Strength.FAIR


def agreement(
    units: Iterable[Iterable[int]],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Agreement:
    """Return how far the raters agree on one criterion.

    `units` holds, per piece of work, the levels it was given, in any order; pieces with fewer
    than two are left out. The same `seed` gives the same interval; `confidence` lies between
    0 and 1. ValueError for other numbers.
    """
    if not 0 < confidence < 1 or resamples < 1:
        raise ValueError("confidence lies between 0 and 1, and resamples are 1 or more")
    paired = [levels for levels in map(sorted, units) if len(levels) > 1]
    counts = Counter(level for levels in paired for level in levels)
    total = sum(counts.values())
    if len(counts) < 2:
        return Agreement(None, None, None, len(paired), total)
    distance = _ordinal_distances(counts)
    expected = _disagreement(counts, distance) / (total * (total - 1))
    observed = [_disagreement(Counter(unit), distance) / (len(unit) - 1) for unit in paired]
    sizes = [len(unit) for unit in paired]
    alpha = 1 - sum(observed) / total / expected
    draws = _resampled(observed, sizes, expected, seed, resamples)
    tail = (1 - confidence) / 2
    low, high = _quantile(draws, tail), _quantile(draws, 1 - tail)
    return Agreement(alpha, low, high, len(paired), total)


def _ordinal_distances(counts: Mapping[int, int]) -> dict[tuple[int, int], float]:
    """Return the distance of every two levels: the ratings from one to the other, squared."""
    levels = sorted(counts)
    found: dict[tuple[int, int], float] = {}
    for i, low in enumerate(levels):
        between = 0
        for j in range(i, len(levels)):
            high = levels[j]
            between += counts[high]
            ends = (counts[low] + counts[high]) / 2
            found[low, high] = found[high, low] = (between - ends) ** 2 if i != j else 0.0
    return found


def _disagreement(counts: Mapping[int, int], distance: Mapping[tuple[int, int], float]) -> float:
    """Return the distances of all ordered pairs of ratings, added up."""
    return sum(
        n * m * distance[level, other]
        for level, n in counts.items()
        for other, m in counts.items()
        if level != other
    )


def _resampled(
    observed: Sequence[float], sizes: Sequence[int], expected: float, seed: int, resamples: int
) -> list[float]:
    chance = random.Random(seed)  # noqa: S311 - statistics, not secrets
    places = range(len(observed))
    draws = []
    for _ in range(resamples):
        drawn = chance.choices(places, k=len(observed))
        ratings = sum(sizes[i] for i in drawn)
        draws.append(1 - sum(observed[i] for i in drawn) / ratings / expected)
    return sorted(draws)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile, between the two nearest draws in proportion."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
