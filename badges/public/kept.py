"""Pages rendered a moment ago, kept in memory: a badge that was just shared is opened often."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

_PAGES = 128


class PageCache:
    """The latest pages by whatever decides every word of them. Safe to share between threads."""

    def __init__(self, size: int = _PAGES) -> None:
        self._size = size
        self._pages: OrderedDict[Hashable, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], str]) -> str:
        """The page for `key`, made by `make` unless it is here."""
        with self._lock:
            found = self._pages.get(key)
            if found is not None:
                self._pages.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._pages[key] = made
            while len(self._pages) > self._size:
                self._pages.popitem(last=False)
        return made
