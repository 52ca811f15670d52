"""`milepost badge revoke | renew | correct | versions`: what becomes of badges that were given."""

from __future__ import annotations

import csv
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges import ends
from badges.achievements.models import AchievementVersion
from badges.awards import reissuing, renewing, revoking, versions
from badges.awards.models import Credential
from badges.awards.reissuing import UNSET, Change
from badges.awards.service import usable_reason
from core.errors import NotFoundError
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.commands.common import RefusedError, json_option, needs_runtime, show

OPERATOR: Final = "the operator of the installation works on all of it"
MAX_CSV: Final = 5 * 1024 * 1024
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
DAY = click.DateTime(["%Y-%m-%d"])
CSV = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("credentials", type=click.UUID, nargs=-1)
@click.option("--csv", "table", type=CSV, help="Also those in the column `credential` of FILE.")
@click.option("--reason", required=True, help="Shown to whoever verifies the badge.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@json_option
@needs_runtime
def revoke(
    runtime: Runtime,
    credentials: tuple[uuid.UUID, ...],
    table: Path | None,
    reason: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Withdraw CREDENTIALS; their status lists say so from then on.

    Nothing is changed if one of them is unknown. What was withdrawn before stays as it was, so a
    long list that was interrupted can simply be given again.
    """
    usable_reason(reason)
    wanted = sorted({*credentials, *(_from_csv(table) if table else ())})
    if not wanted:
        raise click.UsageError("Name at least one credential, or give --csv FILE.")
    with runtime.database.snapshot() as session, unscoped(session, OPERATOR):
        known = [revoking.look_up(session, part) for part in _parts(wanted)]
    if unknown := [one for part in known for one in part.unknown]:
        listed = "\n".join(f"There is no badge {one}." for one in unknown)
        raise NotFoundError(f"{listed}\nNothing was changed.")
    before = {one.id for part in known for one in part.before}
    if not dry_run:
        for part in _parts(wanted):
            with runtime.database.transaction() as session, unscoped(session, OPERATOR):
                revoking.revoke_many(session, part, reason, None, runtime.now())
    word = "would be revoked" if dry_run else "is revoked"
    rows = [
        {"credential": str(one), "result": "was revoked before" if one in before else word}
        for one in wanted
    ]
    if as_json:
        show(rows, True, [])
        return
    for row in rows:
        click.echo(f"{row['credential']} {row['result']}.")


@click.command()
@click.argument("credentials", type=click.UUID, nargs=-1, required=True)
@click.option("--until", type=DAY, help="The last day; otherwise as the micro-credential says.")
@json_option
@needs_runtime
def renew(
    runtime: Runtime, credentials: tuple[uuid.UUID, ...], until: datetime | None, as_json: bool
) -> None:
    """Let CREDENTIALS that end be valid for another while, under the same address.

    All or none of them. A worker signs the new versions; whoever asked for it has their answer.
    """
    rows = []
    with runtime.database.transaction() as session, unscoped(session, OPERATOR):
        for credential_id in sorted(set(credentials)):
            renewing.renew(
                session, credential_id, until=_end_of(until), actor_id=None,
                badge_url=runtime.config.badge_url, now=runtime.now(),
            )  # fmt: skip
            waiting = versions.pending(session, credential_id)
            end = waiting.valid_until if waiting else None
            rows.append({"credential": str(credential_id), "valid_until": end and end.isoformat()})
    show(rows, as_json, ["credential", "valid_until"])


@click.command()
@click.argument("credential", type=click.UUID)
@click.option("--note", required=True, help="What was wrong; its holder reads this.")
@click.option("--name", help="The name on the badge; empty for none.")
@click.option("--version", "number", type=int, help="Another version of the micro-credential.")
@click.option("--level", "levels", multiple=True, metavar="CRITERION=N", help="A level reached.")
@click.option("--until", type=DAY, help="The last day of its validity.")
@json_option
@needs_runtime
def correct(
    runtime: Runtime,
    credential: uuid.UUID,
    note: str,
    name: str | None,
    number: int | None,
    levels: tuple[str, ...],
    until: datetime | None,
    as_json: bool,
) -> None:
    """Issue CREDENTIAL corrected, at the same address; earlier copies read as withdrawn.

    What no option speaks of stays as it was signed. A worker signs the new version.
    """
    with runtime.database.transaction() as session, unscoped(session, OPERATOR):
        version_id = _version(session, credential, number) if number is not None else UNSET
        change = Change(
            "corrected",
            name=UNSET if name is None else name.strip() or None,
            version_id=version_id,
            levels=_levels(levels) if levels else UNSET,
            valid_until=_end_of(until) or UNSET,
            note=note,
        )
        reissuing.reissue(
            session, credential, change, actor_id=None, badge_url=runtime.config.badge_url,
            now=runtime.now(),
        )  # fmt: skip
        waiting = versions.pending(session, credential)
    if waiting is None:
        raise RefusedError("The badge says all of this already; nothing was changed.")
    row = {"credential": str(credential), "version": waiting.number, "state": "being signed"}
    show([row], as_json, ["credential", "version", "state"])


@click.command("versions")
@click.argument("credential", type=click.UUID)
@json_option
@needs_runtime
def list_versions(runtime: Runtime, credential: uuid.UUID, as_json: bool) -> None:
    """List the versions of CREDENTIAL, newest first, and why each was made."""
    with runtime.database.snapshot() as session, unscoped(session, OPERATOR):
        found = session.get(Credential, credential)
        if found is None:
            raise NotFoundError("There is no badge with this id.")
        rows: list[dict[str, Any]] = [
            {
                "version": one.number,
                "reason": one.reason,
                "signed_at": one.signed_at,
                "replaced_at": one.replaced_at,
                "valid_until": one.valid_until,
            }
            for one in versions.history(session, credential)
        ] or [
            {
                "version": 1,
                "reason": "issued",
                "signed_at": found.signed_at,
                "replaced_at": None,
                "valid_until": found.valid_until,
            }
        ]
    show(rows, as_json, ["version", "reason", "signed_at", "replaced_at", "valid_until"])


def _from_csv(path: Path) -> list[uuid.UUID]:
    """The ids in the column `credential`: bare, or in the address of the badge's page."""
    if path.stat().st_size > MAX_CSV:
        raise RefusedError(f"{path} has more than 5 MB.")
    faults: list[str] = []
    found: list[uuid.UUID] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if "credential" not in (reader.fieldnames or []):
                raise RefusedError(f"{path} has no column that is called `credential`.")
            for row in reader:
                match = _UUID.search(row["credential"] or "")
                if match:
                    found.append(uuid.UUID(match.group()))
                else:
                    faults.append(f"Line {reader.line_num}: this names no badge.")
    except (UnicodeDecodeError, csv.Error) as exc:
        raise RefusedError(f"{path} cannot be read as CSV in UTF-8: {exc}") from None
    if faults:
        raise RefusedError("\n".join([*faults, "Nothing was changed."]))
    return found


def _parts(wanted: list[uuid.UUID]) -> list[tuple[uuid.UUID, ...]]:
    most = revoking.AT_ONCE
    return [tuple(wanted[n : n + most]) for n in range(0, len(wanted), most)]


def _version(session: Session, credential_id: uuid.UUID, number: int) -> uuid.UUID:
    credential = session.get(Credential, credential_id)
    if credential is None:
        raise NotFoundError("There is no badge with this id.")
    found = session.scalar(
        select(AchievementVersion.id).where(
            AchievementVersion.achievement_id == credential.version.achievement_id,
            AchievementVersion.number == number,
        )
    )
    if found is None:
        raise NotFoundError(f"The micro-credential has no version {number}.")
    return found


def _levels(given: tuple[str, ...]) -> dict[str, int]:
    pairs = [item.partition("=") for item in given]
    if any(not name or not level.isdecimal() for name, _equals, level in pairs):
        raise click.UsageError("Write each level as CRITERION=N, such as wait=3.")
    return {name: int(level) for name, _equals, level in pairs}


def _end_of(day: datetime | None) -> datetime | None:
    return None if day is None else ends.end_of(day.date())
