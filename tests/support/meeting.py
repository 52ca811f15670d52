"""Two who take one unique name in the same moment, on PostgreSQL: the second is made to wait."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.runtime import Runtime
from core.scope import Scope

Result = TypeVar("Result")
_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


class _GivesUpError(Exception):
    """The first one takes everything back."""


def meet(
    runtime: Runtime,
    scope: Scope,
    first: Callable[[Session], Any],
    second: Callable[[], Result],
    *,
    gives_up: bool = False,
) -> Result:
    """What `second` comes to, which waits for `first` at the constraint until that one is over.

    `second` opens a transaction of its own, on another connection.
    """
    with ThreadPoolExecutor(1) as pool:
        with suppress(_GivesUpError), runtime.database.transaction(scope) as session:
            first(session)
            answer = pool.submit(second)
            _until_it_waits(runtime, answer)
            if gives_up:
                raise _GivesUpError
        return answer.result(30)


def _until_it_waits(runtime: Runtime, answer: Future[Any]) -> None:
    with runtime.database.engine.connect() as watching:
        while not watching.scalar(_WAITING):
            watching.rollback()
            done, _open = wait_for([answer], timeout=0.01)
            assert not done, f"it did not wait: {answer.result()}"
