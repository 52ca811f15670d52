"""Public keys as the standards write them: multibase, Multikey, JWK and PEM.

Controlled Identifiers 1.0, sections 2.2.2 (Multikey), 2.2.3 (JsonWebKey) and 2.4 (Multibase).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from badges.openbadges.errors import KeyFormatError
from badges.openbadges.messages import N_, Filled

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
# A quadratic decoder wants a bound; the longest we meet is a P-384 signature of 132 letters.
MAX_BASE58_LENGTH = 1024
MAX_RSA_BITS = 8192

ED25519_PREFIX = b"\xed\x01"
ED25519_SECRET_PREFIX = b"\x80\x26"
P256_PREFIX = b"\x80\x24"
P384_PREFIX = b"\x81\x24"
_CURVES: Mapping[bytes, tuple[ec.EllipticCurve, int]] = {
    P256_PREFIX: (ec.SECP256R1(), 33),
    P384_PREFIX: (ec.SECP384R1(), 49),
}
_JWK_CURVES: Mapping[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}


def base58_encode(data: bytes) -> str:
    """Base58 with Bitcoin's alphabet."""
    number = int.from_bytes(data, "big")
    letters = []
    while number:
        number, remainder = divmod(number, 58)
        letters.append(_ALPHABET[remainder])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + "".join(reversed(letters))


def base58_decode(text: str) -> bytes:
    """The bytes of a base58 text; raises KeyFormatError."""
    if len(text) > MAX_BASE58_LENGTH:
        raise KeyFormatError(N_("The base58 text is too long."))
    number = 0
    for letter in text:
        if letter not in _VALUES:
            raise KeyFormatError(N_("The text holds a letter that base58 does not have."))
        number = number * 58 + _VALUES[letter]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def base64url_encode(data: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64url_decode(text: str) -> bytes:
    """The bytes of an unpadded base64url text; raises KeyFormatError."""
    try:
        raw = text.encode("ascii")
        if b"+" in raw or b"/" in raw or b"=" in raw:
            raise KeyFormatError(N_("The text is not base64url without padding."))
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise KeyFormatError(N_("The text is not base64url.")) from error


def multibase_encode(data: bytes) -> str:
    """Multibase base58-btc: `z` and the base58 letters."""
    return "z" + base58_encode(data)


def multibase_decode(text: object) -> bytes:
    """The bytes of a multibase text, `z` (base58-btc) or `u` (base64url); raises KeyFormatError."""
    if isinstance(text, str) and text.startswith("z"):
        return base58_decode(text[1:])
    if isinstance(text, str) and text.startswith("u"):
        return base64url_decode(text[1:])
    raise KeyFormatError(N_("The text is not multibase in base58 or base64url."))


def encode_multikey(key: PublicKey) -> str:
    """The `publicKeyMultibase` of an Ed25519, P-256 or P-384 key; raises KeyFormatError."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return multibase_encode(ED25519_PREFIX + raw)
    if isinstance(key, ec.EllipticCurvePublicKey):
        for prefix, (curve, _size) in _CURVES.items():
            if key.curve.name == curve.name:
                point = key.public_bytes(
                    serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
                )
                return multibase_encode(prefix + point)
    raise KeyFormatError(N_("A Multikey holds an Ed25519, P-256 or P-384 key."))


def decode_multikey(text: object) -> PublicKey:
    """The key of a `publicKeyMultibase`; raises KeyFormatError."""
    return multikey_of(multibase_decode(text))


def multikey_of(data: bytes) -> PublicKey:
    """The key of a Multikey's bytes, its prefix included; raises KeyFormatError."""
    prefix, raw = data[:2], data[2:]
    try:
        if prefix == ED25519_PREFIX:
            return ed25519.Ed25519PublicKey.from_public_bytes(raw)
        if prefix in _CURVES and len(raw) == _CURVES[prefix][1]:
            return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[prefix][0], raw)
    except ValueError as error:
        raise KeyFormatError(N_("The Multikey does not hold a valid key.")) from error
    raise KeyFormatError(N_("The Multikey is not an Ed25519, P-256 or P-384 public key."))


def public_jwk(key: PublicKey) -> dict[str, str]:
    """The public JWK of a key (RFC 7517, RFC 8037): only the members that make the key."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _uint(numbers.n), "e": _uint(numbers.e)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(raw)}
    for name, curve in _JWK_CURVES.items():
        if key.curve.name == curve.name:
            point = key.public_numbers()
            size = (curve.key_size + 7) // 8
            return {
                "kty": "EC",
                "crv": name,
                "x": base64url_encode(point.x.to_bytes(size, "big")),
                "y": base64url_encode(point.y.to_bytes(size, "big")),
            }
    raise KeyFormatError(N_("The elliptic curve is not P-256 or P-384."))


def jwk_key(jwk: object) -> PublicKey:
    """The public key of a JWK: RSA of 2048 to 8192 bits, EC P-256 or P-384, or Ed25519.

    Raises:
        KeyFormatError: malformed, of another kind, too short or too long, or a private key.
    """
    if not isinstance(jwk, Mapping):
        raise KeyFormatError(N_("A JWK is a JSON object."))
    if "d" in jwk or jwk.get("kty") == "oct":
        raise KeyFormatError(N_("The JWK holds a secret key, which may never be published."))
    try:
        if jwk.get("kty") == "RSA":
            return _sound_rsa(rsa.RSAPublicNumbers(_int(jwk, "e"), _int(jwk, "n")).public_key())
        curve = _JWK_CURVES.get(str(jwk.get("crv")))
        if jwk.get("kty") == "EC" and curve is not None:
            return ec.EllipticCurvePublicNumbers(_int(jwk, "x"), _int(jwk, "y"), curve).public_key()
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(base64url_decode(_text(jwk, "x")))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFormatError(N_("The JWK does not hold a valid key.")) from error
    raise KeyFormatError(N_("The JWK is not an RSA, P-256, P-384 or Ed25519 key."))


def pem_key(pem: object) -> PublicKey:
    """The public key of a PEM text, as Open Badges 2.0 publishes it; raises KeyFormatError."""
    if not isinstance(pem, str) or len(pem) > 20_000:
        raise KeyFormatError(N_("The PEM text is missing or too long."))
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFormatError(N_("The PEM text does not hold a public key.")) from error
    if isinstance(key, rsa.RSAPublicKey):
        return _sound_rsa(key)
    if isinstance(key, (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)):
        return key
    raise KeyFormatError(N_("The PEM text holds a key of an unknown kind."))


def same_key(first: PublicKey, second: PublicKey) -> bool:
    """Whether two public keys are the same key."""
    return _spki(first) == _spki(second)


def _sound_rsa(key: rsa.RSAPublicKey) -> rsa.RSAPublicKey:
    if not 2048 <= key.key_size <= MAX_RSA_BITS:
        raise KeyFormatError(
            Filled(
                N_("The RSA key has %(bits)s bits; 2048 to 8192 are accepted."), bits=key.key_size
            )
        )
    return key


def _spki(key: PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _uint(number: int) -> str:
    return base64url_encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _int(jwk: Mapping[str, Any], name: str) -> int:
    text = _text(jwk, name)
    if len(text) > 2 * MAX_RSA_BITS // 8:
        raise KeyFormatError(N_("The JWK is too long."))
    return int.from_bytes(base64url_decode(text), "big")


def _text(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise KeyFormatError(Filled(N_("The JWK has no %(name)s."), name=repr(name)))
    return value
