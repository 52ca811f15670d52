"""The other side of the practice LMS in its tests: a clock to turn, a tool's keys and requests."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from jwt.algorithms import RSAAlgorithm

from lti_tool.sandbox import SandboxConfig
from lti_tool.sandbox.vocabulary import CLIENT_ASSERTION_TYPE

START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


class TurnableClock:
    """A clock that stands still until it is turned."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **delta: float) -> None:
        self.now += timedelta(**delta)


class ToolKeyRing:
    """Keys of a tool, published as a key set that can fail on demand."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.fetches = 0
        self.body: bytes | None = None
        self.fault: Exception | None = None
        self.add("tool-1")

    def add(self, kid: str) -> None:
        self.keys[kid] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self) -> dict[str, Any]:
        return {
            "keys": [
                {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}
                for kid, key in self.keys.items()
            ]
        }

    def fetch(self, url: str) -> bytes:
        self.fetches += 1
        if self.fault:
            raise self.fault
        return self.body if self.body is not None else json.dumps(self.jwks()).encode()


class Tool:
    """Asks for tokens and calls services the way a tool does."""

    def __init__(
        self, config: SandboxConfig, client: FlaskClient, ring: ToolKeyRing, clock: TurnableClock
    ) -> None:
        self.config, self.client, self.ring, self.clock = config, client, ring, clock

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.config.client_id,
            "sub": self.config.client_id,
            "aud": self.config.token_url,
            "iat": now - 5,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def assertion(self, claims: Mapping[str, Any] | None = None, kid: str = "tool-1") -> str:
        signed = dict(claims) if claims is not None else self.claims()
        return jwt.encode(signed, self.ring.keys[kid], algorithm="RS256", headers={"kid": kid})

    def form(self, scope: str, assertion: str | None = None) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": CLIENT_ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            "scope": scope,
        }

    def ask(self, scope: str, assertion: str | None = None) -> Any:
        return self.client.post("/token", data=self.form(scope, assertion))

    def call(
        self,
        method: str,
        url: str,
        *scopes: str,
        accept: str | None = None,
        send: Any = None,
        content_type: str | None = None,
    ) -> Any:
        """One service request under a fresh token for the scopes."""
        token = self.ask(" ".join(scopes)).get_json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        if accept:
            headers["Accept"] = accept
        body = send if isinstance(send, bytes) or send is None else json.dumps(send).encode()
        path = url.removeprefix(self.config.base_url)
        return self.client.open(
            path, method=method, headers=headers, data=body, content_type=content_type
        )
