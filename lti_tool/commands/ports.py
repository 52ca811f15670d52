"""Where to listen, and whether it can be done, said as a sentence."""

from __future__ import annotations

import errno
import socket
from typing import Any


def port_fault(host: str, port: int) -> str | None:
    """Why `host:port` cannot be listened on; None where it can."""
    try:
        family, kind, protocol, _name, address = _first(host, port)
    except socket.gaierror:
        return f"{host} is not an address of this machine."
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                return f"Port {port} is in use by another program. Choose another port."
            if exc.errno in (errno.EACCES, errno.EPERM):
                return f"Port {port} may only be used by the administrator. Choose one over 1023."
            return f"{host}:{port} cannot be used: {exc.strerror}."
    return None


def address_of(host: str, port: int) -> str:
    """The address to listen on for a name such as localhost; raises socket.gaierror."""
    return str(_first(host, port)[4][0])


def _first(host: str, port: int) -> tuple[Any, ...]:
    """What a name stands for; IPv4 before IPv6, as the addresses that we print."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return min(found, key=lambda one: one[0] != socket.AF_INET)
