"""Public forms of keys, held against the RFCs' and W3C's own examples and another library."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from jwcrypto.jwk import JWK

from keys.encoding import base58btc, public_jwk, public_multibase, thumbprint
from keys.signer import SoftwareSigner


def test_the_thumbprint_is_that_of_rfc_7638_section_3_1() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
        "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
        "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
        "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    assert thumbprint({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"}) == (
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )


def test_the_thumbprint_of_an_ed25519_key_is_that_of_rfc_8037_appendix_a_3() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_multikey_is_that_of_the_did_key_method() -> None:
    # did:key method, test vector for Ed25519 with an all-zero seed's public key.
    raw = bytes.fromhex("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
    key = Ed25519PublicKey.from_public_bytes(raw)
    assert public_multibase(key) == "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"


@pytest.mark.parametrize("algorithm", ["Ed25519", "RS256"])
def test_jwks_agree_with_jwcrypto(algorithm: str) -> None:
    signer = SoftwareSigner.generate(algorithm)  # type: ignore[arg-type]
    ours = public_jwk(signer.public_key)
    theirs = JWK(**ours)
    assert theirs.thumbprint() == thumbprint(ours)
    assert {k: v for k, v in theirs.export_public(as_dict=True).items() if k != "kid"} == ours


def test_rsa_keys_have_no_multikey_form_here() -> None:
    assert public_multibase(SoftwareSigner.generate("RS256").public_key) is None


@given(st.binary(max_size=64))
def test_base58_reads_back_as_the_number_it_was(data: bytes) -> None:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    text = base58btc(data)
    number = 0
    for char in text:
        number = number * 58 + alphabet.index(char)
    zeros = len(text) - len(text.lstrip("1"))
    size = (number.bit_length() + 7) // 8
    assert bytes(zeros) + number.to_bytes(size, "big") == data


def test_base64url_of_a_thumbprint_has_no_padding() -> None:
    jwk = public_jwk(SoftwareSigner.generate("Ed25519").public_key)
    assert len(base64.urlsafe_b64decode(thumbprint(jwk) + "=")) == 32
