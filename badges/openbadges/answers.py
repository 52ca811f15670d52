"""What the steps of an examination answer, in words: the sentences that need no document.

Those for a part that a holder shows speak of "it", which is a badge or an endorsement alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from badges.openbadges.errors import (
    CanonicalizationError,
    CanonicalizerBusyError,
    ProofError,
    UnsupportedProofError,
)
from badges.openbadges.jsonld import unreadable
from badges.openbadges.messages import N_, Problem
from badges.openbadges.report import Step, StepResult, StepStatus, failed, not_possible, passed

# Kinds of proofs that are passed over where another one decides.
_UNDECIDED = frozenset(["proof.unknown", "proof.for-holder"])


def safe_mode(problems: Sequence[Problem]) -> StepResult:
    """Whether every word is defined, by the faults that safe mode found."""
    if problems:
        return failed(
            Step.SAFE_MODE,
            "undefined",
            N_("The badge says things that its contexts do not define: %(count)s in number."),
            problems=tuple(problems),
            count=len(problems),
        )
    return passed(
        Step.SAFE_MODE, "defined", N_("Every word of the badge is defined by its contexts.")
    )


def no_canonical_form(error: CanonicalizationError) -> StepResult:
    """The safe mode of a document that has no canonical form within the limits."""
    if isinstance(error, CanonicalizerBusyError):
        return not_possible(
            Step.SAFE_MODE, "busy", N_("Too many badges are being checked; try again soon.")
        )
    return failed(
        Step.SAFE_MODE,
        "unreadable",
        N_("The badge cannot be read as JSON-LD: %(reason)s"),
        problems=(unreadable(error),),
        reason=str(error),
    )


def combine(judged: list[tuple[StepResult, StepResult]]) -> tuple[StepResult, StepResult]:
    """One answer for all proofs: any that fails fails; unknown kinds count if alone."""
    known = [pair for pair in judged if pair[1].message.code not in _UNDECIDED] or judged
    worst = {StepStatus.FAILED: 0, StepStatus.NOT_POSSIBLE: 1, StepStatus.PASSED: 2}
    issuer = min((pair[0] for pair in known), key=lambda result: worst[result.status])
    proof = min((pair[1] for pair in known), key=lambda result: worst[result.status])
    return issuer, proof


def holds() -> StepResult:
    """The proof holds, over the whole document."""
    return passed(Step.PROOF, "holds", N_("The badge is unchanged since it was signed."))


def holds_in_part() -> StepResult:
    """The proof holds, over what its holder chose to show."""
    return passed(
        Step.PROOF,
        "holds-in-part",
        N_(
            "What is shown is unchanged since it was signed. Its holder chose what to show; its"
            " issuer may have said more."
        ),
    )


def for_holder() -> tuple[StepResult, StepResult]:
    """Issuer and proof where a base proof was brought, which is for its holder alone."""
    return (
        not_possible(
            Step.ISSUER,
            "for-holder",
            N_("Who issued it can be checked in a copy that its holder makes for showing."),
        ),
        not_possible(
            Step.PROOF,
            "for-holder",
            N_(
                "This is the form that an issuer gives to the holder alone. It can be checked once"
                " its holder makes a copy for showing from it, in a wallet."
            ),
        ),
    )


def broken(error: ProofError) -> StepResult:
    """The proof does not hold, or is of a kind that is not known here."""
    if isinstance(error, UnsupportedProofError):
        return not_possible(Step.PROOF, "unknown", "%(reason)s", reason=str(error))
    return failed(
        Step.PROOF, "broken", N_("The proof does not hold: %(reason)s"), reason=str(error)
    )


def no_key() -> StepResult:
    """The proof of a document whose key could not be had."""
    return not_possible(
        Step.PROOF, "no-key", N_("Without the issuer's key the proof cannot be checked.")
    )


def unnamed_key() -> StepResult:
    """The issuer of a document whose proof cannot be read as far as its key."""
    return not_possible(
        Step.ISSUER, "no-key", N_("The proof does not name a key that could be looked up.")
    )


def refused(reason: str) -> StepResult:
    """The key is not the issuer's own."""
    return failed(
        Step.ISSUER,
        "wrong-key",
        N_("The key that signed is not the issuer's: %(reason)s"),
        reason=reason,
    )


def unconfirmed(reason: str) -> StepResult:
    """The issuer could not be asked."""
    return not_possible(
        Step.ISSUER,
        "unconfirmed",
        N_("The issuer could not be asked which keys are its own: %(reason)s"),
        reason=reason,
    )


def shape_not_shown(problems: Sequence[Problem]) -> StepResult:
    """The shape of a part, which lacks what may stand in the rest."""
    return not_possible(
        Step.SHAPE,
        "not-shown",
        N_(
            "Its holder shows only a part of it, without all that Open Badges 3.0 asks for: its"
            " form could not be checked. Not shown: %(count)s."
        ),
        problems=tuple(problems),
        count=len(problems),
    )


def issuer_not_shown() -> StepResult:
    """The issuer of a part that does not name it."""
    return not_possible(
        Step.ISSUER, "not-shown", N_("Its holder shows only a part of it, and not its issuer.")
    )


def time_not_shown(*, begins: bool) -> StepResult:
    """The time of a part that lacks its end, or where not even `begins` its beginning."""
    if not begins:
        return not_possible(
            Step.TIME,
            "begin-not-shown",
            N_(
                "Its holder shows only a part of it, and not from when it is valid. That could not"
                " be checked."
            ),
        )
    return not_possible(
        Step.TIME,
        "end-not-shown",
        N_(
            "Its holder shows only a part of it, and no date on which it expires. Whether there is"
            " one could not be checked."
        ),
    )
