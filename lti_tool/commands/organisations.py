"""`milepost organisation` and `milepost role`: the tree, and explicit grants in it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

import click
from sqlalchemy import Select, select

from core.errors import NotFoundError
from core.identity import (
    Organisation,
    OrganisationKind,
    Person,
    Role,
    create_organisation,
    grant,
    organisation_by_slug,
)
from core.runtime import Runtime
from core.scope import set_scope
from lti_tool.commands.common import RefusedError, json_option, needs_runtime, show


@click.group()
def organisation() -> None:
    """Regions, districts and schools that this installation serves."""


@organisation.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="The name people know it by.")
@click.option(
    "--kind", type=click.Choice([k.value for k in OrganisationKind]), default="district",
    show_default=True,
)  # fmt: skip
@click.option("--parent", help="Slug of the organisation above it.")
@click.option("--timezone", default="UTC", show_default=True)
@needs_runtime
def add_organisation(
    runtime: Runtime, slug: str, name: str, kind: str, parent: str | None, timezone: str
) -> None:
    """Add an organisation to the tree."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?", slug):
        raise RefusedError("A slug is made of small letters, digits and hyphens.")
    with runtime.database.transaction() as session:
        if session.scalar(select(Organisation.id).where(Organisation.slug == slug)):
            raise RefusedError(f"There is already an organisation called {slug}.")
        above = organisation_by_slug(session, parent) if parent else None
        create_organisation(
            session,
            name=name,
            slug=slug,
            kind=OrganisationKind(kind),
            parent=above,
            timezone=timezone,
        )
    click.echo(f"{name} ({slug}) was added.")


@organisation.command("list")
@json_option
@needs_runtime
def list_organisations(runtime: Runtime, as_json: bool) -> None:
    """List the tree."""
    with runtime.database.snapshot() as session:
        found = list(session.scalars(select(Organisation).order_by(Organisation.path)))
    names = {item.id: item.slug for item in found}
    rows = [
        {
            "slug": item.slug,
            "name": item.name,
            "kind": item.kind,
            "parent": names.get(item.parent_id) if item.parent_id else None,
            "timezone": item.timezone,
        }
        for item in found
    ]
    show(rows, as_json, ["slug", "name", "kind", "parent", "timezone"])


@click.group()
def role() -> None:
    """Programme leads and administrators (an LMS makes teachers and coaches only)."""


@role.command("grant")
@click.argument("slug")
@click.argument("person")
@click.argument("role_name", metavar="ROLE", type=click.Choice(["lead", "administrator", "coach"]))
@needs_runtime
def grant_role(runtime: Runtime, slug: str, person: str, role_name: str) -> None:
    """Give ROLE in organisation SLUG to PERSON: an e-mail address or id, known from a launch."""
    with runtime.database.transaction() as session:
        place = organisation_by_slug(session, slug)
        set_scope(session, place.scope)
        found = _person(session.scalars(_matching(person)).all(), person)
        grant(
            session, found, Role(role_name), organisation=place, source="command", now=runtime.now()
        )
    click.echo(f"{found.name or found.id} is now {role_name} in {place.name}.")


def _matching(text: str) -> Select[Person]:
    try:
        return select(Person).where(Person.id == uuid.UUID(text))
    except ValueError:
        return select(Person).where(Person.email == text)


def _person(people: Sequence[Person], text: str) -> Person:
    if not people:
        raise NotFoundError(
            f"Nobody known as {text} has launched Milepost in this organisation yet."
            " Ask them to open it from the LMS once."
        )
    if len(people) > 1:
        ids = ", ".join(str(item.id) for item in people)
        raise NotFoundError(f"Several people have this address; give one of these ids: {ids}")
    return people[0]
