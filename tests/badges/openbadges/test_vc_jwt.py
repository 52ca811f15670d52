"""VC-JWT."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from badges.openbadges import (
    InvalidCredentialError,
    KeyFormatError,
    ProofError,
    UnsupportedProofError,
    issue_jwt,
    public_jwk,
)
from badges.openbadges.multikey import base64url_encode
from badges.openbadges.proofs import vc_jwt
from tests.support.ob3 import TestSigner, full_credential, mini_credential, rsa_key, sign

KID = "https://badges.example.org/keys/1"


def verify(text: str, key: Any) -> list[str]:
    return [found.pointer for found in vc_jwt.verify(vc_jwt.decode(text), key)]


def test_the_payload_is_the_credential_and_the_header_is_lean() -> None:
    document = full_credential()
    text = issue_jwt(document, rsa_key(), key_id=KID)
    token = vc_jwt.decode(text)
    assert token.header == {"alg": "RS256", "kid": KID, "typ": "JWT"}
    assert token.credential == document
    assert {name: token.payload[name] for name in ("iss", "jti", "sub", "nbf")} == {
        "iss": document["issuer"]["id"],
        "jti": document["id"],
        "sub": document["credentialSubject"]["id"],
        "nbf": 1777624200,
    }
    assert verify(text, rsa_key().public_key()) == []
    assert jwt.decode(text, rsa_key().public_key(), algorithms=["RS256"])["id"] == document["id"]


def test_a_key_held_elsewhere_signs_the_same() -> None:
    def remote(data: bytes) -> bytes:
        return rsa_key().sign(data, padding.PKCS1v15(), hashes.SHA256())

    class Remote:
        def sign(self, data: bytes, /) -> bytes:
            return remote(data)

    jwk = public_jwk(rsa_key().public_key())
    for signer in (remote, Remote()):
        text = issue_jwt(mini_credential(), signer, public_jwk=jwk)
        assert verify(text, vc_jwt.decode(text).embedded_key()) == []


def test_an_end_is_repeated_as_exp() -> None:
    document = {**mini_credential(), "validUntil": "2030-01-01T00:00:00Z"}
    token = vc_jwt.decode(issue_jwt(document, rsa_key(), key_id=KID))
    assert token.payload["exp"] == 1893456000


def test_an_embedded_proof_may_be_wrapped() -> None:
    signed = sign(mini_credential())
    token = vc_jwt.decode(issue_jwt(signed, rsa_key(), key_id=KID))
    assert token.credential == signed


def test_a_jwt_without_a_subject_id_is_not_made() -> None:
    document = full_credential()
    del document["credentialSubject"]["id"]
    with pytest.raises(InvalidCredentialError, match="sub"):
        issue_jwt(document, rsa_key(), key_id=KID)


def test_one_key_reference_is_given_and_the_key_is_long() -> None:
    with pytest.raises(ValueError, match="Give either"):
        vc_jwt.sign(mini_credential(), rsa_key())
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.raises(KeyFormatError):
        vc_jwt.sign(mini_credential(), short, key_id=KID)


def _forge(header: dict[str, Any], payload: dict[str, Any] | None = None) -> str:
    payload = vc_jwt.claims(mini_credential()) if payload is None else payload
    parts = [base64url_encode(json.dumps(part).encode()) for part in (header, payload)]
    signature = rsa_key().sign(".".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
    return ".".join([*parts, base64url_encode(signature)])


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": ["RS256"]},
        {},
        {"alg": "RS256", "crit": ["x"]},
        {"alg": "RS256", "b64": False},
    ],
)
def test_other_algorithms_and_critical_headers_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedProofError):
        verify(_forge(header), rsa_key().public_key())


def test_an_algorithm_does_not_choose_another_kind_of_key() -> None:
    text = _forge({"alg": "ES256"})
    with pytest.raises(ProofError, match="kind"):
        verify(text, rsa_key().public_key())
    with pytest.raises(ProofError, match="kind"):
        verify(_forge({"alg": "RS256"}), TestSigner().private.public_key())


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("ES256", ec.derive_private_key(11, ec.SECP256R1())),
        ("ES384", ec.derive_private_key(11, ec.SECP384R1())),
        ("EdDSA", TestSigner().private),
    ],
)
def test_other_issuers_algorithms_are_verified(algorithm: str, key: Any) -> None:
    text = jwt.encode(vc_jwt.claims(mini_credential()), key, algorithm=algorithm)
    assert verify(text, key.public_key()) == []
    with pytest.raises(ProofError):
        verify(text[:-6] + "AAAAAA", key.public_key())


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sub": None}, "/sub"),
        ({"sub": "urn:other"}, "/sub"),
        ({"iss": "https://other.example.org"}, "/iss"),
        ({"jti": "urn:other"}, "/jti"),
        ({"nbf": 1}, "/nbf"),
        ({"nbf": "soon"}, "/nbf"),
        ({"exp": 1}, "/exp"),
    ],
)
def test_claims_repeat_the_credential(change: dict[str, Any], pointer: str) -> None:
    payload = {**vc_jwt.claims(mini_credential()), **change}
    payload = {name: value for name, value in payload.items() if value is not None}
    assert verify(_forge({"alg": "RS256"}, payload), rsa_key().public_key()) == [pointer]


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "eyJ9.eyJ9.", "....", "eyJhIjoxfQ.W10.x"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        vc_jwt.decode(text)
