"""`milepost organisation` and `milepost role`: the tree, and explicit grants in it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import timezones
from core.errors import ConflictError, NotFoundError
from core.identity import (
    Organisation,
    OrganisationKind,
    Person,
    Role,
    create_organisation,
    end_grant,
    grant,
    organisation_by_slug,
)
from core.runtime import Runtime
from core.scope import set_scope, unscoped
from lti_tool.commands.common import RefusedError, json_option, needs_runtime, show
from lti_tool.lti.models import Platform, PlatformUser


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
    if not 0 < len(name.strip()) <= 200:
        raise RefusedError("Give the organisation a name of at most 200 characters.")
    if not timezones.known(timezone):
        raise RefusedError(f"{timezone} is not a time zone. One is called Europe/Vienna.")
    with runtime.database.transaction() as session:
        if session.scalar(select(Organisation.id).where(Organisation.slug == slug)):
            raise RefusedError(f"There is already an organisation called {slug}.")
        above = organisation_by_slug(session, parent) if parent else None
        create_organisation(
            session,
            name=name.strip(),
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
    """Give ROLE in organisation SLUG to PERSON: a verified e-mail address, or an id."""
    with runtime.database.transaction() as session:
        place = organisation_by_slug(session, slug)
        set_scope(session, place.scope)
        found = _person(session, person)
        grant(
            session, found, Role(role_name), organisation=place, source="command", now=runtime.now()
        )
    click.echo(f"{_called(found)} is now {role_name} in {place.name}.")


@role.command("end")
@click.argument("slug")
@click.argument("person")
@click.argument("role_name", metavar="ROLE", type=click.Choice(["lead", "administrator", "coach"]))
@needs_runtime
def end_role(runtime: Runtime, slug: str, person: str, role_name: str) -> None:
    """Take ROLE in organisation SLUG from PERSON (e-mail address or id); it ends at once."""
    with runtime.database.transaction() as session:
        place = organisation_by_slug(session, slug)
        set_scope(session, place.scope)
        found = _person(session, person)
        ended = end_grant(session, found, Role(role_name), organisation=place, now=runtime.now())
        if not ended:
            raise NotFoundError(
                f"{_called(found)} was not made {role_name} in {place.name}; nothing was changed."
                " A role is ended in the organisation where it was granted."
            )
    click.echo(f"{_called(found)} is no longer {role_name} in {place.name}.")


def _called(person: Person) -> str:
    return f"{person.name} ({person.id})" if person.name else str(person.id)


def _person(session: Session, text: str) -> Person:
    """The one whom `text` names: an id, or an address that somebody trusted has verified."""
    try:
        named = session.scalars(select(Person).where(Person.id == uuid.UUID(text))).all()
    except ValueError:
        named = session.scalars(
            select(Person).where(func.lower(Person.email) == text.lower())
        ).all()
        return _by_address(session, named, text)
    if not named:
        raise _unknown(text)
    if named[0].merged_into_id is not None:
        raise ConflictError(
            f"The person {text} was connected with another account of theirs."
            f" Give the id {named[0].merged_into_id} instead.",
            code="account_joined",
        )
    return named[0]


def _by_address(session: Session, people: Sequence[Person], text: str) -> Person:
    """Whoever has the verified address. One that nobody checked may be anybody's claim."""
    verified = [item for item in people if item.verified_email]
    if len(verified) == 1:
        return verified[0]
    if not people:
        raise _unknown(text)
    fault = (
        f"Several people have the address {text}."
        if verified
        else f"Nobody has verified that {text} belongs to who launched with it."
    )
    lines = [_candidate(session, item) for item in verified or people]
    raise NotFoundError("\n".join([f"{fault} Give the id of the person you mean instead:", *lines]))


def _candidate(session: Session, person: Person) -> str:
    with unscoped(session, "the platforms through which a person in reach came in"):
        platforms = session.scalars(
            select(Platform.name)
            .join(PlatformUser, PlatformUser.platform_id == Platform.id)
            .where(PlatformUser.person_id == person.id)
            .order_by(Platform.name)
        ).all()
    came = f"from {', '.join(platforms)}" if platforms else "from no LMS"
    return f"  {person.id}  {person.name or 'without a name'}, {came}"


def _unknown(text: str) -> NotFoundError:
    return NotFoundError(
        f"Nobody known as {text} has launched Milepost in this organisation yet."
        " Ask them to open it from the LMS once."
    )
