"""A report as it was kept with a badge, read back so that it can be shown in any language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from badges.openbadges.messages import Message, Problem
from badges.openbadges.report import (
    EndorsementReport,
    Outcome,
    Report,
    Step,
    StepResult,
    StepStatus,
)


def report_of(kept: Mapping[str, Any]) -> Report:
    """The report whose `to_dict()` was kept, without the badge itself."""
    return Report(
        tuple(map(_step, kept["steps"])),
        version=kept["version"],
        format=kept["format"],
        details=kept["details"],
        endorsements=tuple(map(_endorsement, kept["endorsements"])),
    )


def _step(kept: Mapping[str, Any]) -> StepResult:
    return StepResult(
        Step(kept["step"]),
        StepStatus(kept["status"]),
        _message(kept["message"]),
        tuple(Problem(found["pointer"], _message(found)) for found in kept["problems"]),
    )


def _endorsement(kept: Mapping[str, Any]) -> EndorsementReport:
    return EndorsementReport(
        outcome=Outcome(kept["outcome"]),
        message=_message(kept["message"]),
        id=kept["id"],
        name=kept["name"],
        issuer=kept["issuer"],
        comment=kept["comment"],
        steps=tuple(map(_step, kept["steps"])),
    )


def _message(kept: Mapping[str, Any]) -> Message:
    return Message(kept["code"], kept["template"], kept["params"])
