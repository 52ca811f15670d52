"""Statements put together once and run at the driver's own level, for what every visit does.

SQLAlchemy compiles a statement and looks up its types at every execution, which costs more than
SQLite or PostgreSQL take to answer. `Prepared` does that once a dialect; types, names of columns
and errors stay SQLAlchemy's.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Float, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]


class Direct:
    """A connection as the driver knows it, in the transaction that it is in."""

    __slots__ = ("dialect", "driver")

    def __init__(self, dialect: Dialect, driver: Any) -> None:
        self.dialect = dialect
        self.driver = driver

    @classmethod
    def of(cls, source: Session | Direct) -> Direct:
        """The connection of a session, within its transaction; itself where it is one already."""
        if isinstance(source, Direct):
            return source
        connection = source.connection()
        return cls(connection.dialect, connection.connection.driver_connection)

    def run(self, clause: Any) -> list[Any]:
        """Run a statement that is put together for this once; the rows as named tuples."""
        return Prepared(clause).run(self, {})

    def begin(self) -> None:
        """Begin a transaction that may write."""
        self.execute("BEGIN IMMEDIATE")

    def end(self) -> None:
        """Commit the transaction; raises what its statements have left to say."""
        self.execute("COMMIT")

    def rows(self, sql: str, values: Any, *, returns: bool) -> Sequence[Sequence[Any]]:
        """Run a statement as `dialect` writes it; its rows as the driver gives them."""
        cursor = self.execute(sql, values)
        found: Sequence[Sequence[Any]] = cursor.fetchall() if returns else ()
        return found

    def execute(self, sql: str, values: Any = ()) -> Any:
        """A cursor. Raises SQLAlchemy's errors, without the values, which are people's."""
        try:
            return self.driver.execute(sql, values)
        except self.dialect.loaded_dbapi.Error as error:
            raise self._translated(error, sql) from error

    def rollback(self) -> None:
        """Undo the transaction; a connection that is gone has undone it already."""
        with suppress(self.dialect.loaded_dbapi.Error):
            self.driver.execute("ROLLBACK")

    def _translated(self, error: Any, sql: str) -> BaseException:
        found: BaseException = DBAPIError.instance(
            sql,
            None,
            error,
            self.dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=self.dialect.is_disconnect(error, self.driver, None),
            dialect=self.dialect,
        )
        return found


@dataclass(frozen=True, slots=True)
class _Made:
    """A statement as one dialect takes it."""

    sql: str
    fixed: Mapping[str, Any]
    defaults: Sequence[tuple[str, Any]]
    binds: Sequence[tuple[str, Convert | None]]
    positional: bool
    row: Any
    columns: Sequence[Convert | None]


class Prepared:
    """A statement whose parameters are its `bindparam`s, or the row of an INSERT.

    What is not said of a row is its column's default, or null.
    """

    def __init__(self, clause: Any, columns: Iterable[Any] = ()) -> None:
        self.clause = clause
        self._columns = list(columns)
        self._made: dict[str, _Made] = {}

    @classmethod
    def insert(cls, table: Any) -> Prepared:
        """An INSERT of one row. Raises ValueError for a default that only the database knows."""
        for column in table.columns:
            unknown = column.default is None and column.server_default is not None
            if unknown and not column.nullable:
                raise ValueError(f"{column}: name its default in Python as well")
        return cls(insert(table), table.columns)

    def run(self, direct: Direct, params: Mapping[str, Any]) -> list[Any]:
        """Run it; the rows are named tuples, none where the statement returns none.

        Raises KeyError for a parameter that is missing, SQLAlchemy's errors for the database's.
        """
        made = self._made.get(direct.dialect.paramstyle) or self._make(direct.dialect)
        given = {**made.fixed, **params} if made.fixed else params
        if made.defaults:
            unsaid = [(name, default) for name, default in made.defaults if name not in given]
            given = {**given, **{name: _value(default) for name, default in unsaid}}
        if made.positional:
            values: Any = [
                given[name] if convert is None else convert(given[name])
                for name, convert in made.binds
            ]
        else:
            values = {
                name: given[name] if convert is None else convert(given[name])
                for name, convert in made.binds
            }
        rows = direct.rows(made.sql, values, returns=made.row is not None)
        return [
            made.row(*[
                value if convert is None else convert(value)
                for value, convert in zip(row, made.columns, strict=True)
            ])
            for row in rows
        ]  # fmt: skip

    def first(self, direct: Direct, params: Mapping[str, Any]) -> Any:
        """The first row; None where there is none."""
        rows = self.run(direct, params)
        return rows[0] if rows else None

    def _make(self, dialect: Dialect) -> _Made:
        names = [column.key for column in self._columns] or None
        compiled: SQLCompiler = self.clause.compile(dialect=dialect, column_keys=names)
        positional = compiled.positional
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        order = list(compiled.positiontup or ()) if positional else list(binds)
        needed = {name for name, bind in binds.items() if bind.required}
        fetched = [*self._columns, *compiled.insert_prefetch, *compiled.update_prefetch]
        defaults = [(c.key, c.default or c.onupdate) for c in fetched]
        given = {*needed, *(name for name, _default in defaults)}
        returned = list(self.clause.exported_columns)
        made = _Made(
            sql=compiled.string,
            fixed={k: v for k, v in compiled.params.items() if k not in given},
            defaults=defaults,
            binds=[(name, _to_database(binds[name].type, dialect)) for name in order],
            positional=positional,
            row=namedtuple("Row", [c.key for c in returned]) if returned else None,
            columns=[_from_database(column.type, dialect) for column in returned],
        )
        self._made[dialect.paramstyle] = made
        return made


def _value(default: Any) -> Any:
    """What a column's default comes to for this row; null where it has none."""
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


def _to_database(kind: Any, dialect: Dialect) -> Convert | None:
    found: Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def _from_database(kind: Any, dialect: Dialect) -> Convert | None:
    if isinstance(kind, Float) and not kind.asdecimal:
        return None  # drivers give floats; PostgreSQL's wants to know how the column came
    found: Convert | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return found
