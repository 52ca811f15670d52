"""The practice LMS's own secrets: its RSA signing key and the secret of its cookies.

Both are made at the first run and kept in files that only their owner may read.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from lti_tool.sandbox.errors import SandboxDataError

RSA_BITS = 2048


def read_or_make(path: Path, content: bytes) -> bytes:
    """What the file holds, or the content given, written with mode 0600, where there is none.

    Raises:
        SandboxDataError: the file can be neither read nor written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if not path.exists():
            descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            try:
                # A link appears whole or not at all, so two starting processes agree on one.
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_bytes()
    except OSError as error:
        raise SandboxDataError(f"{path} cannot be used: {error}") from error


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """The key's id: its JWK thumbprint (RFC 7638)."""
    members = json.dumps({name: jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    digest = hashlib.sha256(members.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class PlatformKey:
    """The key pair that signs launches (LTI Security Framework 1.0, section 5.1.2)."""

    private_key: rsa.RSAPrivateKey
    kid: str
    public_jwk: Mapping[str, str]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """An RS256 JWT of the claims, naming the key in its header."""
        return jwt.encode(
            dict(claims), self.private_key, algorithm="RS256", headers={"kid": self.kid}
        )

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JSON Web Key Set that tools fetch; public members only."""
        return {"keys": [dict(self.public_jwk)]}


def load_platform_key(path: Path) -> PlatformKey:
    """The key kept at ``path``, made where there is none.

    Raises:
        SandboxDataError: the file cannot be used or holds something else.
    """
    pem = path.read_bytes() if path.exists() else read_or_make(path, _new_pem())
    try:
        private_key = serialization.load_pem_private_key(pem, password=None)
    except ValueError as error:
        raise SandboxDataError(f"{path} holds no private key in PEM: {error}") from error
    if not isinstance(private_key, rsa.RSAPrivateKey):
        raise SandboxDataError(f"{path} holds a key that is not RSA.")
    jwk = json.loads(RSAAlgorithm.to_jwk(private_key.public_key()))
    public = {"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}
    kid = _thumbprint(public)
    return PlatformKey(private_key, kid, {**public, "kid": kid, "alg": "RS256", "use": "sig"})


def _new_pem() -> bytes:
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
