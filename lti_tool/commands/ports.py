"""Whether a port can be listened on, said as a sentence."""

from __future__ import annotations

import errno
import socket


def port_fault(host: str, port: int) -> str | None:
    """Why `host:port` cannot be listened on; None where it can."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        return f"{host} is not an address of this machine."
    family, kind, protocol, _name, address = found[0]
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
