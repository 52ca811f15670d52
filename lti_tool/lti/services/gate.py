"""Outgoing requests, host by host: an LMS that is down or slow holds up no other.

A worker that waited ten seconds for every score of a dead LMS would do nothing else. So a few
requests at a time go to one host, and after one that got no answer the host rests, longer each
time; what would go there meanwhile is put off without a try.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from core.http import AddressNotAllowedError, FetchError, HttpClient, Response
from core.outbox import DeliveryError
from lti_tool.lti.families import origin_of

AT_ONCE: Final = 2
BUSY_SECONDS: Final = 2.0
FIRST_REST_SECONDS: Final = 30.0
LONGEST_REST_SECONDS: Final = 15 * 60.0
MOST_KEPT: Final = 1000


class Sender(Protocol):
    """What sends a request: the process's HTTP client, or the gate before it."""

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 5.0,
        max_bytes: int = 1024 * 1024,
    ) -> Response:
        """As `core.http.HttpClient.request`."""


@dataclass
class _Door:
    """One host: how many requests are inside, how often in a row it did not answer, its rest."""

    inside: int = 0
    losses: int = 0
    shut_until: float = 0.0


class Gate:
    """Sends requests, few at a time to each host. One per process; safe for threads."""

    def __init__(
        self, http: HttpClient, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._http = http
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._doors: dict[str, _Door] = {}
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 5.0,
        max_bytes: int = 1024 * 1024,
    ) -> Response:
        """Send one request. Raises FetchError; DeliveryError, not tried, while the host rests."""
        with self._through(origin_of(url)):
            return self._http.request(
                method, url, headers=headers, body=body, timeout=timeout, max_bytes=max_bytes
            )

    @contextmanager
    def _through(self, origin: str) -> Iterator[None]:
        door = self._enter(origin)
        answered = True
        try:
            yield
        except AddressNotAllowedError:
            raise
        except FetchError:
            answered = False
            raise
        finally:
            self._leave(door, answered=answered)

    def _enter(self, origin: str) -> _Door:
        with self._lock:
            self._forget_idle()
            door = self._doors.setdefault(origin, _Door())
            rest = door.shut_until - self._monotonic()
            if rest > 0:
                raise self._put_off(
                    "The LMS does not answer at the moment; nothing was sent.", rest
                )
            # After a loss one request looks whether it is back; the others wait for that.
            if door.inside >= (1 if door.losses else AT_ONCE):
                raise self._put_off("The LMS is busy with other deliveries.", BUSY_SECONDS)
            door.inside += 1
            return door

    def _leave(self, door: _Door, *, answered: bool) -> None:
        with self._lock:
            door.inside -= 1
            if answered:
                door.losses = 0
                return
            rest = min(FIRST_REST_SECONDS * 2.0**door.losses, LONGEST_REST_SECONDS)
            door.losses = min(door.losses + 1, 10)
            door.shut_until = self._monotonic() + rest

    def _put_off(self, message: str, seconds: float) -> DeliveryError:
        spread = seconds * (1 + self._jitter.random() / 4)
        return DeliveryError(message, retry_after=timedelta(seconds=spread), tried=False)

    def _forget_idle(self) -> None:
        if len(self._doors) >= MOST_KEPT:
            now = self._monotonic()
            self._doors = {
                origin: door
                for origin, door in self._doors.items()
                if door.inside or door.shut_until > now
            }
