"""What verification answers: ordered steps, each in plain words, and one outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from badges.openbadges.documents import is_endorsement
from badges.openbadges.messages import Message, Params, Problem


class Step(StrEnum):
    """The steps, in the order in which they are answered."""

    READ = "read"
    SHAPE = "shape"
    SAFE_MODE = "safe_mode"
    ISSUER = "issuer"
    PROOF = "proof"
    STATUS = "status"
    TIME = "time"
    RECIPIENT = "recipient"
    ENDORSEMENTS = "endorsements"


class StepStatus(StrEnum):
    """How a step ended; `not_possible` means that nothing is known either way."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_POSSIBLE = "not_possible"


class Outcome(StrEnum):
    """The whole answer: `undecided` where nothing failed but something could not be checked."""

    VALID = "valid"
    INVALID = "invalid"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step: how it ended, one sentence, and the places where something is wrong."""

    step: Step
    status: StepStatus
    message: Message
    problems: tuple[Problem, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The step as JSON-ready values."""
        return {
            "step": self.step.value,
            "status": self.status.value,
            "message": self.message.to_dict(),
            "problems": [found.to_dict() for found in self.problems],
        }


def passed(step: Step, code: str, template: str, **params: str | int) -> StepResult:
    """A step that passed."""
    return StepResult(step, StepStatus.PASSED, _message(step, code, template, params))


def failed(
    step: Step,
    code: str,
    template: str,
    *,
    problems: tuple[Problem, ...] = (),
    **params: str | int,
) -> StepResult:
    """A step that failed."""
    return StepResult(step, StepStatus.FAILED, _message(step, code, template, params), problems)


def not_possible(
    step: Step,
    code: str,
    template: str,
    *,
    problems: tuple[Problem, ...] = (),
    **params: str | int,
) -> StepResult:
    """A step that could not be answered."""
    message = _message(step, code, template, params)
    return StepResult(step, StepStatus.NOT_POSSIBLE, message, problems)


def _message(step: Step, code: str, template: str, params: Params) -> Message:
    return Message(f"{step.value}.{code}", template, params)


@dataclass(frozen=True, slots=True)
class EndorsementReport:
    """One endorsement inside a badge, verified on its own.

    `steps` has whatever was answered, and is empty where the endorsement could not be read.
    """

    outcome: Outcome
    message: Message
    id: str | None = None
    name: str | None = None
    issuer: str | None = None
    comment: str | None = None
    steps: tuple[StepResult, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The endorsement as JSON-ready values."""
        return {
            "outcome": self.outcome.value,
            "message": self.message.to_dict(),
            "id": self.id,
            "name": self.name,
            "issuer": self.issuer,
            "comment": self.comment,
            "steps": [result.to_dict() for result in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of `verify()`.

    Attributes:
        steps: the steps in order; `recipient` and `endorsements` only where they apply.
        credential: the badge as a document, or None where nothing could be read.
        version: `3` or `2` (Open Badges), or None where nothing could be read.
        format: `json`, `jwt`, or for Open Badges 2.0 `hosted` or `signed`.
        details: an Open Badges 2.0 badge's class and issuer, as they were fetched.
        endorsements: what others say in the badge, each judged on its own.
    """

    steps: tuple[StepResult, ...]
    credential: Mapping[str, Any] | None = None
    version: int | None = None
    format: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    endorsements: tuple[EndorsementReport, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """Invalid if any step failed; undecided if one that matters was not possible.

        Endorsements are others' words about a badge: where one cannot be checked, the badge
        itself is no less certain.
        """
        if any(result.status is StepStatus.FAILED for result in self.steps):
            return Outcome.INVALID
        if any(
            result.status is StepStatus.NOT_POSSIBLE and result.step is not Step.ENDORSEMENTS
            for result in self.steps
        ):
            return Outcome.UNDECIDED
        return Outcome.VALID

    @property
    def is_endorsement(self) -> bool:
        """Whether what was read is itself an endorsement, rather than a badge."""
        return self.credential is not None and is_endorsement(self.credential)

    @property
    def valid(self) -> bool:
        """Whether every step that matters passed."""
        return self.outcome is Outcome.VALID

    def step(self, step: Step) -> StepResult | None:
        """The result of one step, or None where it did not apply."""
        return next((result for result in self.steps if result.step is step), None)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return {
            "valid": self.valid,
            "outcome": self.outcome.value,
            "version": self.version,
            "format": self.format,
            "steps": [result.to_dict() for result in self.steps],
            "endorsements": [found.to_dict() for found in self.endorsements],
            "credential": self.credential,
            "details": dict(self.details),
        }
