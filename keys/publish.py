"""What the world may see of a ring: a JWK Set, a single JWK, an issuer's DID document.

RFC 7517 (JWK), W3C DID Core 1.0 and Controlled Identifiers 1.0 (verification methods), the did:web
method. Keys that were ever active stay listed, so that old signatures keep verifying; compromised
ones are never passed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from keys.models import SigningKey

_JOSE_NAMES = {"RS256": "RS256", "Ed25519": "EdDSA"}
_DID_CONTEXTS = (
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/multikey/v1",
    "https://w3id.org/security/jwk/v1",
)


def single_jwk(key: SigningKey) -> dict[str, Any]:
    """One public JWK, as `/keys/<kid>` serves it (never a set, never a private member)."""
    return {**key.public_jwk, "alg": _JOSE_NAMES[key.algorithm], "use": "sig"}


def jwk_set(keys: Iterable[SigningKey]) -> dict[str, Any]:
    """A JWK Set in the order given, each key with its `kid`."""
    return {"keys": [{**single_jwk(key), "kid": key.kid} for key in keys]}


def verification_method_id(did: str, key: SigningKey) -> str:
    """The id of `key` in the DID document of `did`: its Multikey form, or its kid for RSA."""
    return f"{did}#{key.public_multibase or key.kid}"


def did_document(did: str, keys: Iterable[SigningKey]) -> dict[str, Any]:
    """The DID document of `did`, with one verification method per key, in the order given.

    `assertionMethod` lists them as strings, which is the form that every known verifier reads.
    """
    methods = [_method(did, key) for key in keys]
    return {
        "@context": list(_DID_CONTEXTS),
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }


def _method(did: str, key: SigningKey) -> dict[str, Any]:
    head = {"id": verification_method_id(did, key), "controller": did}
    if key.public_multibase:
        return {**head, "type": "Multikey", "publicKeyMultibase": key.public_multibase}
    jwk = {**key.public_jwk, "kid": key.kid, "alg": _JOSE_NAMES[key.algorithm]}
    return {**head, "type": "JsonWebKey", "publicKeyJwk": jwk}
