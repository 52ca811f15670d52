"""`milepost badge issue`: to one person, or to everybody in a file."""

from __future__ import annotations

import sys
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.models import AchievementVersion
from badges.awards import direct
from badges.awards.batches import checking, running, service, table
from badges.awards.batches.checking import Checked
from badges.awards.batches.table import EMAIL, NAME, Line, Table
from badges.awards.batches.words import fault_words
from core import mail
from core.errors import NotFoundError
from core.identity import Organisation, Person, organisation_by_slug
from core.runtime import Runtime
from core.scope import set_scope, unscoped
from lti_tool.commands.common import (
    RefusedError,
    json_option,
    needs_runtime,
    plain_texts,
    show,
)

OPERATOR = "the operator of the installation works on all of it"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("achievement", type=click.UUID)
@click.argument("person", required=False)
@click.option("--csv", "file", type=FILE, help="Everybody in this file, in place of PERSON.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, line by line; offer nothing.")
@click.option("--partly", is_flag=True, help="Leave lines out that are at fault.")
@click.option("--name", default="", help="The name of a PERSON who is not known yet.")
@click.option("--organisation", help="Slug of the place that recipients belong to.")
@json_option
@needs_runtime
def issue(
    runtime: Runtime,
    achievement: uuid.UUID,
    person: str | None,
    file: Path | None,
    dry_run: bool,
    partly: bool,
    name: str,
    organisation: str | None,
    as_json: bool,
) -> None:
    """Offer ACHIEVEMENT to PERSON (an id or e-mail address) or to everybody in a CSV file.

    Nothing is signed before they accept. The file's first line names its columns: email, person
    (an id) and name; one of the first two is enough. Further columns may tell results: one for each
    line of the rubric and each result beside it, headed by its name or id, with the level that was
    reached (its name or points) or the value. Whoever is not known gets an invitation by mail. A
    run that was cut off is finished by a worker, or by the same command again: nobody is
    offered a badge twice. The organisation is the issuer's own unless it is named.
    """
    if (person is None) == (file is None):
        raise click.UsageError("Give either PERSON or --csv FILE.")
    if person is not None and not dry_run and (known := _id(person)) is not None:
        _offer_known(runtime, achievement, known, as_json)
        return
    with plain_texts():
        if person is not None:
            column = EMAIL if _id(person) is None else table.PERSON
            read = Table((table.line_of(1, {column: person, NAME: name}),))
        else:
            with runtime.database.snapshot() as session:
                version, _found = _place(session, achievement, organisation)
            read = table.read(_bytes(file), achievements.micro_credential(version))
        if read.fault is not None:
            raise RefusedError(f"{file}: {fault_words(read.fault.to_dict())}")
        if read.unread:
            click.echo(f"These columns were not read: {', '.join(read.unread)}.", err=True)
        checked = _check(runtime, achievement, read.lines, organisation)
        _tell(checked, as_json and dry_run)
        faults = sum(one.state == "fault" for one in checked)
        if dry_run:
            raise SystemExit(1 if faults else 0)
        if faults and not partly:
            raise RefusedError("Nothing was offered. Mend these lines, or add --partly.")
        _carry_out(runtime, achievement, read.lines, organisation, file, as_json)


def _offer_known(
    runtime: Runtime, achievement: uuid.UUID, person_id: uuid.UUID, as_json: bool
) -> None:
    with runtime.database.transaction() as session, unscoped(session, OPERATOR):
        version = achievements.current(session, achievement)
        found = session.get(Person, person_id)
        if found is None:
            raise NotFoundError("There is nobody with this id.")
        award = direct.issue_directly(session, found, version, actor=None, now=runtime.now())
        row = {"award": str(award.id), "state": award.state, "person": str(person_id)}
    show([row], as_json, ["award", "state", "person"])


def _place(
    session: Session, achievement: uuid.UUID, slug: str | None
) -> tuple[AchievementVersion, Organisation]:
    with unscoped(session, OPERATOR):
        version = achievements.current(session, achievement)
        place = (
            organisation_by_slug(session, slug)
            if slug
            else session.get_one(Organisation, version.owner_id)
        )
    set_scope(session, place.scope)
    return version, place


def _check(
    runtime: Runtime, achievement: uuid.UUID, lines: Sequence[Line], slug: str | None
) -> list[Checked]:
    with runtime.database.snapshot() as session:
        version, place = _place(session, achievement, slug)
        return checking.check(
            session, place, version.achievement_id, lines, actor_id=None,
            invites=mail.promised(runtime.config),
        )  # fmt: skip


def _tell(checked: Sequence[Checked], as_json: bool) -> None:
    """Every fault by line and column, and how many lines stand how; on standard error."""
    if as_json:
        show([_row(one) for one in checked], True, [])
        return
    for one in checked:
        for fault in one.faults:
            place = f"line {one.line.number}" + (f", {fault.column}" if fault.column else "")
            click.echo(f"{place}: {fault_words(fault.to_dict())}", err=True)
    states = Counter(one.state for one in checked)
    new = sum(one.is_new for one in checked)
    parts = [f"{states['ready']} in order"]
    parts += [f"{new} of them not known yet, to be invited by mail"] if new else []
    parts += [f"{states['already']} have it already"] if states["already"] else []
    parts += [f"{states['fault']} to be mended"] if states["fault"] else []
    click.echo(f"{len(checked)} lines: {', '.join(parts)}.", err=True)


def _row(one: Checked) -> dict[str, Any]:
    return {
        "line": one.line.number,
        "state": one.state,
        "email": one.line.email,
        "person": str(one.person_id) if one.person_id else None,
        "new": one.is_new,
        "faults": [
            {"column": fault.column, "code": fault.code, "what": fault_words(fault.to_dict())}
            for fault in one.faults
        ],
    }


def _carry_out(
    runtime: Runtime,
    achievement: uuid.UUID,
    lines: Sequence[Line],
    slug: str | None,
    file: Path | None,
    as_json: bool,
) -> None:
    now = runtime.now()
    with runtime.database.transaction() as session:
        version, place = _place(session, achievement, slug)
        batch = service.write(
            session, place, version, lines, actor_id=None, file_name=file.name if file else "",
            invites=mail.promised(runtime.config), now=now,
        )  # fmt: skip
        ready = [row.number for row in service.lines(session, batch, ("ready",))]
        if ready:
            service.start(session, batch.id, now)
        scope = place.scope
    # Workers may take pieces of it meanwhile, and finish them all should this process be ended.
    for at in range(0, len(ready), service.PIECE):
        piece = ready[at : at + service.PIECE]
        running.run(runtime, batch.id, piece[0], piece[-1])
        _progress(at + len(piece), len(ready))
    with runtime.database.snapshot(scope) as session:
        found = service.find(session, batch.id)
        counts = service.counts(session, found)
        rows = service.lines(session, found, ("offered", "refused"))
    if as_json:
        listed = [
            {
                "line": row.number,
                "state": row.state,
                "award": str(row.award_id) if row.award_id else None,
                "person": str(row.person_id) if row.person_id else None,
            }
            for row in rows
        ]
        show(listed, True, [])
        return
    click.echo(f"{counts.offered} offered. Each badge is signed when its earner accepts it.")


def _progress(done: int, total: int) -> None:
    """On standard error: a running line for people, a line now and then for logs."""
    if total <= service.PIECE:
        return
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {total} lines", nl=done == total, err=True)
    else:
        click.echo(f"{done} of {total} lines", err=True)


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _bytes(file: Path | None) -> bytes:
    assert file is not None  # noqa: S101 - there is either a person or a file
    try:
        with file.open("rb") as stream:
            return stream.read(table.MAX_BYTES + 1)
    except OSError as exc:
        raise RefusedError(f"{file} cannot be read: {exc.strerror}.") from None
