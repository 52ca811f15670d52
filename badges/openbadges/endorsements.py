"""Endorsements inside a badge: others' signed words, each verified on its own (R20, R21)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from badges.openbadges.documents import JsonObject, as_list, id_of
from badges.openbadges.errors import ProofError
from badges.openbadges.messages import N_, Message
from badges.openbadges.model import award_of
from badges.openbadges.proofs import vc_jwt
from badges.openbadges.report import (
    EndorsementReport,
    Outcome,
    Step,
    StepResult,
    StepStatus,
    not_possible,
    passed,
)

MAX_ENDORSEMENTS = 10

Examine = Callable[[JsonObject, vc_jwt.Token | None], list[StepResult]]


def check_endorsements(
    document: Mapping[str, Any], examine: Examine
) -> tuple[StepResult | None, tuple[EndorsementReport, ...]]:
    """The endorsements step, None where the badge carries none, and each endorsement's report.

    An endorsement that has expired, or was withdrawn, says no more than that: it does not fail the
    badge, which nobody but its own issuer can take back.

    Args:
        document: the credential.
        examine: answers the steps of one endorsement.
    """
    found = list(_endorsements(document))
    if not found:
        return None, ()
    if len(found) > MAX_ENDORSEMENTS:
        crowd = not_possible(
            Step.ENDORSEMENTS,
            "too-many",
            N_("The badge carries %(count)s endorsements, more than are checked here."),
            count=len(found),
        )
        return crowd, ()
    reports = tuple(_report(item, endorsed, examine) for item, endorsed in found)
    return _step(reports), reports


def _step(reports: tuple[EndorsementReport, ...]) -> StepResult:
    """All endorsements in one answer: the worst of them."""
    for outcome, status in (
        (Outcome.INVALID, StepStatus.FAILED),
        (Outcome.UNDECIDED, StepStatus.NOT_POSSIBLE),
    ):
        for report in reports:
            if report.outcome is outcome and report.message.code != _WITHDRAWN.code:
                return StepResult(Step.ENDORSEMENTS, status, report.message)
    withdrawn = sum(report.message.code == _WITHDRAWN.code for report in reports)
    if withdrawn:
        return passed(
            Step.ENDORSEMENTS,
            "withdrawn",
            N_("Of the badge's endorsements (%(count)s) some were withdrawn: %(withdrawn)s."),
            count=len(reports),
            withdrawn=withdrawn,
        )
    return passed(
        Step.ENDORSEMENTS,
        "hold",
        N_("Every endorsement in the badge holds: %(count)s, expired: %(expired)s."),
        count=len(reports),
        expired=sum(report.message.code == _EXPIRED.code for report in reports),
    )


def _report(item: Any, endorsed: set[str], examine: Examine) -> EndorsementReport:
    token: vc_jwt.Token | None = None
    if isinstance(item, str):
        try:
            token = vc_jwt.decode(item)
        except ProofError as error:
            return EndorsementReport(Outcome.INVALID, _bad(str(error)))
        item = token.credential
    if not isinstance(item, dict):
        return EndorsementReport(Outcome.INVALID, _bad(N_("it cannot be read.")))
    subject = item.get("credentialSubject")
    subject = subject if isinstance(subject, Mapping) else {}
    steps: tuple[StepResult, ...] = ()
    if subject.get("id") in endorsed:
        steps = tuple(examine(item, token))
        outcome, message = _answer(steps)
    else:
        outcome, message = Outcome.INVALID, _bad(N_("it is about something else."))
    return EndorsementReport(
        outcome,
        message,
        id=id_of(item),
        name=_text(item.get("name")),
        issuer=id_of(item.get("issuer")),
        comment=_text(subject.get("endorsementComment")),
        steps=steps,
    )


def _answer(steps: tuple[StepResult, ...]) -> tuple[Outcome, Message]:
    """What the steps of one endorsement come to."""
    codes = {result.message.code for result in steps if result.status is StepStatus.FAILED}
    for result in steps:
        if result.status is StepStatus.FAILED and result.message.code not in _LAPSED:
            return Outcome.INVALID, _bad(result.message.text)
    if codes & _TAKEN_BACK:
        return Outcome.INVALID, _WITHDRAWN
    for result in steps:
        if result.status is StepStatus.NOT_POSSIBLE:
            template = N_("An endorsement in the badge could not be checked: %(reason)s")
            params = {"reason": result.message.text}
            return Outcome.UNDECIDED, Message("endorsements.unknown", template, params)
    return Outcome.VALID, _EXPIRED if "time.expired" in codes else _HOLDS


_HOLDS = Message("endorsements.holds", N_("The endorsement holds."))
_TAKEN_BACK = frozenset({"status.revocation", "status.revoked-because", "status.suspension"})
_LAPSED = _TAKEN_BACK | {"time.expired"}
_WITHDRAWN = Message("endorsements.withdrawn", N_("The endorsement was withdrawn by its issuer."))
_EXPIRED = Message("endorsements.expired", N_("The endorsement was good, and has expired."))


def _bad(reason: str) -> Message:
    template = N_("An endorsement in the badge does not hold: %(reason)s")
    return Message("endorsements.broken", template, {"reason": reason})


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _endorsements(document: Mapping[str, Any]) -> Iterator[tuple[Any, set[str]]]:
    """Every endorsement with the identifiers that it may be about."""
    subject = document.get("credentialSubject")
    subject = subject if isinstance(subject, Mapping) else {}
    achievement = subject.get("achievement")
    places = [document, achievement, document.get("issuer"), subject.get("source")]
    if isinstance(achievement, Mapping):
        places.append(achievement.get("creator"))
    identifiers = {id_of(place) for place in places if isinstance(place, Mapping)}
    endorsed = {identifier for identifier in identifiers if identifier is not None}
    if (own := id_of(document)) is not None:
        endorsed.add(award_of(own))
    for place in places:
        if isinstance(place, Mapping):
            for name in ("endorsement", "endorsementJwt"):
                for item in as_list(place.get(name)):
                    yield item, endorsed
