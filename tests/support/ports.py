"""Ports for the servers that tests start."""

from __future__ import annotations

import itertools
import os
import socket
from typing import Final

# Below those that the kernel gives to outgoing connections, and each process of a test run has a
# range of its own: nobody takes the port between this answer and the server that is to have it.
_FIRST, _EACH, _RANGES = 20_000, 500, 24
_PROCESS: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _RANGES
_steps = itertools.count(os.getpid())


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    for step in itertools.islice(_steps, _EACH):
        port = _FIRST + _EACH * _PROCESS + step % _EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port from {_FIRST + _EACH * _PROCESS} on is free")
