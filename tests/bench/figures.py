"""What a benchmark figure is, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tests.bench.bench import Bench

Better = Literal["lower", "higher"]


@dataclass(frozen=True)
class Peer:
    """What a figure is held beside: a name, and its value from the same run."""

    name: str
    value: float


@dataclass(frozen=True)
class Measured:
    """A figure's value and its peer."""

    value: float
    peer: Peer | None = None


@dataclass(frozen=True)
class Figure:
    """One figure: `target` is the bound, on the side that `better` says; None is only told."""

    name: str
    unit: str
    better: Better
    target: float | None
    measure: Callable[[Bench], Measured]


@dataclass(frozen=True)
class Outcome:
    """A figure as it was measured, or the reason why it could not be."""

    figure: Figure
    measured: Measured | None
    fault: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the bound is kept; None where there is none. What was not measured is not."""
        target = self.figure.target
        if self.measured is None:
            return False
        if target is None:
            return None
        value = self.measured.value
        return value <= target if self.figure.better == "lower" else value >= target

    def record(self) -> dict[str, Any]:
        """The figure as an object of `.bench/latest.jsonl`."""
        peer = self.measured.peer if self.measured else None
        return {
            "name": self.figure.name,
            "value": rounded(self.measured.value) if self.measured else None,
            "unit": self.figure.unit,
            "target": self.figure.target,
            "better": self.figure.better,
            "met": self.met,
            "peer": {"name": peer.name, "value": rounded(peer.value)} if peer else None,
            **({"fault": self.fault} if self.fault else {}),
        }


def rounded(value: float) -> float:
    """To four significant digits: more would be noise."""
    return float(f"{value:.4g}")
