"""`milepost db`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click
from alembic.util.exc import CommandError
from sqlalchemy.engine import make_url

from core import migrate
from core.errors import ConflictError
from core.runtime import Runtime
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.commands.common import RefusedError, needs_runtime


@click.group()
def db() -> None:
    """The database and its migrations."""


@db.command()
@needs_runtime
def upgrade(runtime: Runtime) -> None:
    """Bring the database to this version's form; nothing is lost."""
    before, after = bring_up(runtime)
    if before == after:
        click.echo(f"The database is up to date ({after}).")
    else:
        click.echo(f"The database was at {before or 'nothing'} and is now at {after}.")


def bring_up(runtime: Runtime) -> tuple[str | None, str | None]:
    """Migrate, and make the key that launches need; returns the revisions before and after.

    Raises RefusedError where a newer version of Milepost has migrated this database.
    """
    _make_folder(runtime)
    before = migrate.revision_of(runtime.database)
    try:
        migrate.upgrade(runtime.database)
    except CommandError as exc:
        if "locate revision" not in str(exc):
            raise
        raise RefusedError(
            f"The database is at {before}, which this version does not know: a newer version of"
            " Milepost has used it. Install that version, or restore an older copy."
        ) from None
    with runtime.database.transaction() as session, suppress(ConflictError):
        # Refused where there is one already: a launch must keep finding the key it was told of.
        ring_of(runtime).create(session, LTI_RING, "RS256", runtime.now())
    return before, migrate.revision_of(runtime.database)


def _make_folder(runtime: Runtime) -> None:
    """The home folder, where the embedded database is to lie in it."""
    home, url = runtime.config.home, make_url(runtime.config.database_url)
    if runtime.database.is_sqlite and url.database and Path(url.database).parent == home:
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise RefusedError(
                f"The folder {home} (MILEPOST_HOME) cannot be used: {exc.strerror}."
            ) from None
