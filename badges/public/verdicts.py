"""What a verification means: the title of its page, and what to do; for badges and endorsements.

An endorsement (Open Badges 3.0, B.1.9) is verified as a badge is, and is never called one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from badges.openbadges.report import Outcome, Report, Step, StepStatus

_STEPS: Final = {
    Step.READ: _l("It can be read"),
    Step.SHAPE: _l("Its form follows the standard"),
    Step.SAFE_MODE: _l("Every word in it has a defined meaning"),
    Step.ISSUER: _l("The issuer can be found"),
    Step.PROOF: _l("The signature fits"),
    Step.STATUS: _l("It has not been withdrawn"),
    Step.TIME: _l("It is in date"),
    Step.RECIPIENT: _l("It belongs to this person"),
    Step.ENDORSEMENTS: _l("What others add to it holds"),
}
# Also what a badge's own page says of an address: people have several.
NOT_TO_THIS_ADDRESS: Final = _l("Not to this address.")
ASK_WHICH_ADDRESS: Final = _l(
    "People have several addresses: ask which one the badge was issued to."
)
# The first of these that does not hold gives the page its title.
_GRAVITY: Final = (
    Step.READ, Step.PROOF, Step.ISSUER, Step.STATUS, Step.TIME, Step.RECIPIENT, Step.SHAPE,
    Step.SAFE_MODE, Step.ENDORSEMENTS,
)  # fmt: skip
_FAILED: Final[Mapping[Step, tuple[Any, Any]]] = {
    Step.READ: (
        _l("There is no badge in this"),
        _l(
            "Nothing is said about any badge. Choose the PNG, SVG or JSON file that its issuer"
            " gave, unchanged: a screenshot or a picture that was saved again holds no badge."
        ),
    ),
    Step.PROOF: (
        _l("Do not rely on this badge: its signature does not fit"),
        _l(
            "It was changed after it was signed, or somebody else made it. Ask its holder for the"
            " address or the original file."
        ),
    ),
    Step.ISSUER: (
        _l("This badge was not signed by the issuer it names"),
        _l("The key that signed it is not one of the issuer’s. Do not rely on it; ask the issuer."),
    ),
    Step.STATUS: (
        _l("This badge was withdrawn by its issuer"),
        _l(
            "Do not rely on this copy. The earner may hold a later one: ask for its address, or"
            " ask the issuer."
        ),
    ),
    Step.TIME: (
        _l("This badge is not in date"),
        _l(
            "Its dates say that it does not count today. The earner may have renewed it: ask for"
            " the newer one."
        ),
    ),
    Step.RECIPIENT: (
        NOT_TO_THIS_ADDRESS,
        ASK_WHICH_ADDRESS,
    ),
    Step.SHAPE: (
        _l("This badge is not put together as the standard asks"),
        _l("Its issuer should correct and issue it again; other programs may refuse it."),
    ),
    Step.SAFE_MODE: (
        _l("This badge says things that are not defined"),
        _l("Its issuer should correct and issue it again; other programs may refuse it."),
    ),
    Step.ENDORSEMENTS: (
        _l("Something that others added to this badge does not hold"),
        _l("The endorsement that is marked is not genuine, whatever the badge itself is worth."),
    ),
}
# An endorsement: what is not here is said of it as of a badge.
_FAILED_ENDORSEMENT: Final[Mapping[Step, tuple[Any, Any]]] = {
    **_FAILED,
    Step.PROOF: (
        _l("Do not rely on this endorsement: its signature does not fit"),
        _l(
            "It was changed after it was signed, or somebody else made it. Ask whoever gave it for"
            " its address or the original file."
        ),
    ),
    Step.ISSUER: (
        _l("This endorsement was not signed by the issuer it names"),
        _FAILED[Step.ISSUER][1],
    ),
    Step.STATUS: (
        _l("This endorsement was withdrawn by its issuer"),
        _l(
            "Do not rely on it: its issuer no longer says so. What it was about may hold all the"
            " same; check that by itself."
        ),
    ),
    Step.TIME: (
        _l("This endorsement is not in date"),
        _l("Its dates say that it does not count today. Its issuer may have given a newer one."),
    ),
    Step.RECIPIENT: (
        _l("Not about this address."),
        _l("People have several addresses: ask which one the endorsement is about."),
    ),
    Step.SHAPE: (
        _l("This endorsement is not put together as the standard asks"),
        _FAILED[Step.SHAPE][1],
    ),
    Step.SAFE_MODE: (
        _l("This endorsement says things that are not defined"),
        _FAILED[Step.SAFE_MODE][1],
    ),
    Step.ENDORSEMENTS: (
        _l("Something that others added to this endorsement does not hold"),
        _l("What is marked is not genuine, whatever the endorsement itself is worth."),
    ),
}


@dataclass(frozen=True)
class _Wording:
    """What is said of one kind of credential; lazy texts."""

    steps: Mapping[Step, Any]
    failed: Mapping[Step, tuple[Any, Any]]
    valid: Any
    genuine: Any
    undecided: Any
    expired: Any
    early: Any


_BADGE: Final = _Wording(
    _STEPS,
    _FAILED,
    valid=_l("This badge is genuine and valid"),
    genuine=_l("It says what its issuer signed, and its issuer stands by it today."),
    undecided=_l("Not everything about this badge could be checked"),
    expired=_l("This badge has expired"),
    early=_l("This badge is not valid yet"),
)
_ENDORSEMENT: Final = _Wording(
    {
        **_STEPS,
        Step.STATUS: _l("This endorsement has not been withdrawn"),
        Step.RECIPIENT: _l("It is about this person"),
        Step.ENDORSEMENTS: _l("What others add to this endorsement holds"),
    },
    _FAILED_ENDORSEMENT,
    valid=_l("This endorsement is genuine and valid"),
    genuine=_l("These are the words that its issuer signed, and its issuer stands by them today."),
    undecided=_l("Not everything about this endorsement could be checked"),
    expired=_l("This endorsement has expired"),
    early=_l("This endorsement is not valid yet"),
)


def step_title(report: Report, step: Step) -> str:
    """What a step of `report` is called, in the language of this request."""
    return str(_wording(report).steps[step])


def verdict(report: Report) -> tuple[str, str, str]:
    """The title, what it means for the reader, and its kind: good, warn or bad."""
    wording = _wording(report)
    if report.outcome is Outcome.VALID:
        return str(wording.valid), str(wording.genuine), "good"
    if report.outcome is Outcome.UNDECIDED:
        meaning = gettext(
            "Nothing speaks against it, but it is not confirmed either. Try again later; if"
            " it stays like this, ask the issuer."
        )
        codes = {result.message.code for result in report.steps}
        if "proof.for-holder" in codes:
            meaning = gettext("Ask its holder for a copy that is made for showing.")
        elif any(code.endswith("not-shown") for code in codes):
            meaning = gettext(
                "Nothing speaks against what is shown, but what was left out may decide whether it"
                " counts. Ask its holder to show more of it."
            )
        return str(wording.undecided), meaning, "warn"
    failed = {result.step for result in report.steps if result.status is StepStatus.FAILED}
    step = next(step for step in _GRAVITY if step in failed)
    result = report.step(step)
    if result is not None and result.message.code == "shape.no-badge":
        step = Step.READ
    title, meaning = wording.failed[step]
    if result is not None and result.message.code == "time.expired":
        title = wording.expired
    elif result is not None and result.message.code == "time.early":
        title = wording.early
    # Somebody may have meant another of their addresses; nothing else speaks against it.
    return str(title), str(meaning), "warn" if failed == {Step.RECIPIENT} else "bad"


def _wording(report: Report) -> _Wording:
    return _ENDORSEMENT if report.is_endorsement else _BADGE
