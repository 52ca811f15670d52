"""`milepost issuer`, `micro-credential`, `framework`: what can be earned, and who signs for it."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from badges.achievements import frameworks, service
from badges.achievements import issuers as profiles
from badges.achievements.case import MOST_BYTES, read_case
from badges.achievements.document import MicroCredential
from badges.achievements.models import AchievementVersion, Issuer
from core.identity import organisation_by_slug
from core.runtime import Runtime
from core.scope import set_scope, unscoped
from keys.shared import ring_of
from lti_tool.commands.common import RefusedError, json_option, needs_runtime, show


@click.group()
def issuer() -> None:
    """The issuers that sign badges."""


@issuer.command("add")
@click.argument("slug")
@click.option("--organisation", required=True, help="Slug of the organisation it belongs to.")
@click.option("--name", required=True)
@click.option("--url", default=None, help="The organisation's own web address.")
@click.option("--email", default=None)
@click.option("--description", default=None)
@json_option
@needs_runtime
def add_issuer(
    runtime: Runtime,
    slug: str,
    organisation: str,
    name: str,
    url: str | None,
    email: str | None,
    description: str | None,
    as_json: bool,
) -> None:
    """Make an issuer with keys of its own; SLUG is part of its address for ever."""
    with runtime.database.transaction() as session:
        place = organisation_by_slug(session, organisation)
        set_scope(session, place.scope)
        made = service.create_issuer(
            session,
            place,
            ring=ring_of(runtime),
            slug=slug,
            name=name,
            url=url,
            email=email,
            description=description,
            badge_url=runtime.config.badge_url,
            now=runtime.now(),
        )
    if as_json:
        show([{"slug": made.slug, "name": made.name, "did": made.did}], True, [])
        return
    click.echo(f"{made.name} signs as {made.did}.")


@issuer.command("set")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@needs_runtime
def set_issuer(runtime: Runtime, slug: str, file: Path) -> None:
    """Write the profile of SLUG anew from a JSON FILE (docs/micro-credentials.md has its form)."""
    data = _json_object(file)
    with runtime.database.transaction() as session:
        found = _issuer(session, slug)
        with unscoped(session, "the operator changes the issuer that was named"):
            different = profiles.change(
                session, found.id, data, seen=found.changed_at, actor_id=None, now=runtime.now()
            )
    click.echo(f"Changed: {', '.join(different)}." if different else "Nothing was different.")


@click.command("framework")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organisation", required=True, help="Slug of the organisation it is for.")
@needs_runtime
def framework(runtime: Runtime, file: Path, organisation: str) -> None:
    """Bring in a framework of standards from a FILE of CASE JSON."""
    with file.open("rb") as stream:
        read = read_case(stream.read(MOST_BYTES + 1))
    with runtime.database.transaction() as session:
        place = organisation_by_slug(session, organisation)
        set_scope(session, place.scope)
        made = frameworks.bring_in(session, place, read, actor_id=None, now=runtime.now())
    click.echo(f"{made.title} is here, with {made.count} items.")


def _issuer(session: Session, slug: str) -> Issuer:
    found = service.find_issuer(session, slug)
    if found is None:
        raise RefusedError(f"There is no issuer called {slug}. Make one: milepost issuer add")
    return found


def _json_object(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise RefusedError(f"{file} is not a JSON file: {exc}") from None
    except RecursionError:
        raise RefusedError(f"{file} is nested too deeply.") from None
    if not isinstance(data, dict):
        raise RefusedError(f"{file} must hold one JSON object.")
    return data


@click.group("micro-credential")
def micro_credential() -> None:
    """The micro-credentials that can be earned."""


@micro_credential.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--issuer", "slug", required=True, help="Slug of the issuer.")
@click.option("--replaces", type=click.UUID, help="The micro-credential that this is a version of.")
@json_option
@needs_runtime
def publish(
    runtime: Runtime, file: Path, slug: str, replaces: uuid.UUID | None, as_json: bool
) -> None:
    """Publish a micro-credential from a JSON FILE (docs/micro-credentials.md has its form)."""
    document = MicroCredential.from_dict(_json_object(file))
    with runtime.database.transaction() as session:
        found = _issuer(session, slug)
        with unscoped(session, "the operator publishes for the issuer that was named"):
            made = _publish(session, found, document, replaces, runtime.now())
    row = _row(runtime, made)
    if as_json:
        show([row], True, [])
        return
    click.echo(f"{row['name']} is published as version {row['version']}. Its link for the LMS:")
    click.echo(row["link"])


def _publish(
    session: Session,
    issuer: Issuer,
    document: MicroCredential,
    replaces: uuid.UUID | None,
    now: datetime,
) -> AchievementVersion:
    if replaces is None:
        return service.current(session, service.create(session, issuer, document, now).id)
    achievement = service.current(session, replaces).achievement
    if achievement.issuer_id != issuer.id:
        raise RefusedError("That micro-credential belongs to another issuer.")
    return service.publish(session, achievement, document, now)


@micro_credential.command("list")
@json_option
@needs_runtime
def list_(runtime: Runtime, as_json: bool) -> None:
    """List what can be earned, with the link to paste into an LMS."""
    with (
        runtime.database.snapshot() as session,
        unscoped(session, "the operator of the installation lists all of it"),
    ):
        rows = [_row(runtime, version) for version in service.published(session)]
    show(rows, as_json, ["name", "version", "link"])


def _row(runtime: Runtime, version: AchievementVersion) -> dict[str, Any]:
    return {
        "achievement": str(version.achievement_id),
        "name": version.document["name"],
        "version": version.number,
        "link": f"{runtime.config.base_url}/to/micro-credential/{version.achievement_id}",
    }
