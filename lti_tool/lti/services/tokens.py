"""Access tokens for a platform's services: asked for once, kept until shortly before they end.

LTI Security Framework 1.0, section 4.1; RFC 7523. No lock is held while the network is waited for:
two jobs that find no token at one moment ask twice, which does no harm.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt

from core.http import FetchError
from core.outbox import DeliveryError
from keys.ring import LTI_RING, KeyRing
from lti_tool.lti.names import CLIENT_ASSERTION_TYPE
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.services.gate import Sender

# Some Moodles refuse an assertion that is a second ahead of their clock.
BACKDATED = timedelta(seconds=10)
ASSERTION_LIVES = timedelta(minutes=5)
EARLY_SECONDS = 60.0
UNSAID_SECONDS = 300.0
LONGEST_SECONDS = 24 * 3600.0
TIMEOUT_SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024


@dataclass(frozen=True)
class AccessToken:
    """A bearer token and the scopes that it was given."""

    value: str
    scopes: frozenset[str]
    good_until: float


class AccessTokens:
    """Asks platforms for tokens and keeps them. One per process; safe for threads."""

    def __init__(
        self,
        http: Sender,
        ring: KeyRing,
        clock: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._ring = ring
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[tuple[uuid.UUID, frozenset[str]], AccessToken] = {}

    def get(
        self, platform: KnownPlatform, scopes: frozenset[str], *, renew: bool = False
    ) -> AccessToken:
        """A token for `scopes`; `renew` asks anew, as after a 401.

        Raises DeliveryError; scopes that the platform drops silently are missing from the token's.
        """
        key = (platform.id, scopes)
        kept = self._kept.get(key)
        if kept is not None and not renew and self._monotonic() < kept.good_until:
            return kept
        token = self._ask(platform, scopes)
        with self._lock:
            self._kept[key] = token
        return token

    def _ask(self, platform: KnownPlatform, scopes: frozenset[str]) -> AccessToken:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": CLIENT_ASSERTION_TYPE,
            "client_assertion": self.assertion(platform),
            "scope": " ".join(sorted(scopes)),
        }
        began = self._monotonic()
        try:
            answer = self._http.request(
                "POST",
                platform.auth_token_url,
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                },
                body=urlencode(form).encode(),
                timeout=TIMEOUT_SECONDS,
                max_bytes=LARGEST_ANSWER,
            )
        except FetchError as error:
            raise DeliveryError(f"The platform's token address: {error}") from error
        said = _json_object(answer.body)
        if answer.status != 200:
            raise _refused(answer.status, said)
        value = said.get("access_token")
        if not isinstance(value, str) or not value.isprintable() or not value.isascii():
            raise DeliveryError("The platform's token address answered without an access token.")
        granted = said.get("scope")
        return AccessToken(
            value=value,
            # RFC 6749, section 5.1: left out where all that was asked for is granted.
            scopes=frozenset(granted.split()) if isinstance(granted, str) else scopes,
            good_until=began + _seconds(said.get("expires_in")) - EARLY_SECONDS,
        )

    def assertion(self, platform: KnownPlatform) -> str:
        """The signed statement of who asks (RFC 7523, section 3)."""
        key = self._ring.active(LTI_RING, "RS256")
        issued = self._clock() - BACKDATED
        claims = {
            "iss": platform.client_id,
            "sub": platform.client_id,
            "aud": platform.token_audience,
            "iat": int(issued.timestamp()),
            "exp": int((issued + ASSERTION_LIVES).timestamp()),
            "jti": str(uuid.uuid4()),
        }
        # A key object: PyJWT would parse a PEM anew at every signature, which takes 45 ms.
        private: Any = key.signer.private_key
        return jwt.encode(claims, private, algorithm="RS256", headers={"kid": key.kid})


def _json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, whatever media type it claims (Moodle says text/html)."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _refused(status: int, said: dict[str, Any]) -> DeliveryError:
    code = said.get("error")
    word = code if isinstance(code, str) and len(code) <= 60 and code.isprintable() else ""
    permanent = word in {"invalid_scope", "unauthorized_client", "unsupported_grant_type"}
    told = f" ({word})" if word else ""
    return DeliveryError(
        f"The platform gave no access token: it answered {status}{told}.", permanent=permanent
    )


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return UNSAID_SECONDS
    return min(max(seconds, 0.0), LONGEST_SECONDS) if seconds == seconds else UNSAID_SECONDS
