"""The child process that canonicalizes strangers' documents; run as `python -m`, over pipes.

Each frame is four bytes of length (big endian) and JSON. The process gives itself one second of
CPU time for each request and lets the kernel end it, since native code heeds no Python signal.
It ends by itself when its parent is gone or silent for long, so that none is left behind.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import struct
import sys
from typing import Any

from badges.openbadges.canonical import InProcess, in_process, to_wire
from badges.openbadges.errors import CanonicalizationError

IDLE_SECONDS = 300.0
MEMORY_BYTES = 2 * 1024**3
LENGTH = struct.Struct(">I")


def read_frame(descriptor: int) -> bytes | None:
    """The next frame, or None where the other side has closed the pipe."""
    header = _read_exactly(descriptor, LENGTH.size)
    if len(header) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(header)
    body = _read_exactly(descriptor, size)
    return body if len(body) == size else None


def _read_exactly(descriptor: int, size: int) -> bytes:
    # Straight from the descriptor: `select` sees nothing of what a buffer holds.
    parts = bytearray()
    while len(parts) < size:
        part = os.read(descriptor, size - len(parts))
        if not part:
            break
        parts += part
    return bytes(parts)


def frame(value: Any) -> bytes:
    """A JSON value as a frame."""
    body = json.dumps(value).encode()
    return LENGTH.pack(len(body)) + body


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do one request: `documents`, `hash`, and `contexts` where some are not the published."""
    extra = request.get("contexts")
    worker = InProcess(extra) if extra else in_process()
    try:
        results = worker.canonicalize(request["documents"], hash_name=request["hash"])
    except CanonicalizationError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"limit": True}
    return {"results": to_wire(results)}


def main() -> None:
    """Serve requests from standard input until it closes or falls silent."""
    source, sink = sys.stdin.fileno(), sys.stdout.buffer
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Default action, even if the parent ignored it: the kernel ends the process.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    warm = {"documents": [], "hash": "sha256"}
    sink.write(frame(answer(warm)))
    sink.flush()
    while select.select([source], [], [], IDLE_SECONDS)[0]:
        body = read_frame(source)
        if body is None:
            return
        request = json.loads(body)
        signal.setitimer(signal.ITIMER_PROF, float(request["seconds"]))
        reply = frame(answer(request))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sink.write(reply)
        sink.flush()


if __name__ == "__main__":
    main()
