"""Comparing the earner that a badge names, hashed or not, with a given identity (R18)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from badges.openbadges.documents import as_list
from badges.openbadges.messages import N_
from badges.openbadges.model import identity_hash
from badges.openbadges.report import Step, StepResult, failed, not_possible, passed


def recipient_step(
    document: Mapping[str, Any], recipient: str, *, selection: bool = False
) -> StepResult:
    """Whether the badge was earned by `recipient`: an address, a DID or another identity.

    Of a `selection` by its holder, another name may have been left out.
    """
    subject = document.get("credentialSubject")
    answer = matches(subject, recipient) if isinstance(subject, Mapping) else None
    if answer is None:
        return not_possible(
            Step.RECIPIENT,
            "unnamed",
            N_("The badge does not name its earner in a way that can be compared."),
        )
    if answer:
        return passed(Step.RECIPIENT, "same", N_("The badge was earned by this person."))
    if selection:
        return not_possible(
            Step.RECIPIENT,
            "not-shown",
            N_("Its holder shows only a part of it, in which this person is not named."),
        )
    return failed(Step.RECIPIENT, "other", N_("The badge was earned by somebody else."))


def matches(subject: Mapping[str, Any], identity: str) -> bool | None:
    """Whether an AchievementSubject is `identity`; None where it names nobody comparable.

    Args:
        subject: the credential's subject.
        identity: an e-mail address, a DID or another identifier.
    """
    entries = [entry for entry in as_list(subject.get("identifier")) if isinstance(entry, Mapping)]
    named = subject.get("id")
    if isinstance(named, str) and named in (identity, f"mailto:{identity}"):
        return True
    answers = [
        identity_matches(
            entry.get("identityHash"), identity, entry.get("hashed"), entry.get("salt")
        )
        for entry in entries
    ]
    known = [answer for answer in answers if answer is not None]
    if known:
        return any(known)
    comparable = isinstance(named, str) and ("@" in identity) == named.startswith("mailto:")
    return False if comparable else None


def identity_matches(written: object, identity: str, hashed: object, salt: object) -> bool | None:
    """Whether one identity, perhaps hashed, is `identity`; None where it cannot be read.

    Issuers hash an address as it was typed; upper and lower case are both tried.
    """
    if not isinstance(written, str) or not identity:
        return None
    candidates = {identity, identity.strip(), identity.strip().lower()}
    if not hashed:
        wanted = {candidate.lower() for candidate in candidates}
        return written.removeprefix("mailto:").strip().lower() in wanted
    algorithm = written.split("$", 1)[0]
    if algorithm not in ("sha256", "md5"):
        return None
    salt = salt if isinstance(salt, str) else ""
    return any(
        hmac.compare_digest(
            identity_hash(candidate, salt, algorithm).encode(), written.lower().encode()
        )
        for candidate in candidates
    )
