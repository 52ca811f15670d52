"""What the figures of one run share: a folder, the sample district, results used twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Bench:
    """One run; what is opened here is closed with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._shared: dict[Any, Any] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def open(self, make: Callable[[Path], AbstractContextManager[T]]) -> T:
        """What `make(folder)` opens, opened once a run."""
        if make not in self._shared:
            self._shared[make] = self._stack.enter_context(make(self.folder))
        return cast(T, self._shared[make])

    def once(self, make: Callable[[Bench], T]) -> T:
        """What `make(bench)` returns, made once a run."""
        if make not in self._shared:
            self._shared[make] = make(self)
        return cast(T, self._shared[make])
