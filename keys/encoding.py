"""Public keys in the forms that others read: JWK, JWK thumbprint, Multikey.

RFC 7517 and 7518 (JWK), RFC 8037 (Ed25519), RFC 7638 (thumbprint), W3C Controlled Identifiers 1.0
section 2.2.2 (Multikey) and section 2.4 (multibase base-58-btc).
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PublicKey = Ed25519PublicKey | RSAPublicKey

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ED25519_PUB = b"\xed\x01"  # multicodec 0xed as a varint
_THUMBPRINT_MEMBERS = {"OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


def base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base58btc(data: bytes) -> str:
    """Base-58 in Bitcoin's alphabet, without the multibase prefix; leading zero bytes become 1s."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def public_jwk(key: PublicKey) -> dict[str, Any]:
    """The public JWK's required members alone, `kty` with `crv` and `x`, or with `n` and `e`."""
    if isinstance(key, Ed25519PublicKey):
        raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}
    numbers = key.public_numbers()
    return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}


def public_multibase(key: PublicKey) -> str | None:
    """The Multikey form `z6Mk…` of an Ed25519 key; None for RSA, which is published as a JWK."""
    if not isinstance(key, Ed25519PublicKey):
        return None
    return "z" + base58btc(_ED25519_PUB + key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def thumbprint(jwk: dict[str, Any]) -> str:
    """The RFC 7638 thumbprint (SHA-256, base64url) of a public JWK: 43 characters."""
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return base64url(hashlib.sha256(text.encode()).digest())


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
