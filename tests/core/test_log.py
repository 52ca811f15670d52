"""Logs: one JSON object a line, with the request's id and nobody's data."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import log
from core.errors import ConflictError
from core.runtime import Runtime
from core.web.app import make_app
from tests.support.environment import BASE_URL

# Not within a statement that fails: places show the lines of our own source.
NAME = "Wren Samplewood"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process writes to standard error, its logs as `milepost serve` sets them."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    out = io.StringIO()
    request = log.request_id.set(None)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", out)
        log.configure("INFO", "json")
    yield out
    log.request_id.reset(request)
    root.handlers[:] = handlers
    root.setLevel(level)


def read(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_says_when_how_grave_where_and_what(lines: io.StringIO) -> None:
    logging.getLogger("milepost.test").warning("job %s", "postponed", extra={"attempts": 3})
    [line] = read(lines)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "warning", "logger": "milepost.test", "message": "job postponed", "attempts": 3,
    }  # fmt: skip


def test_only_fields_that_hold_nobodys_data_are_written(lines: io.StringIO) -> None:
    extra = {"email": "wren@example.org", "person": "Wren", "text": "My pupils", "status": 422}
    logging.getLogger("milepost.test").info("refused", extra=extra)
    [line] = read(lines)
    assert set(line) == {"at", "level", "logger", "message", "status"}
    assert "wren" not in lines.getvalue().lower()


@given(
    name=st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda it: it not in log.FIELDS),
    value=st.text(),
)
def test_no_other_field_is_ever_written(name: str, value: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "it", None, None)
    if name in record.__dict__ or name in ("at", "level", "logger", "message"):
        return
    before = json.loads(log.JsonFormatter().format(record))
    setattr(record, name, value)
    assert json.loads(log.JsonFormatter().format(record)) == before


@given(message=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_message_is_one_line_whatever_it_holds(message: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "%s", (message,), None)
    line = log.JsonFormatter().format(record)
    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line)["message"] == message


def test_an_error_is_told_by_its_kind_and_place_without_its_words(
    lines: io.StringIO, runtime: Runtime
) -> None:
    try:
        with runtime.database.transaction() as session:
            session.connection().execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": NAME})
    except SQLAlchemyError:
        logging.getLogger("milepost.test").exception("it broke")
    [line] = read(lines)
    assert "Wren" not in lines.getvalue()
    assert "sqlite3.OperationalError" in line["exception"]
    assert "sqlalchemy.exc.OperationalError" in line["exception"]
    assert "test_log.py" in line["exception"]


def test_an_error_of_ours_is_told_with_its_code(lines: io.StringIO) -> None:
    try:
        raise ConflictError("Wren was first.", code="award_exists")
    except ConflictError:
        logging.getLogger("milepost.test").exception("refused")
    [line] = read(lines)
    assert line["exception"].endswith("core.errors.ConflictError (award_exists)\n")
    assert "Wren was first" not in line["exception"].rpartition("core.errors")[2]


def test_errors_that_caused_each_other_are_told_first_cause_first(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError("Wren")
        except KeyError as exc:
            raise ValueError("Wren") from exc
    except ValueError:
        logging.getLogger("milepost.test").exception("broke")
    told = read(lines)[0]["exception"]
    assert told.index("builtins.KeyError\n") < told.index("builtins.ValueError\n")


def test_lines_of_a_request_carry_the_id_that_its_answer_shows(
    lines: io.StringIO, runtime: Runtime
) -> None:
    app = make_app(runtime)
    app.add_url_rule("/look", "look", lambda: logging.getLogger("milepost.test").info("here") or "")

    @app.get("/boom/<name>")
    def boom(name: str) -> str:
        raise RuntimeError(f"{name} is not what was expected")

    client = app.test_client()
    shown = client.get("/look", base_url=BASE_URL).headers["X-Request-Id"]
    given = client.get(
        "/boom/Samplewood?sent=wren%40example.org",
        base_url=BASE_URL, headers={"X-Request-Id": "0123456789abcdef"},
    )  # fmt: skip
    assert given.status_code == 500
    first, second = read(lines)
    assert first["request_id"] == shown
    assert second["request_id"] == given.headers["X-Request-Id"] == "0123456789abcdef"
    assert second["route"] == "/boom/<name>"
    assert "Samplewood" not in lines.getvalue()
    assert "wren" not in lines.getvalue()


@pytest.mark.parametrize(
    "sent", ["short", "x" * 65, "a b c d e f g h", 'x"},{"level":"', "ünicode8"]
)
def test_an_id_that_could_confuse_a_log_is_replaced(runtime: Runtime, sent: str) -> None:
    client = make_app(runtime).test_client()
    headers = {"X-Request-Id": sent.encode().decode("latin-1")}
    answer = client.get("/livez", base_url=BASE_URL, headers=headers)
    assert answer.headers["X-Request-Id"] != headers["X-Request-Id"]
    assert len(answer.headers["X-Request-Id"]) == 16


def test_people_at_a_terminal_may_have_plain_text(
    lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", lines)
    log.configure("WARNING", "text")
    logging.getLogger("milepost.test").info("not this")
    logging.getLogger("milepost.test").warning("look here")
    assert lines.getvalue() == "WARNING milepost.test: look here\n"
