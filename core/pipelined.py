"""PostgreSQL without psycopg's cursors, for prepared statements alone.

A launch is ten small statements, and a cursor costs more than the server takes to answer one. Here
the driver still adapts values and keeps the connection, while statements go through libpq itself:
those that return nothing wait, and travel together with the next that does or with the COMMIT
(PostgreSQL manual, "Pipeline Mode"). So a fault in one of them is raised there.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from psycopg import Error, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from sqlalchemy import Dialect

from core.prepared import Direct

MOST_NAMES: Final = 200  # statements that a connection remembers; others are parsed every time
_Known = tuple[str, tuple[int, ...] | None]  # a statement, and the types of its values
_DONE: Final = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})


class _Adapted(NamedTuple):
    sql: str
    values: Any
    types: tuple[int, ...] | None
    formats: Any


class Pipelined(Direct):
    """A connection that commits at once, unless `begin` was said."""

    __slots__ = (
        "_adapt", "_at", "_both", "_most_names", "_names", "_numbers", "_open", "_pg", "_reading",
        "_waiting",
    )  # fmt: skip

    def __init__(self, dialect: Dialect, driver: Any) -> None:
        super().__init__(dialect, driver)
        self._pg = driver.pgconn
        self._reading, self._both = select.poll(), select.poll()
        self._reading.register(driver.pgconn.socket, select.POLLIN)
        self._both.register(driver.pgconn.socket, select.POLLIN | select.POLLOUT)
        self._adapt: Any = Transformer.from_context(driver)
        # A pooler between us and the server may hand each transaction to another backend, which
        # psycopg is told of by this setting.
        self._most_names = 0 if driver.prepare_threshold is None else MOST_NAMES
        self._names: dict[_Known, bytes] = {}
        self._numbers = 0
        self._waiting: list[tuple[str, Any]] = []
        self._at = ""
        self._open = False

    def begin(self) -> None:
        """Begin a transaction, together with its first statement."""
        self._open = True
        self._waiting = [("BEGIN", ())]

    def end(self) -> None:
        """Commit, together with all that still waits."""
        self._waiting.append(("COMMIT", ()))
        self._sent()
        self._open = False

    def rollback(self) -> None:
        """Undo the transaction; a connection that is gone has undone it already."""
        self._waiting, self._open = [], False
        with suppress(Error):
            self._send([("ROLLBACK", ())])

    def rows(self, sql: str, values: Sequence[Any], *, returns: bool) -> Sequence[Sequence[Any]]:
        """Run a statement; what returns nothing runs at once only outside a transaction."""
        self._waiting.append((sql, values))
        if self._open and not returns:
            return ()
        result = self._sent()
        if not returns:
            return ()
        self._adapt.set_pgresult(result)
        found: Sequence[Sequence[Any]] = self._adapt.load_rows(0, result.ntuples, tuple)
        return found

    def execute(self, sql: str, values: Any = ()) -> Any:
        """A cursor of the driver's, after all that waits."""
        if self._waiting:
            self._sent()
        return super().execute(sql, values)

    def _sent(self) -> Any:
        """Send all that waits; the last statement's result. Raises SQLAlchemy's errors."""
        waiting, self._waiting = self._waiting, []
        try:
            return self._send(waiting)
        except Error as error:
            raise self._translated(error, self._at) from error

    def _send(self, waiting: Sequence[tuple[str, Any]]) -> Any:
        pg, new = self._pg, list[_Known]()
        adapted = [self._adapted(sql, values) for sql, values in waiting]
        try:
            pg.enter_pipeline_mode()
            owed = [one.sql for one in adapted for _result in self._put(one, new)]
            pg.pipeline_sync()
            while pg.flush():  # more than the socket takes at once; the server may answer already
                self._both.poll()
                pg.consume_input()
            return self._received(owed)
        except BaseException:
            # What was perhaps not prepared must not be asked for by its name.
            for known in new:
                self._names.pop(known, None)
            raise
        finally:
            try:
                pg.exit_pipeline_mode()
            except Error:  # it owes answers, which nobody else may take for theirs
                self.driver.close()

    def _adapted(self, sql: str, values: Sequence[Any]) -> _Adapted:
        """A statement with its values as libpq takes them. Raises the driver's DataError."""
        self._at = sql
        if not values:
            return _Adapted(sql, None, None, None)
        given = self._adapt.dump_sequence(values, [PyFormat.AUTO] * len(values))
        return _Adapted(sql, given, self._adapt.types, self._adapt.formats)

    def _put(self, one: _Adapted, new: list[_Known]) -> range:
        """Hand a statement to libpq; as many numbers as it will have results."""
        pg, known = self._pg, (one.sql, one.types)
        name = self._names.get(known)
        if name is not None:
            pg.send_query_prepared(name, one.values, one.formats)
            return range(1)
        if len(self._names) >= self._most_names:
            pg.send_query_params(one.sql.encode(), one.values, one.types, one.formats)
            return range(1)
        self._numbers += 1
        name = self._names[known] = b"m%d" % self._numbers
        new.append(known)
        pg.send_prepare(name, one.sql.encode(), one.types)
        pg.send_query_prepared(name, one.values, one.formats)
        return range(2)

    def _received(self, owed: Sequence[str]) -> Any:
        """Read the result of each of `owed`, and the end of the pipeline. Raises the first fault.

        Returns the last result.
        """
        pg, last, fault = self._pg, None, None
        for sql in owed:
            last = self._result()
            if last is None or pg.status != ConnStatus.OK:
                self._at = sql
                raise OperationalError("the connection to the database was lost")
            if last.status not in _DONE and fault is None:
                self._at, fault = sql, error_from_result(last, self.driver.info.encoding)
            self._result()  # None: the end of this one
        self._result()  # the end of the pipeline
        if fault is not None:
            raise fault
        return last

    def _result(self) -> Any:
        """The next result. libpq's own waiting would keep every other thread waiting too."""
        while self._pg.is_busy():
            self._reading.poll()
            self._pg.consume_input()
        return self._pg.get_result()
