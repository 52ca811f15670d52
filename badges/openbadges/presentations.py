"""Showing that a DID is one's own: a verifiable presentation signed over a challenge (DIDAuth).

Verifiable Presentation Request, "DID Authentication"; Verifiable Credentials 2.0, section 4.13.
What the presentation carries besides is not looked at: it is read for who made it alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from badges.openbadges.canonical import Canonicalizer
from badges.openbadges.documents import as_list, id_of
from badges.openbadges.errors import (
    CanonicalizationError,
    CanonicalizerBusyError,
    KeyFormatError,
    PresentationError,
    ProofError,
    ResolutionError,
)
from badges.openbadges.issuer_keys import authentication_key
from badges.openbadges.messages import N_
from badges.openbadges.moments import parse_moment
from badges.openbadges.proofs import data_integrity
from badges.openbadges.resolution import ControllerResolver

# What a wallet may sign with, in the words of a request: the suites of `data_integrity`.
ACCEPTED_SUITES: Final = (*data_integrity.SUITES, "Ed25519Signature2020")
_LONGEST_DID: Final = 2000


def holder_of(
    presentation: Mapping[str, Any],
    *,
    challenge: str,
    domain: str,
    controllers: ControllerResolver,
    now: datetime,
    domain_required: bool = True,
    canonicalizer: Canonicalizer | None = None,
) -> str:
    """The DID of whoever made a presentation for this challenge.

    Args:
        presentation: the presentation, with one embedded proof made for `authentication`.
        challenge: the secret that it must answer; whoever gave it out uses it once.
        domain: whom it must be made for.
        controllers: where the documents of DIDs come from.
        now: an aware moment.
        domain_required: some wallets name no domain where they were given none; one that is named
            must be right in any case.
        canonicalizer: a bounded child process by default.

    Raises:
        PresentationError: it shows nothing: another challenge, somebody else's key, a broken or
            expired proof, or words that its contexts do not define.
        ResolutionError: the document of the DID cannot be had.
        CanonicalizerBusyError: too much is being checked at this moment.
    """
    if "VerifiablePresentation" not in as_list(presentation.get("type")):
        raise PresentationError(N_("What was sent is not a presentation of a wallet."))
    holder, proofs = id_of(presentation.get("holder")), as_list(presentation.get("proof"))
    if holder is None or not holder.startswith("did:") or len(holder) > _LONGEST_DID:
        raise PresentationError(N_("The presentation does not name its holder by a DID."))
    if len(proofs) != 1 or not isinstance(proofs[0], Mapping):
        raise PresentationError(N_("The presentation needs one proof."))
    proof = proofs[0]
    _check_answer(proof, challenge, domain, domain_required)
    _check_dates(proof, now)
    try:
        read = data_integrity.read_proof(proof, purpose="authentication")
        key = authentication_key(read.verification_method, holder, controllers, now)
        signed = data_integrity.signed_data(presentation, read, key, canonicalizer=canonicalizer)
        data_integrity.check_signature(read, key, signed)
    except (ResolutionError, CanonicalizerBusyError):
        raise
    except (ProofError, KeyFormatError, CanonicalizationError) as error:
        raise PresentationError(f"The proof of the presentation does not hold: {error}") from error
    if signed.problems:
        # A challenge that the contexts do not define would not be under the signature.
        raise PresentationError(
            f"The presentation says things that its contexts do not define: {signed.problems[0]}"
        )
    return holder


def _check_answer(
    proof: Mapping[str, Any], challenge: str, domain: str, domain_required: bool
) -> None:
    given = proof.get("challenge")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), challenge.encode()):
        raise PresentationError(N_("The presentation was made for another request."))
    named = as_list(proof.get("domain"))
    if domain_required and not named:
        raise PresentationError(N_("The presentation does not say whom it was made for."))
    if named and named != [domain]:
        raise PresentationError(N_("The presentation was made for somebody else."))


def _check_dates(proof: Mapping[str, Any], now: datetime) -> None:
    expires = parse_moment(proof.get("expires"))
    if expires is not None and expires <= now:
        raise PresentationError(N_("The proof of the presentation has expired."))
