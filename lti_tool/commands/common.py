"""What all commands share: settings, one runtime, errors as sentences, JSON on request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import click
from sqlalchemy.exc import OperationalError, ProgrammingError

from core import log
from core.config import Config
from core.errors import ConfigError, MilepostError
from core.runtime import Runtime
from lti_tool.app import make_runtime

F = TypeVar("F", bound=Callable[..., Any])


class RefusedError(click.ClickException):
    """The command was understood and could not be carried out: exit code 1."""

    exit_code = 1


def read_config() -> Config:
    """The settings, or every fault in them as one refusal."""
    try:
        return Config.from_env()
    except ConfigError as exc:
        raise RefusedError("\n".join(exc.faults)) from None


@contextmanager
def open_runtime() -> Iterator[Runtime]:
    """A runtime over the environment's settings; faults of the database become sentences."""
    config = read_config()
    log.configure("WARNING", "text")
    runtime = make_runtime(config)
    try:
        yield runtime
    except MilepostError as exc:
        raise RefusedError(sentence(exc)) from None
    except OperationalError as exc:
        raise RefusedError(f"The database cannot be used: {exc.orig}") from None
    except ProgrammingError as exc:
        raise RefusedError(
            f"The database does not look as this version expects ({exc.orig})."
            " Run: milepost db upgrade"
        ) from None
    finally:
        runtime.close()


def sentence(exc: MilepostError) -> str:
    """A refusal in one paragraph: message, field faults, advice."""
    with plain_texts():
        parts = [str(exc.message)]
        parts += [f"{name}: {text}" for name, text in getattr(exc, "fields", {}).items()]
        if exc.advice:
            advice = exc.advice if isinstance(exc.advice, list | tuple) else [exc.advice]
            parts += [str(item) for item in advice]
    return "\n".join(parts)


@contextmanager
def plain_texts() -> Iterator[None]:
    """A place where gettext strings can be made without a request."""
    from flask import Flask
    from flask_babel import Babel

    app = Flask("milepost-command")
    Babel(app)
    with app.test_request_context():
        yield


def json_option(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(
        function
    )


def show(rows: Sequence[dict[str, Any]], as_json: bool, columns: Sequence[str]) -> None:
    """Print rows as JSON, or as a table of `columns`."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2, default=str, ensure_ascii=False))
        return
    if not rows:
        click.echo("None yet.")
        return
    cells = [
        [str(row.get(name) if row.get(name) is not None else "-") for name in columns]
        for row in rows
    ]
    widths = [max(len(line[n]) for line in [list(columns), *cells]) for n in range(len(columns))]
    for line in [list(columns), *cells]:
        click.echo(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        )


def needs_runtime(function: F) -> F:
    """Call the command with a Runtime as its first argument."""

    @wraps(function)
    def inner(*args: Any, **kw: Any) -> Any:
        with open_runtime() as runtime:
            return function(runtime, *args, **kw)

    return inner  # type: ignore[return-value]
