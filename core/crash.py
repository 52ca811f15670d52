"""A place where a test may end the process as a power cut would.

Honoured in the test environment alone, where `MILEPOST_CRASH_POINT` names the place.
"""

from __future__ import annotations

import os
import signal


def crash_point(name: str, environment: str) -> None:
    """Kill this process with SIGKILL if a test asked for it at `name`; else do nothing."""
    if environment == "test" and os.environ.get("MILEPOST_CRASH_POINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
