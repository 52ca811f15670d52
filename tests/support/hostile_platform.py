"""A platform that says whatever a test wants: honest by default, hostile by small changes.

The refusals are tested with it; that good launches work is shown with a platform we did not write
(`platform_xblock`).
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LEARNER, INSTRUCTOR = f"{MEMBERSHIP}Learner", f"{MEMBERSHIP}Instructor"
ABSENT: Any = object()


@cache
def rsa_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """A key by that name, made once a process: making one takes long."""
    return generate_private_key(65537, bits)


def public_jwk(key: RSAPrivateKey, kid: str, **changes: Any) -> dict[str, Any]:
    """The public half as a JWK; ABSENT takes a member out."""
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    jwk.pop("key_ops", None)
    return changed({**jwk, "kid": kid, "alg": "RS256", "use": "sig"}, changes)


def changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`values` with `changes`; ABSENT takes one out."""
    return {key: value for key, value in {**values, **changes}.items() if value is not ABSENT}


def segment(value: Any) -> str:
    """A part of a compact JWS: JSON, or bytes as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Pending:
    """A login that the tool answered: what its redirect asks for."""

    state: str
    nonce: str
    client_id: str
    redirect_uri: str
    login_hint: str
    lti_message_hint: str | None
    target_link_uri: str

    @classmethod
    def read(cls, location: str, target_link_uri: str) -> Pending:
        """From the tool's redirect."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        return cls(
            state=query["state"],
            nonce=query["nonce"],
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            login_hint=query["login_hint"],
            lti_message_hint=query.get("lti_message_hint"),
            target_link_uri=target_link_uri,
        )


@dataclass
class HostilePlatform:
    """Knows what a platform knows, and signs what it is told to."""

    issuer: str
    client_id: str = "milepost-client"
    deployment_id: str = "1"
    kid: str = "key-1"
    key_name: str = "platform"
    login_hint: str = "7"
    service_url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> RSAPrivateKey:
        """The private key that it signs with."""
        return rsa_key(self.key_name)

    def jwks(self) -> bytes:
        """Its key set, unless `keys` says otherwise."""
        return json.dumps({"keys": self.keys or [public_jwk(self.key, self.kid)]}).encode()

    def login_parameters(self, target_link_uri: str, **changes: Any) -> dict[str, Any]:
        """What its browser brings to the tool's login."""
        return changed(
            {
                "iss": self.issuer,
                "client_id": self.client_id,
                "login_hint": self.login_hint,
                "lti_message_hint": '{"cmid":4,"launchid":"ltilaunch4_1"}',
                "target_link_uri": target_link_uri,
                "lti_deployment_id": self.deployment_id,
            },
            changes,
        )

    def claims(self, pending: Pending, **changes: Any) -> dict[str, Any]:
        """An honest resource link launch, with `changes` by claim (short LTI names allowed)."""
        now = int(time.time())
        honest: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "7",
            "iat": now,
            "exp": now + 300,
            "nonce": pending.nonce,
            "name": "Mara Example",
            "given_name": "Mara",
            "family_name": "Example",
            "email": "mara@school.example",
            f"{CLAIM}version": "1.3.0",
            f"{CLAIM}message_type": "LtiResourceLinkRequest",
            f"{CLAIM}deployment_id": self.deployment_id,
            f"{CLAIM}target_link_uri": pending.target_link_uri,
            f"{CLAIM}roles": [LEARNER],
            f"{CLAIM}resource_link": {"id": "link-1", "title": "Questions That Open"},
            f"{CLAIM}context": {"id": "course-1", "title": "Teaching circle", "label": "TC"},
            f"{CLAIM}custom": {"unused": "$Person.sourcedId"},
            f"{CLAIM}launch_presentation": {
                "document_target": "iframe",
                "return_url": f"{self.issuer}/course/1",
            },
        }
        named = {(f"{CLAIM}{key}" if f"{CLAIM}{key}" in honest else key): value
                 for key, value in changes.items()}  # fmt: skip
        return changed(honest, named)

    def token(self, claims: Any, *, key: Any = None, **header: Any) -> str:
        """`claims` as a token, signed as `alg` says; ABSENT takes a header member out."""
        head = changed({"alg": "RS256", "typ": "JWT", "kid": self.kid}, header)
        signing_input = f"{segment(head)}.{segment(claims)}"
        signature = sign(head.get("alg"), key or self.key, signing_input.encode())
        return f"{signing_input}.{segment(signature)}"


def sign(algorithm: Any, key: RSAPrivateKey, data: bytes) -> bytes:
    """A signature as a forger would make it for `algorithm`."""
    if algorithm == "none":
        return b""
    if algorithm == "HS256":
        # The old trick: the public key, which everybody has, as a shared secret.
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        mac = hmac.HMAC(pem, hashes.SHA256())
        mac.update(data)
        return mac.finalize()
    digest = hashes.SHA512() if algorithm == "RS512" else hashes.SHA256()
    return key.sign(data, padding.PKCS1v15(), digest)
