"""What one process shares: settings, database, files, outgoing HTTP, topics and the clock."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock
from typing import Any, TypeVar, cast

from core.config import Config
from core.db import Database, utcnow
from core.files import FileStore
from core.http import HttpClient
from core.outbox import Registry

T = TypeVar("T")


@dataclass
class Runtime:
    """Made once per process and handed to whoever needs it.

    `checks` maps a name to a callable that raises where something this process needs is not ready.
    """

    config: Config
    database: Database
    files: FileStore
    http: HttpClient
    registry: Registry = field(default_factory=Registry)
    clock: Callable[[], datetime] = utcnow
    checks: dict[str, Callable[[], None]] = field(default_factory=dict)
    _parts: dict[type, Any] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=RLock, repr=False)  # a part may need another

    @classmethod
    def from_config(cls, config: Config) -> Runtime:
        """Open everything that `config` names."""
        return cls(
            config=config,
            database=Database(config.database_url, pool_size=config.threads + 1),
            files=FileStore(config.files_url),
            http=HttpClient(
                allow=config.outgoing_allow, allow_loopback=config.environment != "production"
            ),
        )

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return self.clock()

    def part(self, kind: type[T], make: Callable[[Runtime], T]) -> T:
        """The process's one object of `kind` that a room above core adds; `make` makes it once."""
        with self._lock:
            if kind not in self._parts:
                self._parts[kind] = make(self)
            return cast(T, self._parts[kind])

    def close(self) -> None:
        """Give the database's connections back."""
        self.database.close()


def settle() -> None:
    """Once a long-lived process has built its application: keep the collector out of what stays.

    A full collection looks at everything that was ever imported, again and again, for nothing.
    """
    gc.collect()
    gc.freeze()
    # A request makes some thousand objects that reference counting frees by itself.
    gc.set_threshold(20_000, 20, 20)
