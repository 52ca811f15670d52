"""The database's pool and the words of its errors."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db import unpooled
from core.runtime import Runtime


def test_every_thread_of_a_process_finds_a_connection(runtime: Runtime) -> None:
    """Each thread has one in use at once; more than there are would wait and then give up."""
    many = Runtime.from_config(replace(runtime.config, threads=40))
    with ExitStack() as held:
        for _ in range(40):
            session = held.enter_context(many.database.snapshot())
            assert session.execute(text("SELECT 1")).scalar() == 1
    many.close()


def test_an_error_does_not_quote_what_the_statement_was_given(any_runtime: Runtime) -> None:
    one_off = unpooled(any_runtime.config.database_url)
    for engine in (any_runtime.database.engine, one_off):
        with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
            connection.execute(text("SELECT :name FROM nowhere"), {"name": "Wren Samplewood"})
        assert "Wren" not in str(caught.value)
    one_off.dispose()
