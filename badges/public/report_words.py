"""A verification's report in the reader's language, and what it means for them."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _l

from badges.openbadges.messages import Filled, Message
from badges.openbadges.moments import parse_moment
from badges.openbadges.report import (
    EndorsementReport,
    Outcome,
    Report,
    Step,
    StepResult,
    StepStatus,
)
from badges.public.verdicts import step_title, verdict
from core.web.i18n import day, last_day

_STATES = {
    StepStatus.PASSED: ("done", "good", _l("Holds")),
    StepStatus.FAILED: ("no", "bad", _l("Does not hold")),
    StepStatus.NOT_POSSIBLE: ("", "warn", _l("Could not be checked")),
}


@dataclass(frozen=True)
class ShownStep:
    """One step as the timeline shows it; `problems` are (place, sentence) pairs."""

    state: str
    title: str
    tag: str
    kind: str
    text: str
    problems: tuple[tuple[str, str], ...]
    more: int


@dataclass(frozen=True)
class ShownEndorsement:
    """One endorsement: whose it is, what it says, and whether it holds."""

    issuer: str
    name: str
    comment: str
    tag: str
    kind: str
    text: str


@dataclass(frozen=True)
class ShownReport:
    """The whole report in words. `kind` is good, warn or bad."""

    title: str
    lead: str
    meaning: str
    kind: str
    steps: tuple[ShownStep, ...]
    endorsements: tuple[ShownEndorsement, ...]
    read_here: tuple[str, ...]
    machine: str
    unproven: bool
    is_endorsement: bool


_PROBLEMS_SHOWN = 8


def show_report(report: Report) -> ShownReport:
    """`report` in the language of this request."""
    title, meaning, kind = verdict(report)
    held = sum(result.status is StepStatus.PASSED for result in report.steps)
    lead = ngettext(
        "%(held)d of %(num)d check holds.",
        "%(held)d of %(num)d checks hold.",
        len(report.steps),
        held=held,
    )
    if held == len(report.steps):
        lead = gettext("All %(count)d checks hold.", count=held)
    elif len(report.steps) == 1 or report.version is None:
        lead = ""  # there is no badge whose checks could be counted
    read_here = report.details.get("read_here", ())
    form = {"json": "JSON", "jwt": "VC-JWT", "hosted": "hosted", "signed": "JWS"}
    machine = f"Open Badges {report.version}.0, {form.get(report.format or '', '')}"
    proven = {result.step for result in report.steps if result.status is StepStatus.PASSED}
    return ShownReport(
        title=title,
        lead=lead,
        meaning=meaning,
        kind=kind,
        steps=tuple(_step(one, step_title(report, one.step)) for one in report.steps),
        endorsements=tuple(map(_endorsement, report.endorsements)),
        read_here=tuple(read_here),
        machine=machine if report.version else "",
        unproven=not {Step.PROOF, Step.ISSUER} <= proven,
        is_endorsement=report.is_endorsement,
    )


def _step(result: StepResult, title: str) -> ShownStep:
    state, kind, word = _STATES[result.status]
    problems = tuple(
        (found.pointer or "/", _words(found.message)) for found in result.problems[:_PROBLEMS_SHOWN]
    )
    return ShownStep(
        state=state,
        title=title,
        tag=str(word),
        kind=kind,
        text=_words(result.message),
        problems=problems,
        more=len(result.problems) - len(problems),
    )


def _endorsement(found: EndorsementReport) -> ShownEndorsement:
    status = {
        Outcome.VALID: StepStatus.PASSED,
        Outcome.INVALID: StepStatus.FAILED,
        Outcome.UNDECIDED: StepStatus.NOT_POSSIBLE,
    }[found.outcome]
    _state, kind, word = _STATES[status]
    return ShownEndorsement(
        issuer=found.issuer or gettext("somebody who is not named"),
        name=found.name or "",
        # Words of a forged endorsement would be read as somebody's praise.
        comment=(found.comment or "") if found.outcome is Outcome.VALID else "",
        tag=str(word),
        kind=kind,
        text=_words(_why(found)),
    )


def _why(found: EndorsementReport) -> Message:
    """What stands in the way of an endorsement: the step itself where there is one."""
    if found.message.code == "endorsements.withdrawn":
        return found.message  # it says all that the step does
    wanted = {Outcome.INVALID: StepStatus.FAILED, Outcome.UNDECIDED: StepStatus.NOT_POSSIBLE}
    status = wanted.get(found.outcome)
    steps = (
        result.message
        for result in found.steps
        if result.status is status and result.message.code != "time.expired"
    )
    return next(steps, found.message)


def sentence(reason: str) -> str:
    """A sentence of the library in this language; what others said stays as it is."""
    if isinstance(reason, Filled):
        params = dict(reason.params)
        if isinstance(inner := params.get("reason"), str):
            params["reason"] = sentence(inner)
        return str(gettext(reason.template)) % params
    return str(gettext(reason)) if reason and "%" not in reason else reason


def _words(message: Message) -> str:
    """The library's sentence in this language, its dates as people read them."""
    params = dict(message.params)
    reason = params.get("reason")
    if isinstance(reason, str) and reason:
        params["reason"] = sentence(reason)
    moment = parse_moment(params.get("date"))
    if moment is not None:
        params["date"] = last_day(moment) if message.code == "time.expired" else day(moment)
    translated = str(gettext(message.template))
    return translated % params if params else translated
