"""Endorsements inside a badge: others' signed words, each verified on its own (R20, R21)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from badges.openbadges.documents import JsonObject, as_list, id_of
from badges.openbadges.errors import ProofError
from badges.openbadges.messages import N_
from badges.openbadges.proofs import vc_jwt
from badges.openbadges.report import Step, StepResult, StepStatus, failed, not_possible, passed

MAX_ENDORSEMENTS = 10

Examine = Callable[[JsonObject, vc_jwt.Token | None], list[StepResult]]


def check_endorsements(document: Mapping[str, Any], examine: Examine) -> StepResult | None:
    """The endorsements step, or None where the badge carries none.

    An endorsement that has expired says no more than that: it does not fail the badge.

    Args:
        document: the credential.
        examine: answers the steps of one endorsement.
    """
    found = list(_endorsements(document))
    if not found:
        return None
    if len(found) > MAX_ENDORSEMENTS:
        return not_possible(
            Step.ENDORSEMENTS,
            "too-many",
            N_("The badge carries %(count)s endorsements, more than are checked here."),
            count=len(found),
        )
    answers = [_answer(item, endorsed, examine) for item, endorsed in found]
    for result in answers:
        if isinstance(result, StepResult) and result.status is StepStatus.FAILED:
            return result
    for result in answers:
        if isinstance(result, StepResult):
            return result
    return passed(
        Step.ENDORSEMENTS,
        "hold",
        N_("%(count)s endorsements hold; %(expired)s of them have expired."),
        count=len(answers),
        expired=sum(answer is True for answer in answers),
    )


def _answer(item: Any, endorsed: set[str], examine: Examine) -> StepResult | bool:
    """What stands in the way of one endorsement, or whether it has expired."""
    token: vc_jwt.Token | None = None
    if isinstance(item, str):
        try:
            token = vc_jwt.decode(item)
        except ProofError as error:
            return _bad(str(error))
        item = token.credential
    if not isinstance(item, dict):
        return _bad("it cannot be read.")
    subject = item.get("credentialSubject")
    if not isinstance(subject, Mapping) or subject.get("id") not in endorsed:
        return _bad("it is about something else.")
    expired = False
    for result in examine(item, token):
        if result.step is Step.TIME and result.message.code == "time.expired":
            expired = True
        elif result.status is StepStatus.FAILED:
            return _bad(result.message.text)
        elif result.status is StepStatus.NOT_POSSIBLE:
            return not_possible(
                Step.ENDORSEMENTS,
                "unknown",
                N_("An endorsement in the badge could not be checked: %(reason)s"),
                reason=result.message.text,
            )
    return expired


def _bad(reason: str) -> StepResult:
    return failed(
        Step.ENDORSEMENTS,
        "broken",
        N_("An endorsement in the badge does not hold: %(reason)s"),
        reason=reason,
    )


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
    for place in places:
        if isinstance(place, Mapping):
            for name in ("endorsement", "endorsementJwt"):
                for item in as_list(place.get(name)):
                    yield item, endorsed
