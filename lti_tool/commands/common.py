"""What all commands share: settings, one runtime, errors as sentences, JSON on request."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from core import log, migrate
from core.config import Config
from core.db import Database
from core.errors import ConfigError, MilepostError
from core.files import FileStore
from core.runtime import Runtime
from keys.errors import KeyRingError
from lti_tool.app import make_runtime
from lti_tool.commands.beside_demo import recalled

F = TypeVar("F", bound=Callable[..., Any])


class RefusedError(click.ClickException):
    """The command was understood and could not be carried out: exit code 1."""

    exit_code = 1


def read_config(env: Mapping[str, str] | None = None) -> Config:
    """The settings (from the environment unless `env` is given), or all faults as one refusal."""
    try:
        config = Config.from_env(env)
    except ConfigError as exc:
        raise RefusedError("\n".join(exc.faults)) from None
    if faults := [fault for fault in (_database_fault(config), _files_fault(config)) if fault]:
        raise RefusedError("\n".join(faults))
    return config


def _database_fault(config: Config) -> str | None:
    try:
        make_url(config.database_url).get_dialect()
    except (ArgumentError, ValueError):
        return (
            "MILEPOST_DATABASE_URL is not usable: it must look like"
            " sqlite:////var/lib/milepost/milepost.sqlite or postgresql://user@host/name."
        )
    return None


def _files_fault(config: Config) -> str | None:
    try:
        FileStore(config.files_url)
    except (ImportError, ValueError, OSError) as exc:
        return f"MILEPOST_FILES_URL is not usable: {str(exc).rstrip('.')}."
    return None


@contextmanager
def opened(config: Config) -> Iterator[Runtime]:
    """A runtime over `config`; what goes wrong inside becomes a refusal in words."""
    runtime = make_runtime(config)
    try:
        yield runtime
    except MilepostError as exc:
        raise RefusedError(sentence(exc)) from None
    except KeyRingError as exc:
        raise RefusedError(str(exc)) from None
    except DBAPIError as exc:
        raise RefusedError(migration_fault(runtime.database) or database_fault(exc)) from None
    finally:
        runtime.close()


@contextmanager
def open_runtime() -> Iterator[Runtime]:
    """A runtime over the environment's settings, or those of the demo that was run here."""
    config = read_config(recalled(os.environ))
    log.configure("WARNING", "text")
    with opened(config) as runtime:
        yield runtime


def migration_fault(database: Database) -> str | None:
    """How the database differs from this version's form; None where it does not, or cannot say."""
    try:
        found, wanted = migrate.revision_of(database), migrate.head_revision()
    except DBAPIError:
        return None
    if found == wanted:
        return None
    if found is None:
        return "The database has no tables yet. Run: milepost db upgrade"
    return f"The database is at {found}, this version needs {wanted}. Run: milepost db upgrade"


def database_fault(exc: DBAPIError) -> str:
    """What the database said, in one line and without anybody's data."""
    said = str(exc.orig).strip().splitlines() or [type(exc.orig).__name__]
    advice = "See MILEPOST_DATABASE_URL, and whether the database server runs."
    if "unable to open database file" in said[0] or "readonly" in said[0]:
        advice = (
            "On a new installation run: milepost db upgrade. Otherwise see MILEPOST_HOME and"
            " MILEPOST_DATABASE_URL, and who may write there."
        )
    return f"The database cannot be used: {said[0].rstrip('.')}. {advice}"


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
