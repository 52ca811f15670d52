"""`milepost admin`."""

from __future__ import annotations

import click

from core.identity import organisation_by_slug
from core.runtime import Runtime
from core.scope import set_scope
from lti_tool.access.service import DEFAULT_NAME, create_link
from lti_tool.commands.common import json_option, needs_runtime, show


@click.group()
def admin() -> None:
    """The people who connect LMSs and mend deliveries."""


@admin.command("link")
@click.option("--organisation", required=True, help="Slug of the organisation to look after.")
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="What the person is called.")
@json_option
@needs_runtime
def link(runtime: Runtime, organisation: str, name: str, as_json: bool) -> None:
    """Print a link that lets one person in as administrator: once, within 15 minutes."""
    with runtime.database.transaction() as session:
        place = organisation_by_slug(session, organisation)
        set_scope(session, place.scope)
        made, path = create_link(session, place, name=name, now=runtime.now())
    url = f"{runtime.config.base_url}{path}"
    if as_json:
        row = {
            "url": url,
            "expires_at": made.expires_at.isoformat(timespec="seconds"),
            "organisation": place.slug,
            "name": made.name,
        }
        show([row], True, [])
        return
    until = made.expires_at.strftime("%H:%M UTC")
    click.echo(f"{made.name} comes in as administrator of {place.name}, once, until {until}:")
    click.echo(url)
