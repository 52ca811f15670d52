"""`milepost platform`."""

from __future__ import annotations

import uuid
from typing import Any

import click
from sqlalchemy.orm import Session

from core.identity import organisation_by_slug
from core.runtime import Runtime
from core.scope import set_scope, unscoped
from lti_tool.commands.common import json_option, needs_runtime, show
from lti_tool.lti.families import FAMILIES
from lti_tool.lti.models import Platform
from lti_tool.lti.registration import (
    add_deployment,
    add_platform,
    change_platform,
    deployments_of,
    list_platforms,
)


@click.group()
def platform() -> None:
    """The LMSs that may launch Milepost."""


@platform.command("add")
@click.option("--organisation", required=True, help="Slug of the organisation it serves.")
@click.option("--name", required=True, help="What administrators call it.")
@click.option("--family", type=click.Choice(sorted(FAMILIES)), default="generic", show_default=True)
@click.option("--site-url", default="", help="Moodle: the site's address; fills in the endpoints.")
@click.option("--client-id", required=True, help="The client id that the LMS gave.")
@click.option("--deployment-id", "deployments", multiple=True, help="May be given several times.")
@click.option("--issuer", default="")
@click.option("--auth-login-url", default="", help="The LMS's authorization endpoint.")
@click.option("--auth-token-url", default="", help="The LMS's token endpoint.")
@click.option("--jwks-url", default="", help="Where the LMS publishes its keys.")
@click.option("--token-audience", default=None, help="Where it differs from the token endpoint.")
@click.option("--frame-origin", "frames", multiple=True, help="Who may show our pages in a frame.")
@click.option("--verifies-emails", is_flag=True, help="The LMS checks its people's addresses.")
@json_option
@needs_runtime
def add(
    runtime: Runtime,
    organisation: str,
    deployments: tuple[str, ...],
    frames: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Register an LMS by hand, and print what to type there."""
    with runtime.database.transaction() as session:
        place = organisation_by_slug(session, organisation)
        set_scope(session, place.scope)
        made = add_platform(
            session, place, frame_origins=list(frames) or None, now=runtime.now(), **given
        )
        for deployment_id in deployments:
            add_deployment(session, made, deployment_id, now=runtime.now())
        row = {"id": str(made.id), "name": made.name, "issuer": made.issuer}
    base = runtime.config.base_url
    values = {
        "login_url": f"{base}/lti/login",
        "redirect_url": f"{base}/lti/launch",
        "jwks_url": f"{base}/.well-known/jwks.json",
        "target_link_uri": f"{base}/to/home",
    }
    if as_json:
        show([{**row, **values}], True, [])
        return
    click.echo(f"{made.name} was registered. Type these into the LMS:")
    for name, value in values.items():
        click.echo(f"  {name.replace('_', ' ')}: {value}")


@platform.command("set")
@click.argument("platform_id", metavar="ID", type=click.UUID)
@click.option("--name", help="What administrators call it.")
@click.option("--auth-login-url", help="The LMS's authorization endpoint.")
@click.option("--auth-token-url", help="The LMS's token endpoint.")
@click.option("--jwks-url", help="Where the LMS publishes its keys.")
@click.option("--token-audience", help='Where it differs from the token endpoint ("" if not).')
@click.option(
    "--frame-origin",
    "frames",
    multiple=True,
    help="Who may show our pages in a frame; replaces all there were.",
)
@click.option(
    "--verifies-emails/--no-verifies-emails",
    default=None,
    help="Whether the LMS checks its people's addresses.",
)
@click.option("--disable/--enable", "disabled", default=None, help="Switch it off, or on again.")
@json_option
@needs_runtime
def set_(
    runtime: Runtime,
    platform_id: uuid.UUID,
    frames: tuple[str, ...],
    as_json: bool,
    **given: Any,
) -> None:
    """Correct the LMS called ID (see `list`); what is not given stays as it is."""
    changes = {**given, "frame_origins": list(frames) or None}
    if all(value is None for value in changes.values()):
        raise click.UsageError("Say what to change; see --help.")
    with (
        runtime.database.transaction() as session,
        unscoped(session, "the operator of the installation works on all of it"),
    ):
        changed = change_platform(session, platform_id, now=runtime.now(), **changes)
        row = _row(session, changed)
    if as_json:
        show([row], True, [])
        return
    click.echo(f"{changed.name} was changed. Running processes follow within seconds.")


@platform.command("list")
@json_option
@needs_runtime
def list_(runtime: Runtime, as_json: bool) -> None:
    """List the registered LMSs and their deployments."""
    with (
        runtime.database.snapshot() as session,
        unscoped(session, "the operator of the installation lists all of it"),
    ):
        rows = [_row(session, item) for item in list_platforms(session)]
    show(rows, as_json, ["id", "name", "family", "issuer", "client_id", "deployments", "state"])


def _row(session: Session, item: Platform) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "name": item.name,
        "family": item.family,
        "issuer": item.issuer,
        "client_id": item.client_id,
        "auth_login_url": item.auth_login_url,
        "auth_token_url": item.auth_token_url,
        "jwks_url": item.jwks_url,
        "token_audience": item.token_audience,
        "frame_origins": list(item.frame_origins),
        "verifies_emails": item.verifies_emails,
        "deployments": ", ".join(d.deployment_id for d in deployments_of(session, item)),
        "state": "disabled" if item.disabled_at else "enabled",
        "last_launch_at": item.last_launch_at,
    }
