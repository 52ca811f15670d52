"""Sockets that obey one deadline for all that a thread does with them.

A socket's own time-out begins anew with every byte that arrives, so whoever sends one now and then
is waited for without end. These ask the clock before every operation instead: connecting, the TLS
handshake, sending, headers and body together end at the deadline that `within` set for the thread.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_here = threading.local()

# Names that are being looked up at once. The system's resolver cannot be interrupted: a look-up
# that is given up lives on until the resolver itself gives up, so there must not be too many.
_LOOK_UPS = threading.BoundedSemaphore(32)


@contextmanager
def within(deadline: float) -> Iterator[None]:
    """Whatever this thread does with these sockets inside ends at `deadline` (monotonic)."""
    outer = getattr(_here, "deadline", None)
    _here.deadline = deadline
    try:
        yield
    finally:
        _here.deadline = outer


def remaining() -> float | None:
    """Seconds left, None without a deadline. Raises TimeoutError where none are left."""
    deadline: float | None = getattr(_here, "deadline", None)
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


class DeadlineSocket(socket.socket):
    """A plain socket under the thread's deadline."""

    def _arm(self) -> None:
        if (left := remaining()) is not None:
            self.settimeout(left)

    def connect(self, address: Any) -> None:
        """As socket's own, until the deadline."""
        self._arm()
        super().connect(address)

    def recv_into(self, *args: Any, **kw: Any) -> int:
        """As socket's own, until the deadline."""
        self._arm()
        return super().recv_into(*args, **kw)

    def sendall(self, *args: Any, **kw: Any) -> None:
        """As socket's own, until the deadline."""
        self._arm()
        super().sendall(*args, **kw)


class DeadlineTlsSocket(ssl.SSLSocket):
    """A TLS socket under the thread's deadline; made by a context's `sslsocket_class`."""

    def _arm(self) -> None:
        if (left := remaining()) is not None:
            self.settimeout(left)

    def do_handshake(self, block: bool = False) -> None:
        """As SSLSocket's own, until the deadline."""
        self._arm()
        super().do_handshake(block)

    def read(self, *args: Any, **kw: Any) -> Any:
        """As SSLSocket's own, until the deadline; every kind of receiving comes through here."""
        self._arm()
        return super().read(*args, **kw)

    def send(self, *args: Any, **kw: Any) -> int:
        """As SSLSocket's own, until the deadline; `sendall` comes through here."""
        self._arm()
        return super().send(*args, **kw)


@cache
def machines_trust() -> ssl.SSLContext:
    """TLS with a deadline, trusting whom this machine trusts; read once, for that takes 50 ms."""
    context = ssl.create_default_context()
    context.sslsocket_class = DeadlineTlsSocket
    return context


def resolve(host: str, port: int) -> list[Any]:
    """`getaddrinfo` for TCP until the deadline. Raises TimeoutError, and what it raises itself."""
    if _is_address(host):  # nothing to look up, nothing to wait for
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not _LOOK_UPS.acquire(timeout=remaining()):
        raise TimeoutError("too many names are being looked up")
    found: list[Any] = []
    over = threading.Event()

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as exc:  # raised again where it was asked for
            found.append(exc)
        finally:
            _LOOK_UPS.release()
            over.set()

    threading.Thread(target=look_up, name="milepost-resolve", daemon=True).start()
    if not over.wait(remaining()):
        raise TimeoutError("the name was not found in time")
    if isinstance(found[0], Exception):
        raise found[0]
    return list(found[0])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
