"""Keys in the standards' notations."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from badges.openbadges import KeyFormatError, decode_multikey, encode_multikey, jwk_key, public_jwk
from badges.openbadges.multikey import (
    base58_decode,
    base58_encode,
    base64url_decode,
    base64url_encode,
    multibase_decode,
    pem_key,
    same_key,
)
from tests.support.ob3 import TestSigner, rsa_key

KEYS = [
    TestSigner().private.public_key(),
    ec.derive_private_key(7, ec.SECP256R1()).public_key(),
    ec.derive_private_key(7, ec.SECP384R1()).public_key(),
]


@given(st.binary(max_size=80))
def test_base58_and_base64url_bring_bytes_back(data: bytes) -> None:
    assert base58_decode(base58_encode(data)) == data
    assert multibase_decode("z" + base58_encode(data)) == data
    assert base64url_decode(base64url_encode(data)) == data


def test_base58_of_the_draft() -> None:
    assert base58_encode(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
    assert base58_encode(b"\0\0\x28\x7f\xb4\xcd") == "11233QC4"


@pytest.mark.parametrize("text", ["z0", "zl", "z" + "1" * 2000, "u===", "u+/", "m", "", None, 5])
def test_what_is_not_multibase_is_refused(text: object) -> None:
    with pytest.raises(KeyFormatError):
        multibase_decode(text)


@pytest.mark.parametrize("key", KEYS)
def test_keys_survive_multikey_and_jwk(key: Any) -> None:
    assert same_key(decode_multikey(encode_multikey(key)), key)
    jwk = public_jwk(key)
    assert "d" not in jwk
    assert same_key(jwk_key(jwk), key)


def test_an_rsa_key_survives_jwk_and_pem_but_is_no_multikey() -> None:
    key = rsa_key().public_key()
    assert set(public_jwk(key)) == {"kty", "n", "e"}
    assert same_key(jwk_key(public_jwk(key)), key)
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert same_key(pem_key(pem.decode()), key)
    with pytest.raises(KeyFormatError):
        encode_multikey(key)


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        {},
        {"kty": "oct", "k": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "d": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"},
        {"kty": "EC", "crv": "secp256k1", "x": "AQ", "y": "AQ"},
        {"kty": "EC", "crv": ["P-256"], "x": "AQ", "y": "AQ"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "n": "A" * 100_000, "e": "AQAB"},
        {"kty": "RSA", "n": 5, "e": "AQAB"},
    ],
)
def test_a_jwk_that_is_no_sound_public_key_is_refused(jwk: object) -> None:
    with pytest.raises(KeyFormatError):
        jwk_key(jwk)


def test_a_short_rsa_key_is_refused() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    with pytest.raises(KeyFormatError, match="1024"):
        jwk_key(public_jwk(short))


@pytest.mark.parametrize(
    "text", ["z6Mk", "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", "zDn"]
)
def test_a_multikey_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(KeyFormatError):
        decode_multikey(text)


@pytest.mark.parametrize("pem", [None, "", "-----BEGIN PUBLIC KEY-----\nAAAA\n", "x" * 30_000])
def test_what_is_not_a_pem_key_is_refused(pem: object) -> None:
    with pytest.raises(KeyFormatError):
        pem_key(pem)
