"""VC-JWT: the credential itself as the payload of a signed token (Open Badges 3.0, section 8.2).

Created: RS256, which every consumer must take (R26). Verified: RS256, ES256, ES384 and EdDSA.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from badges.openbadges.documents import JsonObject, id_of, parse_object
from badges.openbadges.errors import (
    DocumentError,
    InvalidCredentialError,
    KeyFormatError,
    ProofError,
    UnsupportedProofError,
)
from badges.openbadges.messages import N_, Filled, Problem, problem
from badges.openbadges.moments import parse_moment
from badges.openbadges.multikey import PublicKey, base64url_decode, jwk_key
from badges.openbadges.proofs.data_integrity import Signer, SignFunction
from badges.openbadges.proofs.known_shape import Known

REGISTERED = ("iss", "jti", "nbf", "sub", "exp", "iat", "aud")
ALGORITHMS = ("RS256", "ES256", "ES384", "EdDSA")
MAX_TOKEN_LENGTH = 2 * 1024 * 1024
_JSON = json.JSONEncoder(separators=(",", ":"))


def claims(credential: Mapping[str, Any]) -> JsonObject:
    """The payload: the credential and the registered claims that repeat it (R26).

    Raises:
        InvalidCredentialError: no subject id, issuer, id or `validFrom` to repeat (R19).
    """
    subject = credential.get("credentialSubject")
    repeated = {
        "iss": id_of(credential.get("issuer")),
        "jti": credential.get("id"),
        "nbf": _seconds(credential.get("validFrom")),
        "sub": id_of(subject) if isinstance(subject, Mapping) else None,
    }
    problems = [
        problem("", "jwt.claim", N_("a VC-JWT needs “%(name)s”"), name=name)
        for name, value in repeated.items()
        if not isinstance(value, (str, int))
    ]
    if problems:
        raise InvalidCredentialError(problems)
    if "validUntil" in credential:
        repeated["exp"] = _seconds(credential["validUntil"])
    return {**credential, **repeated}


def sign(
    credential: Mapping[str, Any],
    key: rsa.RSAPrivateKey | Signer | SignFunction,
    *,
    key_id: str | None = None,
    public_jwk: Mapping[str, str] | None = None,
    known: Known | None = None,
) -> str:
    """Sign a credential as an RS256 VC-JWT.

    Args:
        credential: the document, with a subject id; an embedded proof may already stand in it
            (R28).
        key: the private key as an object (parsing PEM each time costs 45 ms), or whatever
            makes RS256 signatures: `sign(bytes) -> bytes`.
        key_id: the address of the public JWK, `kid` (R27); or
        public_jwk: the public key itself, `jwk`. Exactly one of the two.
        known: what `known_shape.read` made of the credential; saves writing most of it.

    Raises:
        InvalidCredentialError: a claim cannot be filled (R19).
        KeyFormatError: the key is shorter than 2048 bits.
        ValueError: both or neither of `key_id` and `public_jwk`.
    """
    if (key_id is None) == (public_jwk is None):
        raise ValueError("Give either a key id or a public JWK.")
    payload = claims(credential)
    text = known.to_json(payload) if known is not None else _JSON.encode(payload)
    header = (
        _header(key_id) if key_id is not None else _encoded_header({"jwk": dict(public_jwk or {})})
    )
    data = b".".join((header, _encoded(text)))
    return b".".join((data, urlsafe_b64encode(_rs256(key, data)).rstrip(b"="))).decode()


@lru_cache(maxsize=64)
def _header(key_id: str) -> bytes:
    return _encoded_header({"kid": key_id})


def _encoded_header(key: JsonObject) -> bytes:
    return _encoded(_JSON.encode(dict(sorted({"alg": "RS256", "typ": "JWT", **key}.items()))))


def _encoded(text: str) -> bytes:
    return urlsafe_b64encode(text.encode()).rstrip(b"=")


def _rs256(key: rsa.RSAPrivateKey | Signer | SignFunction, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < 2048:
            raise KeyFormatError(N_("A VC-JWT needs an RSA key of 2048 bits or more."))
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key(data) if callable(key) else key.sign(data)


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart and not yet trusted."""

    text: str
    header: JsonObject
    payload: JsonObject

    @property
    def credential(self) -> JsonObject:
        """The credential: the payload without the registered claims."""
        return {name: value for name, value in self.payload.items() if name not in REGISTERED}

    @property
    def key_id(self) -> str | None:
        """The address of the key, where the header gives one."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    def embedded_key(self) -> PublicKey | None:
        """The key in the header, which proves nothing about its owner; raises KeyFormatError."""
        return jwk_key(self.header["jwk"]) if "jwk" in self.header else None


def looks_like_token(text: str) -> bool:
    """Whether a text has the form of a compact JWS of a JSON header."""
    return text.startswith("eyJ") and text.count(".") == 2


def decode(text: str) -> Token:
    """Take a compact JWS apart without trusting it.

    Raises:
        ProofError: not three base64url parts of JSON.
    """
    text = text.strip()
    if len(text) > MAX_TOKEN_LENGTH:
        raise ProofError(N_("The token is too long."))
    parts = text.split(".")
    if len(parts) != 3:
        raise ProofError(N_("The token does not have three parts."))
    try:
        header, payload = (parse_object(base64url_decode(part)) for part in parts[:2])
    except (KeyFormatError, DocumentError) as error:
        raise ProofError(
            Filled(N_("The token cannot be read: %(reason)s"), reason=str(error))
        ) from error
    return Token(text, header, payload)


def verify(token: Token, key: PublicKey) -> list[Problem]:
    """Verify a token's signature, and that its claims repeat the credential.

    Dates are not judged here: see `verify`.

    Returns:
        The claims that are missing or differ from the credential (R19, R26).

    Raises:
        UnsupportedProofError: an algorithm that is not implemented here.
        ProofError: the signature does not hold, or the header asks for what we do not know.
    """
    algorithm = token.header.get("alg")
    if algorithm not in ALGORITHMS:
        raise UnsupportedProofError(
            Filled(N_("Tokens signed with %(name)s cannot be checked here."), name=repr(algorithm))
        )
    if "crit" in token.header or token.header.get("b64") is False:
        raise UnsupportedProofError(N_("The token's header asks for what is not known here."))
    if not _fits(str(algorithm), key):
        raise ProofError(
            Filled(N_("The key is not of the kind that %(name)s signs with."), name=str(algorithm))
        )
    try:
        jwt.PyJWS(algorithms=[str(algorithm)]).decode(
            token.text, key=key, algorithms=[str(algorithm)]
        )
    except jwt.InvalidTokenError as error:
        raise ProofError(N_("The signature does not match the token and the key.")) from error
    return list(_claim_problems(token))


def _claim_problems(token: Token) -> list[Problem]:
    payload = token.payload
    subject = payload.get("credentialSubject")
    expected = {
        "iss": id_of(payload.get("issuer")),
        "jti": payload.get("id"),
        "sub": id_of(subject) if isinstance(subject, Mapping) else None,
        "nbf": _seconds(payload.get("validFrom") or payload.get("issuanceDate")),
        "exp": _seconds(payload.get("validUntil") or payload.get("expirationDate")),
    }
    problems = []
    for name, value in expected.items():
        given = payload.get(name)
        if given is None:
            if name != "exp":
                problems.append(
                    problem(f"/{name}", "jwt.missing", N_("the token lacks “%(name)s”"), name=name)
                )
        elif not _same(given, value):
            problems.append(
                problem(
                    f"/{name}",
                    "jwt.differs",
                    N_("the token's “%(name)s” is not that of the credential"),
                    name=name,
                )
            )
    return problems


def _same(given: Any, expected: Any) -> bool:
    if isinstance(expected, int):
        # NumericDate may carry a fraction; credentials are compared to the second.
        return isinstance(given, (int, float)) and abs(given - expected) < 1
    return bool(given == expected)


def _fits(algorithm: str, key: PublicKey) -> bool:
    if algorithm == "RS256":
        return isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048
    if algorithm == "EdDSA":
        return isinstance(key, ed25519.Ed25519PublicKey)
    curve = ec.SECP256R1 if algorithm == "ES256" else ec.SECP384R1
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curve)


def _seconds(moment: object) -> int | None:
    parsed = parse_moment(moment)
    return int(parsed.timestamp()) if parsed else None
