"""Logins under way: no look-up reads them all, however many there are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import Executable

from core.db import Base
from lti_tool.lti import logins
from lti_tool.lti.models import LoginState

table: Any = LoginState.__table__
QUERIES = {
    "by id": logins._BY_ID.clause,
    "by nonce": logins._USED_NONCE.clause,
    "taking": logins._USE.clause,
    "a ticket": logins._TAKE_TICKET.clause,
    "old ones": logins._FORGET,
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_every_look_up_has_an_index(query: Executable) -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine, tables=[table])
    text = str(query.compile(dialect=sqlite.dialect()))
    text, holes = text.replace("?", "NULL"), text.count("?")
    assert holes
    with engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    engine.dispose()
    assert plan
    assert all(step.startswith("SEARCH lti_logins USING") for step in plan), plan
