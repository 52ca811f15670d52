"""How often one address may ask for work that costs something, and how many may at once.

Per process, in memory.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask_babel import lazy_gettext as _

from core.errors import MilepostError, UnavailableError
from core.runtime import Runtime

_REMEMBERED = 4096


class TooManyRequestsError(MilepostError):
    """Asked more often than one address may."""

    status = 429
    default_code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            _("This address has asked for many checks in a short time."),
            title=_("One moment, please"),
            advice=_("Wait a minute and try again. Nothing was lost."),
        )
        self.headers["Retry-After"] = str(retry_after)


class RateLimit:
    """A bucket per asker that holds `count` and fills up again within `seconds`."""

    def __init__(
        self, count: int, *, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.count, self.rate, self._clock = count, count / seconds, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, who: str) -> None:
        """Use one; raises TooManyRequestsError where none is left."""
        now = self._clock()
        with self._lock:
            left, at = self._buckets.pop(who, (float(self.count), now))
            left = min(float(self.count), left + (now - at) * self.rate)
            allowed = left >= 1
            self._buckets[who] = (left - 1 if allowed else left, now)
            while len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        if not allowed:
            raise TooManyRequestsError(retry_after=max(1, round((1 - left) / self.rate)))


class Turns:
    """Work that may wait for other people's servers: so many at once, and the rest is put off.

    Whoever waits keeps a thread of this process; half of them stay free for everybody else.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    @classmethod
    def of(cls, runtime: Runtime) -> Turns:
        """The process's own: half as many as it has threads, and at least one."""
        return runtime.part(cls, lambda found: cls(max(1, found.config.threads // 2)))

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold one turn inside; raises UnavailableError where none is left."""
        if not self._free.acquire(blocking=False):
            raise UnavailableError(
                _("Other badges are being checked here at this moment."),
                title=_("One moment, please"),
                advice=_("Wait a minute and try again. Nothing was lost."),
                code="too_many_checks",
                retry_after=10,
            )
        try:
            yield
        finally:
            self._free.release()
