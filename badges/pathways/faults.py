"""What can be wrong with a rule or a fact, told all at once and by place.

A fault carries a code and parameters, so that pages can say it in the reader's language;
its English message is for developers and logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where (`root.of[2].min`), which (`code`), and its particulars."""

    path: str
    code: str
    message: str
    params: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class FaultyInputError(ValueError):
    """Input that cannot be used; `faults` lists every reason, never only the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


class RuleError(FaultyInputError):
    """A document that is not a rule, or a rule that may not be published."""


class FactError(FaultyInputError):
    """A fact whose fields are missing or of the wrong kind, or that contradicts another."""
