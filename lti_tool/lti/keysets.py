"""Platforms' public keys, fetched from their key set addresses and remembered.

LTI Security Framework 1.0, section 6.3; RFC 7517. A key set is fetched when it is first needed,
when it has grown old and when a token names a key that is not in it. After any try there is a
cool-down, so that made-up key ids and dead servers cost one request in five seconds. An answer
that is no key set never replaces one. Nothing is locked while the network is waited for, and all
threads but one may wait, so a platform that stalls delays nobody else's launches.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from core.http import FetchError, HttpClient
from lti_tool.lti.names import SIGNING_ALGORITHM
from lti_tool.lti.rules import RefusedError

FRESH_SECONDS = 600.0
STALE_SECONDS = 24 * 3600.0
COOL_DOWN_SECONDS = 5.0
TIMEOUT_SECONDS = 3.0
WAIT_SECONDS = 1.0
MOMENT_SECONDS = 0.2
LARGEST_SET = 256 * 1024
SMALLEST_KEY_BITS = 2048
MOST_KEYS = 100

UNAVAILABLE, INVALID = "platform_keys_unavailable", "platform_keys_invalid"
_REFUSED: Literal["refused"] = "refused"
_Keys = Mapping[str, RSAPublicKey | Literal["refused"]]


class KeySetUnavailableError(RefusedError):
    """The platform's keys cannot be had now; trying again makes sense."""


@dataclass
class _Entry:
    """What is remembered of one address. Changed under the lock only."""

    keys: _Keys = field(default_factory=dict)
    fetched_at: float | None = None
    tried_at: float | None = None
    fault: str = UNAVAILABLE
    failed: bool = False
    flight: threading.Event | None = None


class KeySets:
    """Looks platforms' keys up. One per process; safe for threads."""

    def __init__(
        self,
        http: HttpClient,
        *,
        places: int = 3,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`places` is how many threads may wait for platforms at once; keep one for the others."""
        self._http = http
        self._places = BoundedSemaphore(places)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def find(self, url: str, kid: str) -> RSAPublicKey:
        """The key called `kid` in the key set at `url`.

        Raises RefusedError (`token_invalid`) where the set does not hold such a key or it is not
        one to trust, KeySetUnavailableError where the set cannot be had.
        """
        now = self._monotonic()
        entry = self._entries.get(url)
        if entry is None:
            with self._lock:
                entry = self._entries.setdefault(url, _Entry())
        known = entry.keys.get(kid)
        fresh = entry.fetched_at is not None and now - entry.fetched_at < FRESH_SECONDS
        if not (fresh and known is not None):
            self._refresh(url, entry, known_already=known is not None)
            known = entry.keys.get(kid)
        self._check_age(entry)
        if known is None:
            raise RefusedError("token_invalid", "kid_unknown")
        if isinstance(known, str):
            raise RefusedError("token_invalid", "key_refused")
        return known

    def _check_age(self, entry: _Entry) -> None:
        age = None if entry.fetched_at is None else self._monotonic() - entry.fetched_at
        if age is None or age > STALE_SECONDS:
            raise KeySetUnavailableError(entry.fault)

    def _refresh(self, url: str, entry: _Entry, *, known_already: bool) -> None:
        """Fetch the set unless somebody just did; who has an old key does not wait for another."""
        with self._lock:
            flight, now = entry.flight, self._monotonic()
            since = COOL_DOWN_SECONDS if entry.tried_at is None else now - entry.tried_at
            # Only the first answer is worth waiting for, and that not long after it was asked for:
            # while a platform stalls, it holds the one who asks, and nobody behind.
            patience = 0.0 if known_already or entry.failed else WAIT_SECONDS - since
            if flight is None:
                if since < COOL_DOWN_SECONDS:
                    return
                entry.tried_at = now
                mine = entry.flight = threading.Event()
        if flight is not None:
            self._wait(flight, patience)
            return
        # The thread that holds no place is the one that lets everybody else's launches through.
        if not self._places.acquire(blocking=False):
            with self._lock:
                entry.flight, entry.tried_at = None, None
            mine.set()
            return
        try:
            self._fly(url, entry, mine)
        finally:
            self._places.release()

    def _wait(self, flight: threading.Event, patience: float) -> None:
        """Wait for another's fetch; for a moment only where all places to wait are taken."""
        if patience <= 0:
            return
        if not self._places.acquire(blocking=False):
            flight.wait(min(patience, MOMENT_SECONDS))
            return
        try:
            flight.wait(patience)
        finally:
            self._places.release()

    def _fly(self, url: str, entry: _Entry, mine: threading.Event) -> None:
        """Fetch the set, and tell whoever waits for it."""
        keys: _Keys | None = None
        fault = UNAVAILABLE
        try:
            keys = self._fetch(url)
        except KeySetUnavailableError as error:
            fault = error.code
        finally:
            with self._lock:
                entry.flight, entry.tried_at = None, self._monotonic()
                entry.failed = keys is None
                if keys is None:
                    entry.fault = fault
                else:
                    entry.keys, entry.fetched_at = keys, entry.tried_at
            # Not before the keys are there: who waits looks for them at once.
            mine.set()

    def _fetch(self, url: str) -> _Keys:
        try:
            answer = self._http.get(
                url,
                headers={"Accept": "application/json"},
                timeout=TIMEOUT_SECONDS,
                max_bytes=LARGEST_SET,
                redirects=0,
            )
        except FetchError as error:
            raise KeySetUnavailableError(UNAVAILABLE, error.reason) from error
        if answer.status != 200:
            raise KeySetUnavailableError(UNAVAILABLE, f"status_{answer.status}")
        keys = parse_key_set(answer.body)
        if not keys:
            raise KeySetUnavailableError(INVALID)
        return keys


def parse_key_set(body: bytes) -> _Keys:
    """The keys of a JWK Set by `kid`, bad ones marked so; empty where it is no key set."""
    try:
        listed = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    if not isinstance(listed, list):
        return {}
    found: dict[str, RSAPublicKey | Literal["refused"]] = {}
    for jwk in listed[:MOST_KEYS]:
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str):
            found[jwk["kid"]] = _signing_key(jwk) or _REFUSED
    return found


def _signing_key(jwk: Mapping[str, Any]) -> RSAPublicKey | None:
    """The key object of an RSA signing key that is long enough, else None."""
    if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
        return None
    if jwk.get("alg", SIGNING_ALGORITHM) != SIGNING_ALGORITHM:
        return None
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        public = {"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}
        key = jwt.PyJWK(public, algorithm=SIGNING_ALGORITHM).key
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < SMALLEST_KEY_BITS:
        return None
    return key
