"""How a node stands, as the evaluation passes it upwards."""

from __future__ import annotations

from dataclasses import dataclass

from badges.pathways.facts import FactKey
from badges.pathways.matching import Unit
from badges.pathways.nodes import Node
from badges.pathways.results import Missing

# What is unmet never shows as whole, however little is missing.
NEARLY = 0.99


@dataclass(slots=True)
class Standing:
    """One node's standing.

    met: `size` facts support it, its own `keys` and those of `picks` (nodes below).
    not met: `cost` is the effort of the cheapest way, which leads through its own `ask` and
    the asks of `picks`; `waits` when nothing there needs the learner. An attestation that is
    met has an `ask` and a `cost` too, and its `choices` are all that would do, each with what
    it spends: an exclusive node may need another one.
    """

    met: bool
    progress: float
    cost: int = 0
    size: int = 0
    waits: bool = False
    picks: tuple[Node, ...] = ()
    keys: tuple[FactKey, ...] = ()
    ask: Missing | None = None
    choices: tuple[tuple[Unit, FactKey], ...] = ()


def partly(progress: float) -> float:
    """Return the progress of something that is not met."""
    return min(progress, NEARLY)
