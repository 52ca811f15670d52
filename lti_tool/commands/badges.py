"""`milepost badge`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from badges.awards import reading
from badges.openbadges import baking
from badges.openbadges.errors import BakingError, OpenBadgesError
from badges.openbadges.report import Outcome, Report
from badges.openbadges.verify import read as read_badge
from badges.public.verification import MAX_UPLOAD_BYTES, verify_address, verify_document
from core.runtime import Runtime
from core.scope import unscoped
from keys.shared import ring_of
from lti_tool.commands.badge_export import export
from lti_tool.commands.badge_issue import issue
from lti_tool.commands.badge_upkeep import correct, list_versions, renew, revoke
from lti_tool.commands.common import (
    RefusedError,
    json_option,
    needs_runtime,
    plain_texts,
    show,
)

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUTPUT = click.Path(dir_okay=False, writable=True, path_type=Path)
MARKS = {"passed": "holds", "failed": "DOES NOT HOLD", "not_possible": "not possible"}
CONCLUSIONS = {
    Outcome.VALID: "The %s is valid.",
    Outcome.INVALID: "The %s is invalid.",
    Outcome.UNDECIDED: "The %s is undecided: nothing is wrong, but not all could be checked.",
}
OPERATOR = "the operator of the installation works on all of it"


@click.group()
def badge() -> None:
    """Badges: list, issue, verify, bake, unbake, correct, renew, revoke, export."""


badge.add_command(export)
badge.add_command(issue)
for upkeep in (revoke, renew, correct, list_versions):
    badge.add_command(upkeep)


@badge.command("list")
@click.option(
    "--state", type=click.Choice(["offered", "declined", "accepted", "signed", "revoked"])
)
@json_option
@needs_runtime
def list_(runtime: Runtime, state: str | None, as_json: bool) -> None:
    """List awards and the credentials that came of them, newest first."""
    with plain_texts(), runtime.database.snapshot() as session, unscoped(session, OPERATOR):
        rows = reading.rows(session, state=state)
    show(rows, as_json, ["state", "achievement", "issuer", "credential", "award"])


@badge.command()
@click.argument("what")
@click.option("--recipient", help="An address or identifier that the badge should belong to.")
@json_option
@needs_runtime
def verify(runtime: Runtime, what: str, recipient: str | None, as_json: bool) -> None:
    """Verify WHAT: a file (JSON, JWT, PNG, SVG), a text, an address, or `-` for standard input.

    Open Badges 3.0 and 2.0. Exit code 1 unless it is valid.
    """
    ring = ring_of(runtime)
    with plain_texts():
        if what.startswith(("https://", "http://")):
            report = verify_address(runtime, what, ring=ring, recipient=recipient)
        elif _is_text(what):
            report = verify_document(runtime, what, ring=ring, recipient=recipient)
        else:
            report = verify_document(runtime, _read(what), ring=ring, recipient=recipient)
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    else:
        _print(report)
    if not report.valid:
        raise SystemExit(1)


@badge.command()
@click.argument("credential", type=FILE)
@click.argument("image", type=FILE)
@click.option("-o", "--output", type=OUTPUT, required=True)
def bake(credential: Path, image: Path, output: Path) -> None:
    """Put CREDENTIAL into IMAGE (PNG or SVG) by the rules of its version.

    CREDENTIAL is an Open Badge 3.0 (JSON or JWT), or one of 2.0: its hosted assertion as JSON, the
    assertion's address, or a signed one. No image holds both.
    """
    try:
        found = read_badge(_text(credential))
        whole = found.text if found.document is None or found.token else found.document
        picture = image.read_bytes()
        if found.version == 2:
            baked = baking.bake_version_2(picture, whole)
        else:
            _refuse_version_2(picture)
            is_png = picture.startswith(b"\x89PNG")
            baked = baking.bake_png(picture, whole) if is_png else baking.bake_svg(picture, whole)
        output.write_bytes(baked)
    except (OpenBadgesError, OSError) as exc:
        raise RefusedError(str(exc)) from None
    click.echo(f"{output} holds the badge (Open Badges {found.version}.0).")


@badge.command()
@click.argument("image", type=FILE)
@click.option("-o", "--output", type=OUTPUT, help="Write here instead of printing.")
def unbake(image: Path, output: Path | None) -> None:
    """Take the badge out of IMAGE (PNG or SVG; Open Badges 3.0 or 2.0)."""
    try:
        found = baking.unbake(image.read_bytes())
    except BakingError as exc:
        raise RefusedError(str(exc)) from None
    if output:
        try:
            output.write_text(found.text, encoding="utf-8")
        except OSError as exc:
            raise RefusedError(f"{output} cannot be written: {exc.strerror}.") from None
        click.echo(f"{output}: an Open Badges {found.version}.0 badge.")
    else:
        click.echo(found.text)


def _refuse_version_2(picture: bytes) -> None:
    """Readers of 3.0 badges must not meet a 2.0 one in the same file (R55)."""
    try:
        found = baking.unbake(picture)
    except BakingError:
        return
    if found.version == 2:
        raise RefusedError(
            "This image holds an Open Badges 2.0 badge already. Use one without a badge in it."
        )


def _is_text(what: str) -> bool:
    """Whether the badge itself was typed, rather than the name of its file."""
    return what.lstrip().startswith("{") or (what.startswith("eyJ") and what.count(".") == 2)


def _read(what: str) -> bytes:
    if what == "-":
        data = sys.stdin.buffer.read(MAX_UPLOAD_BYTES + 1)
    else:
        try:
            data = Path(what).read_bytes()
        except OSError as exc:
            raise RefusedError(f"{what} cannot be read: {exc.strerror}.") from None
    if len(data) > MAX_UPLOAD_BYTES:
        raise RefusedError("A badge of more than 5 MB is not read.")
    return data


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise RefusedError(f"{path} cannot be read as text: {exc}") from None


def _print(report: Report) -> None:
    click.echo(CONCLUSIONS[report.outcome] % ("endorsement" if report.is_endorsement else "badge"))
    for result in report.steps:
        click.echo(f"  {result.step.value}: {MARKS[result.status.value]}. {result.message.text}")
        for problem in result.problems:
            click.echo(f"    {problem}")
    for found in report.endorsements:
        who = f"{found.name or 'Endorsement'} by {found.issuer or 'somebody unnamed'}"
        click.echo(f"  {who}: {found.outcome.value}. {found.message.text}")
