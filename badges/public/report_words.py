"""A verification's report in the reader's language, and what it means for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import format_date, gettext, lazy_gettext, ngettext

from badges.openbadges.messages import Message
from badges.openbadges.moments import parse_moment
from badges.openbadges.report import (
    EndorsementReport,
    Outcome,
    Report,
    Step,
    StepResult,
    StepStatus,
)

_TITLES = {
    Step.READ: lazy_gettext("It can be read"),
    Step.SHAPE: lazy_gettext("Its form follows the standard"),
    Step.SAFE_MODE: lazy_gettext("Every word in it has a defined meaning"),
    Step.ISSUER: lazy_gettext("The issuer can be found"),
    Step.PROOF: lazy_gettext("The signature fits"),
    Step.STATUS: lazy_gettext("It has not been withdrawn"),
    Step.TIME: lazy_gettext("It is in date"),
    Step.RECIPIENT: lazy_gettext("It belongs to this person"),
    Step.ENDORSEMENTS: lazy_gettext("What others add to it holds"),
}
# The first of these that does not hold gives the page its title.
_GRAVITY = (
    Step.READ, Step.PROOF, Step.ISSUER, Step.STATUS, Step.TIME, Step.RECIPIENT, Step.SHAPE,
    Step.SAFE_MODE, Step.ENDORSEMENTS,
)  # fmt: skip
_FAILED: Mapping[Step, tuple[Any, Any]] = {
    Step.READ: (
        lazy_gettext("There is no badge in this"),
        lazy_gettext(
            "Nothing is said about any badge. Choose the PNG, SVG or JSON file that its issuer"
            " gave, unchanged: a screenshot or a picture that was saved again holds no badge."
        ),
    ),
    Step.PROOF: (
        lazy_gettext("Do not rely on this badge: its signature does not fit"),
        lazy_gettext(
            "It was changed after it was signed, or somebody else made it. Ask its holder for the"
            " address or the original file."
        ),
    ),
    Step.ISSUER: (
        lazy_gettext("This badge was not signed by the issuer it names"),
        lazy_gettext(
            "The key that signed it is not one of the issuer’s. Do not rely on it; ask the issuer."
        ),
    ),
    Step.STATUS: (
        lazy_gettext("This badge was withdrawn by its issuer"),
        lazy_gettext(
            "Do not rely on this copy. The earner may hold a later one: ask for its address, or"
            " ask the issuer."
        ),
    ),
    Step.TIME: (
        lazy_gettext("This badge is not in date"),
        lazy_gettext(
            "Its dates say that it does not count today. The earner may have renewed it: ask for"
            " the newer one."
        ),
    ),
    Step.RECIPIENT: (
        lazy_gettext("This badge belongs to somebody else"),
        lazy_gettext("The address you gave is not the one that this badge was issued to."),
    ),
    Step.SHAPE: (
        lazy_gettext("This badge is not put together as the standard asks"),
        lazy_gettext("Its issuer should correct and issue it again; other programs may refuse it."),
    ),
    Step.SAFE_MODE: (
        lazy_gettext("This badge says things that are not defined"),
        lazy_gettext("Its issuer should correct and issue it again; other programs may refuse it."),
    ),
    Step.ENDORSEMENTS: (
        lazy_gettext("Something that others added to this badge does not hold"),
        lazy_gettext(
            "The endorsement that is marked is not genuine, whatever the badge itself is worth."
        ),
    ),
}
_STATES = {
    StepStatus.PASSED: ("done", "good", lazy_gettext("Holds")),
    StepStatus.FAILED: ("no", "bad", lazy_gettext("Does not hold")),
    StepStatus.NOT_POSSIBLE: ("", "warn", lazy_gettext("Could not be checked")),
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


_PROBLEMS_SHOWN = 8


def show_report(report: Report) -> ShownReport:
    """`report` in the language of this request."""
    title, meaning, kind = _verdict(report)
    held = sum(result.status is StepStatus.PASSED for result in report.steps)
    lead = ngettext(
        "%(held)d of %(num)d check holds.",
        "%(held)d of %(num)d checks hold.",
        len(report.steps),
        held=held,
    )
    if held == len(report.steps):
        lead = gettext("All %(count)d checks hold.", count=held)
    elif len(report.steps) == 1:
        lead = ""
    read_here = report.details.get("read_here", ())
    form = {"json": "JSON", "jwt": "VC-JWT", "hosted": "hosted", "signed": "JWS"}
    machine = f"Open Badges {report.version}.0, {form.get(report.format or '', '')}"
    proven = {result.step for result in report.steps if result.status is StepStatus.PASSED}
    return ShownReport(
        title=title,
        lead=lead,
        meaning=meaning,
        kind=kind,
        steps=tuple(map(_step, report.steps)),
        endorsements=tuple(map(_endorsement, report.endorsements)),
        read_here=tuple(read_here),
        machine=machine if report.version else "",
        unproven=not {Step.PROOF, Step.ISSUER} <= proven,
    )


def _verdict(report: Report) -> tuple[str, str, str]:
    if report.outcome is Outcome.VALID:
        return (
            gettext("This badge is genuine and valid"),
            gettext("It says what its issuer signed, and its issuer stands by it today."),
            "good",
        )
    if report.outcome is Outcome.UNDECIDED:
        return (
            gettext("Not everything about this badge could be checked"),
            gettext(
                "Nothing speaks against it, but it is not confirmed either. Try again later; if"
                " it stays like this, ask the issuer."
            ),
            "warn",
        )
    failed = {result.step for result in report.steps if result.status is StepStatus.FAILED}
    step = next(step for step in _GRAVITY if step in failed)
    title, meaning = _FAILED[step]
    result = report.step(step)
    if result is not None and result.message.code == "time.expired":
        title = gettext("This badge has expired")
    elif result is not None and result.message.code == "time.early":
        title = gettext("This badge is not valid yet")
    return str(title), str(meaning), "bad"


def _step(result: StepResult) -> ShownStep:
    state, kind, word = _STATES[result.status]
    problems = tuple(
        (found.pointer or "/", _words(found.message)) for found in result.problems[:_PROBLEMS_SHOWN]
    )
    return ShownStep(
        state=state,
        title=str(_TITLES[result.step]),
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
        return found.message  # the step would speak of the badge
    wanted = {Outcome.INVALID: StepStatus.FAILED, Outcome.UNDECIDED: StepStatus.NOT_POSSIBLE}
    status = wanted.get(found.outcome)
    steps = (
        result.message
        for result in found.steps
        if result.status is status and result.message.code != "time.expired"
    )
    return next(steps, found.message)


def _words(message: Message) -> str:
    """The library's sentence in this language, its dates as people read them."""
    params = dict(message.params)
    reason = params.get("reason")
    if isinstance(reason, str) and reason:
        # The library's own sentences are translated; what others said stays as it is.
        params["reason"] = str(gettext(reason)) if "%" not in reason else reason
    moment = parse_moment(params.get("date"))
    if moment is not None:
        params["date"] = format_date(moment, gettext("d MMMM y"))
    translated = str(gettext(message.template))
    return translated % params if params else translated
