"""Structured logs: one JSON object a line, with the request's id and without personal data."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# Only these extra fields are ever written: a name or an address cannot slip in by accident.
FIELDS = (
    "topic", "job", "attempts", "method", "route", "status", "code", "platform", "deployment",
    "duration_ms", "reason", "kid", "credential", "count",
)  # fmt: skip


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON with time, level, logger, message, request id and the allowed extras."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            line["request_id"] = current
        line.update({name: record.__dict__[name] for name in FIELDS if name in record.__dict__})
        if record.exc_info:
            line["exception"] = _places(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Formats a record for people at a terminal, as silent about errors' words as the other."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Kinds and places, without the words."""
        return _places(ei[1])


def kind_of(error: BaseException) -> str:
    """What kind of error it was, for logs and the outbox: its type and code, never its words.

    An error's message quotes what it was about: a statement's values, a line of somebody's text.
    The code is PostgreSQL's SQLSTATE, SQLite's error name, or our own domain error's.
    """
    for link in (getattr(error, "orig", None), error):
        for name in ("sqlstate", "sqlite_errorname", "code"):
            if isinstance(code := getattr(link, name, None), str) and code:
                return f"{type(error).__name__} ({code})"
    return type(error).__name__


def _places(error: BaseException | None) -> str:
    """What kind of error it was and where, first cause first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = []
    for link in reversed(chain):
        parts.append("".join(traceback.format_tb(link.__traceback__)))
        parts.append(f"{type(link).__module__}.{kind_of(link)}\n")
    return "".join(parts)


def configure(level: str = "INFO", style: str = "json") -> None:
    """Send the logs of this process to standard error; `style` is json or text."""
    handler = logging.StreamHandler(sys.stderr)
    if style == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
