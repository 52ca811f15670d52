"""A place where a test may end the process as a power cut would.

Honoured in the test environment alone, where `MILEPOST_CRASH_POINT` names the place: `name`, or
`name:3` for the third time that the process comes by.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def crash_point(name: str, environment: str) -> None:
    """Kill this process with SIGKILL if a test asked for it at `name`; else do nothing."""
    if environment != "test":
        return
    wanted, _, times = os.environ.get("MILEPOST_CRASH_POINT", "").partition(":")
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
