"""`milepost platform`."""

from __future__ import annotations

import json
import uuid
from typing import IO, Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import ConflictError
from core.identity import Organisation, organisation_by_slug
from core.runtime import Runtime
from core.scope import set_scope, unscoped
from lti_tool.commands.common import RefusedError, json_option, needs_runtime, plain_texts, show
from lti_tool.lti.families import FAMILIES
from lti_tool.lti.models import Platform
from lti_tool.lti.registering import exchange, links, values
from lti_tool.lti.registration import (
    PRIVACY_LEVELS,
    add_deployment,
    add_platform,
    change_platform,
    deployments_of,
    list_platforms,
    platform_unknown,
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
@click.option(
    "--privacy-level",
    type=click.Choice(PRIVACY_LEVELS),
    default="full",
    show_default=True,
    help="What is kept of what the LMS tells about people.",
)
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
    if as_json:
        ours = {
            "login_url": f"{base}/lti/login",
            "redirect_url": f"{base}/lti/launch",
            "jwks_url": f"{base}/.well-known/jwks.json",
            "target_link_uri": f"{base}/to/home",
        }
        show([{**row, **ours}], True, [])
        return
    click.echo(f"{made.name} was registered. Type these into the LMS:")
    with plain_texts():
        for field in values.for_family(base, made.family):
            click.echo(f"  {field.label}: {field.value}")


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
@click.option("--privacy-level", type=click.Choice(PRIVACY_LEVELS), help="What is kept of people.")
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


@platform.command("invite")
@click.option("--organisation", help="Slug of the organisation it will serve; not needed if alone.")
@click.option("--platform", "platform_id", type=click.UUID, help="The one LMS that it updates.")
@json_option
@needs_runtime
def invite(
    runtime: Runtime, organisation: str | None, platform_id: uuid.UUID | None, as_json: bool
) -> None:
    """Print a link that connects one LMS: an administrator pastes it there.

    It can be used once, within seven days. With --platform it brings that LMS up to date (see
    `list` for ids) and adds none.
    """
    with (
        runtime.database.transaction() as session,
        unscoped(session, "the operator of the installation works on all of it"),
    ):
        place = _place(session, organisation, platform_id)
        link, path = links.create(
            session, place, actor_id=None, now=runtime.now(), platform_id=platform_id
        )
        until = link.expires_at
    url = f"{runtime.config.base_url}{path}"
    if as_json:
        row = {"id": link.id, "url": url, "organisation": place.slug, "platform_id": platform_id,
               "expires_at": until.isoformat()}  # fmt: skip
        show([row], True, [])
        return
    click.echo(url)
    click.echo(
        f"Paste it into the LMS, before {until:%Y-%m-%d %H:%M} UTC. It works once.", err=True
    )


def _place(session: Session, slug: str | None, platform_id: uuid.UUID | None) -> Organisation:
    """The organisation that is named, that of the platform, or the only one there is."""
    if slug is not None:
        return organisation_by_slug(session, slug)
    if platform_id is not None:
        known = session.get(Platform, platform_id)
        if known is None:
            raise platform_unknown()
        return session.get_one(Organisation, known.owner_id)
    first = session.scalars(select(Organisation).limit(2)).all()
    if len(first) != 1:
        raise ConflictError(
            "Say for which organisation: --organisation SLUG"
            if first
            else "There is no organisation yet. Add one with: milepost organisation add"
        )
    return first[0]


@platform.command("export")
@click.argument("platform_id", metavar="ID", type=click.UUID)
@json_option
@needs_runtime
def export(runtime: Runtime, platform_id: uuid.UUID, as_json: bool) -> None:
    """Print the LMS called ID as JSON, for `import` into another installation.

    It holds no secret. With --json it stands in a list, as other commands print.
    """
    with (
        runtime.database.snapshot() as session,
        unscoped(session, "the operator of the installation works on all of it"),
    ):
        document = exchange.export_platform(session, platform_id)
    click.echo(
        json.dumps([document] if as_json else document, indent=2, default=str, ensure_ascii=False)
    )


@platform.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--organisation", required=True, help="Slug of the organisation it serves.")
@json_option
@needs_runtime
def import_(runtime: Runtime, file: IO[str], organisation: str, as_json: bool) -> None:
    """Register the LMS that `export` wrote into FILE (- for standard input)."""
    try:
        document = json.load(file)
    except (ValueError, RecursionError):
        raise RefusedError("This file is not JSON. Use one that `export` wrote.") from None
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    with runtime.database.transaction() as session:
        place = organisation_by_slug(session, organisation)
        set_scope(session, place.scope)
        made = exchange.import_platform(session, place, document, runtime.now())
        row = _row(session, made)
    if as_json:
        show([row], True, [])
        return
    click.echo(f"{made.name} was registered, with the deployments: {row['deployments'] or 'none'}.")


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
    placed = deployments_of(session, item)
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
        "privacy_level": item.privacy_level,
        "deployments": ", ".join(d.deployment_id for d in placed if d.state == "active"),
        "waiting": ", ".join(d.deployment_id for d in placed if d.state == "waiting"),
        "state": "disabled" if item.disabled_at else "enabled",
        "last_launch_at": item.last_launch_at,
    }
