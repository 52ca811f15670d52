"""The tool's public keys, fetched from its key set address and remembered for a while.

LTI Security Framework 1.0, section 6.3: an unknown ``kid`` leads to one new fetch, held back by a
cool-down so that made-up ids cannot become a flood.
"""

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import jwt
import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from lti_tool.sandbox.clock import Clock
from lti_tool.sandbox.errors import ServiceError

FetchJwks = Callable[[str], bytes]

CACHE_FOR = timedelta(minutes=5)
COOL_DOWN = timedelta(seconds=5)
SIZE_LIMIT = 64 * 1024
TIMEOUT_SECONDS = 3.0
MINIMUM_RSA_BITS = 2048


class JwksUnavailableError(Exception):
    """The tool's key set could not be fetched or is no key set."""


def fetch_over_http(url: str) -> bytes:
    """The body at the address: no redirects, a time-out in seconds, a size limit in bytes.

    Raises:
        JwksUnavailableError: no connection, another status than 200, or too much.
    """
    headers = {"Accept": "application/json", "User-Agent": "Practice-LMS/1"}
    try:
        with (
            urllib3.PoolManager(retries=False, timeout=TIMEOUT_SECONDS, headers=headers) as pool,
            pool.request("GET", url, preload_content=False, redirect=False) as response,
        ):
            body = response.read(SIZE_LIMIT + 1)
            if response.status != 200 or len(body) > SIZE_LIMIT:
                raise JwksUnavailableError(f"status {response.status}, {len(body)} bytes")
            return body
    except urllib3.exceptions.HTTPError as error:
        raise JwksUnavailableError(str(error)) from error


def usable_keys(body: bytes) -> dict[str, RSAPublicKey]:
    """The RSA signing keys of a key set, by ``kid``; other keys are passed over.

    Raises:
        JwksUnavailableError: the body is no JSON Web Key Set (RFC 7517, section 5).
    """
    try:
        listed = json.loads(body)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise JwksUnavailableError("the answer is no JSON Web Key Set") from error
    if not isinstance(listed, list):
        raise JwksUnavailableError("the answer is no JSON Web Key Set")
    keys: dict[str, RSAPublicKey] = {}
    for jwk in listed:
        key = _signing_key(jwk)
        if key is not None:
            keys[jwk["kid"]] = key
    return keys


def _signing_key(jwk: object) -> RSAPublicKey | None:
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
        return None
    if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]}, algorithm="RS256").key
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size < MINIMUM_RSA_BITS:
        return None
    return key


class ToolKeys:
    """Looks up the tool's public keys by id.

    Args:
        url: the tool's key set address.
        fetch: how to read it; raises ``JwksUnavailableError``.
        clock: tells the present moment.
    """

    def __init__(self, url: str, fetch: FetchJwks, clock: Clock) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at: datetime | None = None

    def find(self, kid: str) -> RSAPublicKey | None:
        """The key with this id, after a new fetch where that may help; None where it is unknown.

        Raises:
            ServiceError: 503, the key set cannot be had and the key is not remembered.
        """
        with self._lock:
            age = self._clock() - self._fetched_at if self._fetched_at else None
            known = self._keys.get(kid)
            if known is not None and age is not None and age < CACHE_FOR:
                return known
            if known is None and age is not None and age < COOL_DOWN:
                return None
            return self._refreshed(kid, known)

    def _refreshed(self, kid: str, known: RSAPublicKey | None) -> RSAPublicKey | None:
        try:
            self._keys = usable_keys(self._fetch(self._url))
        except JwksUnavailableError as error:
            if known is not None:
                return known
            raise ServiceError(
                503,
                "temporarily_unavailable",
                f"The tool's key set at {self._url} could not be read: {error}",
                {"Retry-After": "5"},
            ) from error
        self._fetched_at = self._clock()
        return self._keys.get(kid)
