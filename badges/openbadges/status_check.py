"""Whether a credential was revoked or suspended, by the list that its entry names (R29-R32)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from badges.openbadges.documents import JsonObject, as_list, id_of, parse_object
from badges.openbadges.errors import DocumentError, ProofError, ResolutionError, StatusListError
from badges.openbadges.messages import N_
from badges.openbadges.proofs import vc_jwt
from badges.openbadges.report import (
    Step,
    StepResult,
    StepStatus,
    failed,
    not_possible,
    passed,
)
from badges.openbadges.resolution import ACCEPT_CREDENTIAL, ControllerResolver, fetch
from badges.openbadges.status_list import StatusList

# Judges the list credential itself; given its document and, for a token, the token.
ListCheck = Callable[[JsonObject, vc_jwt.Token | None], str | None]

_LISTED = {
    "revocation": N_("The issuer has revoked this badge."),
    "suspension": N_("The issuer has suspended this badge for now."),
}


def check_status(
    document: Mapping[str, Any],
    controllers: ControllerResolver,
    check_list: ListCheck,
) -> StepResult:
    """The status step.

    Args:
        document: the credential.
        controllers: gives the resolver.
        check_list: verifies the list as a credential; returns what is wrong, or None.
    """
    entries = as_list(document.get("credentialStatus"))
    if not entries:
        return passed(Step.STATUS, "none", N_("This badge was issued for good."))
    results = [_entry(entry, document, controllers, check_list) for entry in entries]
    order = {"failed": 0, "not_possible": 1, "passed": 2}
    return min(results, key=lambda result: order[result.status.value])


def in_selection(result: StepResult, *, mandatory: bool) -> StepResult:
    """The status step of a credential of which its holder shows a part.

    Args:
        result: the step, as `check_status` answered it from what is shown.
        mandatory: whether the issuer had all of the status shown; else an entry, or a part of
            one, may have been left out, and nobody would see it.
    """
    told = result.status is not StepStatus.PASSED and result.message.code != "status.malformed"
    if mandatory or told:
        return result
    return not_possible(
        Step.STATUS,
        "not-shown",
        N_(
            "Its holder shows only a part of it, and may have left out where its issuer says"
            " whether it was revoked. That could not be checked."
        ),
    )


def _entry(
    entry: Any,
    document: Mapping[str, Any],
    controllers: ControllerResolver,
    check_list: ListCheck,
) -> StepResult:
    if not isinstance(entry, Mapping):
        return failed(Step.STATUS, "malformed", N_("The badge's status entry cannot be read."))
    kind = entry.get("type")
    try:
        if kind == "BitstringStatusListEntry":
            return _bitstring(entry, document, controllers, check_list)
        if kind == "1EdTechRevocationList":
            return _revocation_list(entry, document, controllers)
    except ResolutionError as error:
        return not_possible(
            Step.STATUS,
            "unreachable",
            N_("The issuer's list of revoked badges could not be had: %(reason)s"),
            reason=str(error),
        )
    except (DocumentError, ProofError, StatusListError) as error:
        return failed(
            Step.STATUS,
            "list",
            N_("The issuer's list of revoked badges cannot be trusted: %(reason)s"),
            reason=str(error),
        )
    return not_possible(
        Step.STATUS,
        "unknown",
        N_("The badge's status is kept in a way that is not known here: %(kind)s"),
        kind=str(kind),
    )


def _bitstring(
    entry: Mapping[str, Any],
    document: Mapping[str, Any],
    controllers: ControllerResolver,
    check_list: ListCheck,
) -> StepResult:
    purpose = entry.get("statusPurpose")
    url, index = entry.get("statusListCredential"), entry.get("statusListIndex")
    if not isinstance(purpose, str) or not isinstance(url, str) or not _is_index(index):
        return failed(Step.STATUS, "malformed", N_("The badge's status entry cannot be read."))
    body, _content_type = fetch(controllers.resolver, url, ACCEPT_CREDENTIAL)
    listed, token = _read_list(body)
    if listed.get("id") != url:
        raise StatusListError(N_("it has another address than the badge names."))
    if id_of(listed.get("issuer")) != id_of(document.get("issuer")):
        raise StatusListError(N_("it is not the issuer's own."))
    fault = check_list(listed, token)
    if fault is not None:
        raise StatusListError(fault)
    subject = listed.get("credentialSubject")
    if not isinstance(subject, Mapping) or "BitstringStatusList" not in as_list(
        subject.get("type")
    ):
        raise StatusListError(N_("it is not a Bitstring status list."))
    if purpose not in as_list(subject.get("statusPurpose")):
        raise StatusListError(N_("it serves another purpose."))
    bit = StatusList.decode(subject.get("encodedList"))[int(str(index)[:12])]
    if bit and purpose in _LISTED:
        return failed(Step.STATUS, purpose, _LISTED[purpose])
    return passed(Step.STATUS, "current", N_("The issuer has not revoked this badge."))


def _is_index(index: object) -> bool:
    return isinstance(index, str) and index.isascii() and index.isdigit()


def _read_list(body: bytes) -> tuple[JsonObject, vc_jwt.Token | None]:
    text = body.strip()
    if text.startswith(b"{"):
        return parse_object(body, limit=16 * 1024 * 1024), None
    try:
        token = vc_jwt.decode(text.decode("ascii"))
    except UnicodeDecodeError as error:
        raise StatusListError(N_("it is neither JSON nor a token.")) from error
    return token.credential, token


def _revocation_list(
    entry: Mapping[str, Any], document: Mapping[str, Any], controllers: ControllerResolver
) -> StepResult:
    """R32: the deprecated list of 1EdTech, unsigned and fetched from the issuer."""
    url = id_of(entry)
    if url is None:
        return failed(Step.STATUS, "malformed", N_("The badge's status entry cannot be read."))
    listed = parse_object(fetch(controllers.resolver, url, ACCEPT_CREDENTIAL)[0])
    if id_of(listed.get("issuer")) != id_of(document.get("issuer")):
        raise StatusListError(N_("it is not the issuer's own."))
    for revoked in as_list(listed.get("revokedCredential")):
        if id_of(revoked) == document.get("id") and (
            not isinstance(revoked, Mapping) or revoked.get("revoked", True)
        ):
            reason = revoked.get("revocationReason") if isinstance(revoked, Mapping) else None
            if isinstance(reason, str):
                return failed(
                    Step.STATUS,
                    "revoked-because",
                    N_("The issuer has revoked this badge: %(reason)s"),
                    reason=reason,
                )
            return failed(Step.STATUS, "revocation", _LISTED["revocation"])
    return passed(Step.STATUS, "current", N_("The issuer has not revoked this badge."))
