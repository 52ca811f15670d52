"""Canonicalization of strangers' documents in warm child processes with bounded time.

A poisoned graph costs its sender one second of CPU and the child its life; the next request
starts another. Safe with many threads (a child serves one at a time), with forks (a forked
process forgets its parent's children) and at exit (children end when their pipe closes).
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from badges.openbadges.canonical import Canonical, from_wire
from badges.openbadges.canonical_child import LENGTH, frame
from badges.openbadges.errors import (
    CanonicalizationError,
    CanonicalizationLimitError,
    CanonicalizerBusyError,
)
from badges.openbadges.messages import N_

CPU_SECONDS = 1.0
# A backstop against a machine that is too busy to give the child its second.
WALL_SECONDS = 15.0
START_SECONDS = 30.0
MAX_CHILDREN = 4
MAX_IDLE = 2
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG", "LC_ALL")


class _Child:
    """One child process and its pipes; used by one thread at a time."""

    def __init__(self) -> None:
        # No secret of the application's environment reaches the process that strangers feed.
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "badges.openbadges.canonical_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            close_fds=True,
            cwd=Path(__file__).resolve().parents[2],
            env=kept,
        )
        pipes = (self.process.stdin, self.process.stdout)
        self._stdin, self._stdout = (pipe.fileno() if pipe else -1 for pipe in pipes)
        os.set_blocking(self._stdin, False)
        try:
            self._read(time.monotonic() + START_SECONDS)
        except OSError:
            self.close()
            raise

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send one request and wait for its answer; raises OSError if the child ends."""
        deadline = time.monotonic() + seconds
        self._write(memoryview(frame(request)), deadline)
        reply: dict[str, Any] = json.loads(self._read(deadline))
        return reply

    def close(self) -> None:
        """End the process and collect it."""
        ended = self.process.poll() is not None
        self.close_pipes()
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not ended:
                # A child that is ending by itself keeps the status that says why.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(timeout=0.05)
                self.process.kill()
            self.process.wait(timeout=5)

    def forget(self) -> None:
        """Close the pipes that a fork copied, leaving the process to the parent."""
        self.close_pipes()
        # Not ours to wait for: without this, collecting the object warns of a running process.
        self.process.returncode = 0

    def close_pipes(self) -> None:
        """Close this side of the pipes."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _write(self, data: memoryview, deadline: float) -> None:
        while data:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [self._stdin], [], left)[1]:
                raise TimeoutError
            data = data[os.write(self._stdin, data) :]

    def _read(self, deadline: float) -> bytes:
        (size,) = LENGTH.unpack(self._read_exactly(LENGTH.size, deadline))
        return self._read_exactly(size, deadline)

    def _read_exactly(self, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._stdout], [], [], left)[0]:
                raise TimeoutError
            part = os.read(self._stdout, size - len(parts))
            if not part:
                raise ConnectionResetError("the canonicalization process ended")
            parts += part
        return bytes(parts)


class _Pool:
    """Up to MAX_CHILDREN children, MAX_IDLE of which stay warm between requests."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(MAX_CHILDREN)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request in a child; a warm one that has meanwhile ended is replaced."""
        if not self._slots.acquire(timeout=WALL_SECONDS):
            raise CanonicalizerBusyError(
                N_("Too many documents are being checked; try again soon.")
            )
        try:
            return self._ask(request)
        finally:
            self._slots.release()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        child, warm = self._take()
        try:
            reply = child.ask(request, WALL_SECONDS)
        except (OSError, ValueError) as error:
            child.close()
            if warm and child.process.returncode == 0:
                # It fell silent for long and ended just now, through no fault of the document.
                return self._ask(request)
            raise CanonicalizationLimitError(
                N_("The document took too long to bring into canonical form.")
            ) from error
        except BaseException:
            child.close()
            raise
        self._give_back(child)
        return reply

    def _take(self) -> tuple[_Child, bool]:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.process.poll() is None:
                    return child, True
                child.close()
        try:
            return _Child(), False
        except OSError as error:
            raise CanonicalizerBusyError(N_("The checking process did not start.")) from error

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append(child)
                return
        child.close()

    def close(self) -> None:
        """End every idle child."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.close()

    def forget(self) -> None:
        """Drop what a fork copied."""
        for child in self._idle:
            child.forget()
        self._idle = []


_pool = _Pool()


def _after_fork() -> None:
    global _pool  # noqa: PLW0603 - a forked process needs locks of its own
    _pool.forget()
    _pool = _Pool()


os.register_at_fork(after_in_child=_after_fork)


def close_children() -> None:
    """End the warm children now; the next document starts one again. Called at exit."""
    _pool.close()


atexit.register(close_children)


class Guarded:
    """The canonicalizer for documents of strangers.

    Args:
        extra: further context documents by address, sent along with every request.
    """

    def __init__(self, extra: Mapping[str, Any] | None = None) -> None:
        self._extra = dict(extra or {})

    def canonicalize(
        self, documents: Sequence[Mapping[str, Any]], *, hash_name: str = "sha256"
    ) -> list[Canonical]:
        """The canonical form of each document, within one second of CPU time for all of them.

        Raises:
            CanonicalizationLimitError: the time or the memory ran out.
            CanonicalizerBusyError: no child was free, or none could be started.
            CanonicalizationError: a document is not JSON-LD, or holds an invalid IRI.
        """
        request = {
            "documents": list(documents),
            "hash": hash_name,
            "contexts": self._extra,
            "seconds": CPU_SECONDS,
        }
        reply = _pool.ask(request)
        if reply.get("limit"):
            raise CanonicalizationLimitError(
                N_("The document took too much memory to bring into canonical form.")
            )
        if "error" in reply:
            raise CanonicalizationError(reply["error"])
        return from_wire(reply["results"])
