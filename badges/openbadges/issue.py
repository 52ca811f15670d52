"""Issuing: the checks that come before a signature, then the signature.

Nothing leaves here that its shape or JSON-LD safe mode would fail (R3). A badge of our own shape
shows that by being read directly (`proofs.known_shape`); anything else is checked in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from badges.openbadges.documents import JsonObject, id_of
from badges.openbadges.errors import InvalidCredentialError
from badges.openbadges.jsonld import safe_mode_problems
from badges.openbadges.messages import N_, Problem, problem
from badges.openbadges.model import AchievementCredential, EndorsementCredential
from badges.openbadges.proofs import data_integrity, known_shape, vc_jwt
from badges.openbadges.proofs.data_integrity import Signer, SignFunction
from badges.openbadges.proofs.known_shape import Known
from badges.openbadges.shape import check_shape


@dataclass(slots=True)
class Draft:
    """A document about to be signed, and what is known of it; see `draft`."""

    document: JsonObject
    known: Known | None


Credential = Mapping[str, Any] | AchievementCredential | EndorsementCredential | Draft


def draft(credential: Credential) -> Draft:
    """Read a credential once, where it is going to be signed in both forms."""
    if isinstance(credential, Draft):
        return credential
    if isinstance(credential, (AchievementCredential, EndorsementCredential)):
        document = credential.to_document()
    else:
        document = dict(credential)
    return Draft(document, known_shape.read(document))


def issue(
    credential: Credential,
    signer: Signer | SignFunction,
    *,
    verification_method: str,
    created: datetime,
) -> JsonObject:
    """Check a credential and sign it with an embedded eddsa-rdfc-2022 proof (R23, R24).

    Args:
        credential: a credential of `model`, its document, or a draft of it, without a proof.
        signer: makes Ed25519 signatures.
        verification_method: the public key's address; it begins with the issuer's id and `#`.
        created: when the proof is made, aware.

    Raises:
        InvalidCredentialError: a fault of shape, of safe mode, or a key of another controller.
        CanonicalizationError: the document cannot be read as JSON-LD.
        ProofError: the signer gave no Ed25519 signature.
    """
    ready = draft(credential)
    document, known = ready.document, ready.known
    if known is not None and verification_method.startswith(f"{known.issuer}#"):
        return data_integrity.sign_known(
            document, known, signer, verification_method=verification_method, created=created
        )
    problems = _problems(document)
    issuer = id_of(document.get("issuer"))
    if issuer is not None and not verification_method.startswith(f"{issuer}#"):
        problems.append(
            problem("/issuer", "issue.key", N_("the signing key is not one of the issuer's"))
        )
    if _holds_jwt_endorsement(document):
        # R22: consumers hold two versions of the context and would hash two documents.
        problems.append(
            problem(
                "",
                "issue.endorsement-jwt",
                N_("an endorsement as a token can only stand in a credential signed as a token"),
            )
        )
    if problems:
        raise InvalidCredentialError(problems)
    return data_integrity.sign(
        document, signer, verification_method=verification_method, created=created
    )


def issue_jwt(
    credential: Credential,
    key: rsa.RSAPrivateKey | Signer | SignFunction,
    *,
    key_id: str | None = None,
    public_jwk: Mapping[str, str] | None = None,
) -> str:
    """Check a credential and sign it as an RS256 VC-JWT (R19, R26, R27).

    Args:
        credential: a credential of `model`, its document, or a draft of it; it may already
            carry an embedded proof (R28).
        key: an RSA private key object, or whatever makes RS256 signatures.
        key_id: the address of the public JWK; or
        public_jwk: the public JWK itself.

    Raises:
        InvalidCredentialError: a fault of shape or safe mode, or no subject id.
        KeyFormatError: the key is too short.
    """
    ready = draft(credential)
    document, known = ready.document, ready.known
    if known is None:
        problems = _problems(document)
        if "proof" not in document:
            problems.extend(safe_mode_problems(document))
        if problems:
            raise InvalidCredentialError(problems)
    return vc_jwt.sign(document, key, key_id=key_id, public_jwk=public_jwk, known=known)


def _problems(document: JsonObject) -> list[Problem]:
    types = document.get("type")
    kind = "AchievementCredential"
    for other in ("EndorsementCredential", "BitstringStatusListCredential"):
        if isinstance(types, list) and other in types:
            kind = other
    return check_shape(document, kind=kind, strict=True)


def _holds_jwt_endorsement(value: Any) -> bool:
    if isinstance(value, dict):
        return "endorsementJwt" in value or any(
            _holds_jwt_endorsement(inner) for inner in value.values()
        )
    return isinstance(value, list) and any(_holds_jwt_endorsement(item) for item in value)
