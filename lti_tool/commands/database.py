"""`milepost db`."""

from __future__ import annotations

import click

from core import migrate
from core.runtime import Runtime
from lti_tool.commands.common import needs_runtime


@click.group()
def db() -> None:
    """The database and its migrations."""


@db.command()
@needs_runtime
def upgrade(runtime: Runtime) -> None:
    """Bring the database to this version's form; nothing is lost."""
    before = migrate.revision_of(runtime.database)
    migrate.upgrade(runtime.database)
    after = migrate.revision_of(runtime.database)
    if before == after:
        click.echo(f"The database is up to date ({after}).")
    else:
        click.echo(f"The database was at {before or 'nothing'} and is now at {after}.")
