"""Embedded proofs: Verifiable Credential Data Integrity 1.0.

Created: eddsa-rdfc-2022, the one embedded proof that certification accepts (R23).
Verified: eddsa-rdfc-2022, eddsa-jcs-2022 (vc-di-eddsa), ecdsa-rdfc-2019, ecdsa-jcs-2019, the
derived proofs of ecdsa-sd-2023 (vc-di-ecdsa), and the older Ed25519Signature2020.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from badges.openbadges.canonical import Canonicalizer, in_process
from badges.openbadges.canonical_guard import Guarded
from badges.openbadges.documents import JsonObject, as_list
from badges.openbadges.errors import (
    InvalidCredentialError,
    KeyFormatError,
    ProofError,
    UnsupportedProofError,
)
from badges.openbadges.jcs import canonical_json
from badges.openbadges.messages import N_, Filled, Problem
from badges.openbadges.model import timestamp
from badges.openbadges.moments import parse_moment
from badges.openbadges.multikey import PublicKey, multibase_decode, multibase_encode
from badges.openbadges.proofs import selective
from badges.openbadges.proofs.known_shape import Known, proof_options
from badges.openbadges.proofs.signatures import check_raw

EDDSA_RDFC_2022 = "eddsa-rdfc-2022"


class Signer(Protocol):
    """Whatever holds an Ed25519 private key: it signs bytes and gives the 64-byte signature."""

    def sign(self, data: bytes, /) -> bytes:
        """The signature of `data`."""
        ...


SignFunction = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Suite:
    """A cryptosuite: how a document is brought into bytes, and which keys sign it."""

    name: str
    elliptic: bool
    rdf: bool


SUITES: Mapping[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite(EDDSA_RDFC_2022, elliptic=False, rdf=True),
        Suite("eddsa-jcs-2022", elliptic=False, rdf=False),
        Suite("ecdsa-rdfc-2019", elliptic=True, rdf=True),
        Suite("ecdsa-jcs-2019", elliptic=True, rdf=False),
    )
}
_WRONG_PURPOSE = {
    "assertionMethod": "The proof was not made to assert something.",
    "authentication": "The proof was not made to show who somebody is.",
}
_ED25519_2020 = Suite("Ed25519Signature2020", elliptic=False, rdf=True)
# For credentials alone, of which a part is shown; a presentation is signed whole.
_ECDSA_SD_2023 = Suite(selective.ECDSA_SD_2023, elliptic=True, rdf=True)


def sign(
    document: Mapping[str, Any],
    signer: Signer | SignFunction,
    *,
    verification_method: str,
    created: datetime,
    canonicalizer: Canonicalizer | None = None,
) -> JsonObject:
    """Add an eddsa-rdfc-2022 proof to a document that we made (vc-di-eddsa, section 3.2.1).

    Args:
        document: the credential without a proof.
        signer: an object with `sign(bytes) -> bytes`, or such a function; Ed25519.
        verification_method: the address of the public key, by the issuer's id (R24).
        created: an aware moment; written in UTC to the second.
        canonicalizer: in process by default.

    Returns:
        A new document with `proof` as an array of one.

    Raises:
        InvalidCredentialError: a term or type does not survive JSON-LD expansion (R3).
        CanonicalizationError: the document is not JSON-LD.
        ProofError: the document already has a proof, or the signer gave no Ed25519 signature.
    """
    if "proof" in document:
        raise ProofError(N_("The document already has a proof."))
    proof = _unsigned_proof(verification_method, created)
    options = {"@context": document.get("@context"), **proof}
    body, config = (canonicalizer or in_process()).canonicalize([document, options])
    problems = (*body.problems, *config.problems)
    if problems:
        raise InvalidCredentialError(problems)
    return _signed(document, proof, signer, (config.nquads, body.nquads))


def sign_known(
    document: Mapping[str, Any],
    known: Known,
    signer: Signer | SignFunction,
    *,
    verification_method: str,
    created: datetime,
) -> JsonObject:
    """Sign as `sign` does, byte for byte, what `known_shape.read` has read of `document`.

    Raises:
        InvalidCredentialError, CanonicalizationError: the key has no sound address.
        ProofError: the signer gave no Ed25519 signature.
    """
    proof = _unsigned_proof(verification_method, created)
    config = proof_options(verification_method, proof["created"])
    if config is None:
        return sign(document, signer, verification_method=verification_method, created=created)
    return _signed(document, proof, signer, (config, known.nquads()))


def _unsigned_proof(verification_method: str, created: datetime) -> JsonObject:
    return {
        "type": "DataIntegrityProof",
        "cryptosuite": EDDSA_RDFC_2022,
        "created": timestamp(created),
        "verificationMethod": verification_method,
        "proofPurpose": "assertionMethod",
    }


def _signed(
    document: Mapping[str, Any],
    proof: JsonObject,
    signer: Signer | SignFunction,
    nquads: tuple[str, str],
) -> JsonObject:
    """The document with its proof over the canonical forms of options and document."""
    data = b"".join(hashlib.sha256(form.encode()).digest() for form in nquads)
    signature = signer(data) if callable(signer) else signer.sign(data)
    if len(signature) != 64:
        raise ProofError(N_("The signer did not return an Ed25519 signature."))
    proof["proofValue"] = multibase_encode(signature)
    return {**document, "proof": [proof]}


@dataclass(frozen=True, slots=True)
class ReadProof:
    """A proof whose form is sound and whose suite is known, before its key is.

    `value` is the signature by the key that the proof names; `disclosure` is there for a proof
    of selective disclosure alone.
    """

    suite: Suite
    value: bytes
    verification_method: str
    proof: Mapping[str, Any]
    disclosure: selective.Disclosure | None = None


def read_proof(proof: object, *, purpose: str = "assertionMethod") -> ReadProof:
    """Check one proof's form (Data Integrity 1.0, section 4.4).

    `purpose` is what it must have been made for; who shows that a DID is theirs makes one for
    `authentication`.

    Raises:
        UnsupportedProofError: a type or suite that is not implemented here, a proof chain, or
            the base proof of a suite of which derived ones are verified.
        ProofError: malformed, or made for another purpose than assertion.
    """
    if not isinstance(proof, Mapping):
        raise ProofError(N_("The proof is not an object."))
    suite = _suite(proof, purpose)
    if "previousProof" in proof:
        raise UnsupportedProofError(N_("Chains of proofs cannot be checked here."))
    if proof.get("proofPurpose") != purpose:
        raise ProofError(_WRONG_PURPOSE[purpose])
    for name in ("created", "expires"):
        if name in proof and parse_moment(proof[name]) is None:
            raise ProofError(
                Filled(
                    N_("The proof's %(name)s is not a date and time with its zone."),
                    name=repr(name),
                )
            )
    method = proof.get("verificationMethod")
    if not isinstance(method, str) or not method:
        raise ProofError(N_("The proof does not name its key."))
    if suite is _ECDSA_SD_2023:
        disclosure = selective.parse(proof.get("proofValue"))
        return ReadProof(suite, disclosure.base_signature, method, proof, disclosure)
    try:
        if not str(proof.get("proofValue")).startswith("z"):
            raise ProofError(N_("The proof's value is not base58."))
        value = multibase_decode(proof.get("proofValue"))
    except KeyFormatError as error:
        raise ProofError(N_("The proof's value is not base58.")) from error
    return ReadProof(suite, value, method, proof)


def _suite(proof: Mapping[str, Any], purpose: str) -> Suite:
    """The suite that a proof names; raises UnsupportedProofError."""
    name, suite = proof.get("cryptosuite"), None
    if proof.get("type") == "DataIntegrityProof":
        suite = SUITES.get(str(name))
        if name == _ECDSA_SD_2023.name and purpose == "assertionMethod":
            suite = _ECDSA_SD_2023
    elif proof.get("type") == "Ed25519Signature2020":
        suite = _ED25519_2020
    if suite is None:
        name = name or proof.get("type")
        raise UnsupportedProofError(
            Filled(N_("Proofs of the kind %(name)s cannot be checked here."), name=repr(name))
        )
    return suite


@dataclass(frozen=True, slots=True)
class Signed:
    """What a proof signed, and the faults that safe mode finds on the way.

    Attributes:
        data: what the key signed that the proof names.
        problems: a valid signature over a document with faults is not a valid badge (R3).
        shown: the statements under a proof of selective disclosure, or None.
    """

    data: bytes
    problems: tuple[Problem, ...]
    shown: selective.Shown | None = None


def signed_data(
    document: Mapping[str, Any],
    read: ReadProof,
    key: PublicKey,
    *,
    canonicalizer: Canonicalizer | None = None,
) -> Signed:
    """Work out what the proof signed.

    Raises:
        ProofError: the proof's context is not that of the document, the wrong kind of key, or
            a disclosure that does not fit the document.
        CanonicalizationError: no canonical form within the limits.
    """
    hash_name = _hash_name(read.suite, key)
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    options = {name: value for name, value in read.proof.items() if name != "proofValue"}
    problems: tuple[Problem, ...] = ()
    if read.suite.rdf:
        options["@context"] = document.get("@context")
        forms = (canonicalizer or Guarded()).canonicalize([unsecured, options], hash_name=hash_name)
        problems = tuple(found for form in forms for found in form.problems)
        body, config = (form.nquads.encode() for form in forms)
    else:
        if "@context" in options:
            given, signed = as_list(document.get("@context")), as_list(options["@context"])
            if given[: len(signed)] != signed:
                raise ProofError(N_("The document's context is not the one that was signed."))
            unsecured["@context"] = options["@context"]
        body, config = canonical_json(unsecured), canonical_json(options)
    config_hash = hashlib.new(hash_name, config).digest()
    if read.disclosure is not None:
        shown = selective.statements(body.decode(), read.disclosure)
        return Signed(shown.signed_with(config_hash), problems, shown)
    return Signed(config_hash + hashlib.new(hash_name, body).digest(), problems)


def verify_proof(
    document: Mapping[str, Any],
    proof: object,
    key: PublicKey,
    *,
    canonicalizer: Canonicalizer | None = None,
) -> list[Problem]:
    """Verify one embedded proof of a stranger's document with a known key.

    The key's owner, its purpose and its dates are not judged here: see `verify`.

    Args:
        document: the secured document; its `proof` member is left out of what is hashed.
        proof: the proof to check.
        key: the public key that the proof names.
        canonicalizer: a bounded child process by default.

    Returns:
        The faults that JSON-LD safe mode finds; a valid signature over a document with
        faults is not a valid badge (R3).

    Raises:
        ProofError: the proof does not hold.
        UnsupportedProofError: a kind that is not implemented here.
        CanonicalizationError: no canonical form within the limits.
    """
    read = read_proof(proof)
    signed = signed_data(document, read, key, canonicalizer=canonicalizer)
    check_signature(read, key, signed)
    return list(signed.problems)


def check_signature(read: ReadProof, key: PublicKey, signed: Signed) -> None:
    """Check a proof's signatures over what `signed_data` gave; raises ProofError."""
    check_raw(key, read.value, signed.data)
    if signed.shown is not None:
        signed.shown.check_chosen()


def _hash_name(suite: Suite, key: PublicKey) -> str:
    if suite.elliptic and isinstance(key, ec.EllipticCurvePublicKey):
        if isinstance(key.curve, ec.SECP256R1):
            return "sha256"
        if isinstance(key.curve, ec.SECP384R1) and suite is not _ECDSA_SD_2023:
            return "sha384"
    if not suite.elliptic and isinstance(key, ed25519.Ed25519PublicKey):
        return "sha256"
    raise ProofError(
        Filled(N_("The key is not of the kind that %(name)s signs with."), name=suite.name)
    )
