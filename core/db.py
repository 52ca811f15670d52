"""The database: engine, declarative base, column types, `transaction()` and `snapshot()`.

Only `transaction()` commits. On SQLite it is BEGIN IMMEDIATE, because a deferred transaction that
later wants to write fails at once when another has written meanwhile, whatever the busy time-out.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Uuid,
    create_engine,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.types import TypeDecorator

from core.pipelined import Pipelined
from core.prepared import Direct
from core.scope import Scope, ScopedSession, install_scoping

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# A connection that nobody used for so long is asked whether it is still there.
IDLE_SECONDS = 5.0


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC. A naive one is refused: it would be a guess."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware to UTC; SQLite stores it without the offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone was given to the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back to aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """Base of every mapped class; constraints are named, so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        uuid.UUID: Uuid(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


class Identified:
    """A UUID primary key, made here and not by the database, so that it is known before a flush."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)


def utcnow() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class Database:
    """One database: its engine and the only ways to it."""

    def __init__(self, url: str, *, pool_size: int = 5) -> None:
        """Connect lazily to `url` (sqlite:///… or postgresql+psycopg://…).

        `pool_size` is how many threads use it at once; there is room for a few more. Errors do not
        quote a statement's values: they are people's.
        """
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = (
            self._sqlite(url, pool_size) if self.is_sqlite else self._postgres(url, pool_size)
        )
        self._writing = self.engine.execution_options(milepost_begin="IMMEDIATE")
        self._passing = self._writing.execution_options(milepost_sync="NORMAL")
        self._plain = self.engine if self.is_sqlite else self._postgres(url, pool_size, plain=True)

    @staticmethod
    def _sqlite(url: str, pool_size: int) -> Engine:
        memory = url in {"sqlite://", "sqlite:///:memory:"}
        pool = {"pool_size": pool_size, "max_overflow": pool_size}
        options: dict[str, Any] = {"poolclass": StaticPool} if memory else pool
        engine = create_engine(
            url,
            connect_args={"check_same_thread": False, "timeout": 30},
            hide_parameters=True,
            **options,
        )

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, _record: Any) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                "foreign_keys=ON",
                "busy_timeout=30000",
            ):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def on_begin(connection: Connection) -> None:
            kind = connection.get_execution_options().get("milepost_begin", "DEFERRED")
            driver: Any = connection.connection.driver_connection
            wanted = connection.get_execution_options().get("milepost_sync", "FULL")
            _synchronise(driver, connection.info, wanted)
            driver.execute(f"BEGIN {kind}")

        return engine

    @staticmethod
    def _postgres(url: str, pool_size: int, *, plain: bool = False) -> Engine:
        """The engine; `plain` for prepared statements alone, whose connections commit at once.

        Connections of their own, because what sets them apart (see `passing`) costs as much as a
        statement at every change, and SQLAlchemy's own roll-back at every return as much again.
        """
        apart: dict[str, Any] = {}
        if plain:
            apart = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None,
                     "paramstyle": "numeric_dollar"}  # as libpq has it  # fmt: skip
        engine = create_engine(
            url, pool_size=pool_size, max_overflow=5, hide_parameters=True, **apart
        )

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, _record: Any) -> None:
            if plain:
                connection.autocommit = True
                connection.execute("SET synchronous_commit TO off")

        @event.listens_for(engine, "checkin")
        def on_checkin(_connection: Any, record: Any) -> None:
            record.info["used_at"] = time.monotonic()

        @event.listens_for(engine, "checkout")
        def on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
            # SQLAlchemy's own check asks at every checkout, which doubles a short request's trips.
            if connection.closed:
                raise DisconnectionError
            idle = time.monotonic() - record.info.get("used_at", time.monotonic())
            if idle > IDLE_SECONDS:
                try:
                    engine.dialect.do_ping(connection)
                except engine.dialect.loaded_dbapi.Error as error:
                    raise DisconnectionError from error

        return engine

    @contextmanager
    def transaction(self, scope: Scope | None = None, *, durable: bool = True) -> Iterator[Session]:
        """A unit of work: commits at the end, rolls back on any exception.

        `scope` says whose rows may be seen; without it, owned rows need `unscoped(reason)`.
        `durable=False` lets SQLite not wait for the disk, for what may be lost in a power cut (and
        in nothing less) because people simply begin it anew.
        """
        engine = self._writing if durable else self._passing
        with ScopedSession(engine, expire_on_commit=False) as session:
            install_scoping(session, scope)
            with session.begin():
                yield session

    @contextmanager
    def snapshot(self, scope: Scope | None = None) -> Iterator[Session]:
        """A consistent view for reading: never commits, and refuses to flush."""
        engine = self.engine
        if not self.is_sqlite:
            engine = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with _Snapshot(engine, expire_on_commit=False, autoflush=False) as session:
            install_scoping(session, scope)
            yield session

    @contextmanager
    def passing(self) -> Iterator[Direct]:
        """`transaction(durable=False)` for prepared statements alone, without a session's cost."""
        with self.single() as direct:
            direct.begin()
            try:
                yield direct
                direct.end()
            except BaseException:
                direct.rollback()
                raise

    @contextmanager
    def single(self) -> Iterator[Direct]:
        """For prepared statements that are each a transaction of their own, as in `passing`."""
        connection = self._plain.raw_connection()
        driver: Any = connection.driver_connection
        try:
            if self.is_sqlite:
                _synchronise(driver, connection.info, "NORMAL")
            yield self._direct(driver, connection.info)
        except DBAPIError as error:
            if error.connection_invalidated:
                connection.invalidate(error)
            raise
        finally:
            connection.close()

    def _direct(self, driver: Any, info: Any) -> Direct:
        if self.is_sqlite:
            return Direct(self._plain.dialect, driver)
        found: Direct | None = info.get("milepost_direct")
        if found is None:
            found = info["milepost_direct"] = Pipelined(self._plain.dialect, driver)
        return found

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
        self._plain.dispose()


def _synchronise(driver: Any, info: Any, wanted: str) -> None:
    """Set how SQLite waits for the disk; kept per connection, so that only a change costs."""
    if info.get("milepost_sync", "FULL") != wanted:
        driver.execute(f"PRAGMA synchronous={wanted}")
        info["milepost_sync"] = wanted


class _Snapshot(ScopedSession):
    """A session for reading."""


def _refuse_flush(session: Session, *_args: Any) -> None:
    raise RuntimeError("a snapshot is for reading; open a transaction to write")


event.listen(_Snapshot, "before_flush", _refuse_flush)


def unpooled(url: str) -> Engine:
    """An engine for one-off work such as migrations."""
    return create_engine(url, poolclass=NullPool, hide_parameters=True)
