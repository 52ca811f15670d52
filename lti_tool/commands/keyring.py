"""`milepost keys`."""

from __future__ import annotations

import re
import sys
from typing import Any, Final

import click
from sqlalchemy import select

from badges.awards import replacing
from badges.awards.models import KeyReplacement
from badges.awards.revisions import sign_revision
from core.runtime import Runtime
from core.scope import unscoped
from keys.models import SigningKey
from keys.shared import ring_of
from lti_tool.commands.common import json_option, needs_runtime, show

_LIKE_AN_OPTION = re.compile(r"-[\w-]{42}", re.ASCII)
OPERATOR: Final = "the operator of the installation works on all of it"


@click.group()
def keys() -> None:
    """The signing keys; private halves are never shown."""


@keys.command("list")
@json_option
@needs_runtime
def list_(runtime: Runtime, as_json: bool) -> None:
    """List every key that was ever made, with its state."""
    with runtime.database.snapshot() as session:
        found = session.scalars(select(SigningKey).order_by(SigningKey.ring, SigningKey.created_at))
        rows: list[dict[str, Any]] = [
            {
                "ring": key.ring,
                "kid": key.kid,
                "algorithm": key.algorithm,
                "state": key.state,
                "created_at": key.created_at.isoformat(timespec="seconds"),
            }
            for key in found
        ]
    show(rows, as_json, ["ring", "kid", "algorithm", "state", "created_at"])


@keys.command()
@click.argument("ring")
@json_option
@needs_runtime
def rotate(runtime: Runtime, ring: str, as_json: bool) -> None:
    """Make new keys for RING (such as `lti`); the old ones stay published."""
    with runtime.database.transaction() as session:
        made = ring_of(runtime).rotate(session, ring, runtime.now())
    if as_json:
        rows = [{"ring": key.ring, "kid": key.kid, "algorithm": key.algorithm} for key in made]
        show(rows, True, [])
        return
    for key in made:
        click.echo(f"{key.algorithm}: {key.kid} signs from now on.")


class _TakesKid(click.Command):
    """One key in 64 has an id (a thumbprint, RFC 7638) that begins as an option does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Ids go last, behind what says that no option follows."""
        kids = [arg for arg in args if _LIKE_AN_OPTION.fullmatch(arg)]
        rest = [arg for arg in args if arg not in kids]
        return super().parse_args(ctx, [*rest, "--", *kids] if kids else args)


@keys.command(cls=_TakesKid)
@click.argument("kid")
@click.option("--compromised", is_flag=True, help="Withdraw it for ever: somebody may have it.")
@click.option("--reason", default="", help="With --compromised: what happened, kept with the key.")
@click.option("--here", is_flag=True, help="With --compromised: sign anew here, not by workers.")
@json_option
@needs_runtime
def retire(
    runtime: Runtime, kid: str, compromised: bool, reason: str, here: bool, as_json: bool
) -> None:
    """Let KID sign no more. What it signed keeps verifying, unless it is compromised.

    With --compromised it leaves its issuer's DID document at once, and every badge that it signed
    is signed anew with another key. Workers do that, also if this command is ended; giving the
    command again only shows how far they are.
    """
    if compromised:
        _withdraw(runtime, kid, reason, here, as_json)
        return
    if reason or here:
        raise click.UsageError("--reason and --here belong to --compromised.")
    with runtime.database.transaction() as session:
        made = ring_of(runtime).retire(session, kid, runtime.now())
    rows = [{"ring": key.ring, "kid": key.kid, "algorithm": key.algorithm} for key in made]
    if as_json:
        show(rows, True, [])
    for key in made if not as_json else ():
        click.echo(f"{key.algorithm}: {key.kid} signs from now on.")
    if not made and not as_json:
        click.echo("This key has signed nothing new for a while already; nothing was changed.")


@keys.command()
@json_option
@needs_runtime
def replacements(runtime: Runtime, as_json: bool) -> None:
    """List withdrawn keys, and how many of their badges are signed anew."""
    with runtime.database.snapshot() as session, unscoped(session, OPERATOR):
        found = session.scalars(select(KeyReplacement).order_by(KeyReplacement.started_at))
        rows = [_row(replacing.progress(session, row)) for row in found]
    show(rows, as_json, ["issuer", "kid", "state", "looked_at", "found", "signed"])


def _withdraw(runtime: Runtime, kid: str, reason: str, here: bool, as_json: bool) -> None:
    ring = ring_of(runtime)
    with runtime.database.transaction() as session:
        row = replacing.withdraw(
            session, ring, kid, reason=reason, actor_id=None, now=runtime.now()
        )
    if row is None:
        show([{"kid": kid, "state": "withdrawn"}], as_json, ["kid", "state"])
        return
    if here:
        while not replacing.search(runtime, row.id):
            click.echo("Looking for what it signed …", err=True)
        with runtime.database.snapshot() as session:
            waiting = replacing.waiting(session, row)
        with click.progressbar(waiting, label="Signing anew", file=sys.stderr) as ids:
            for credential_id in ids:
                sign_revision(runtime, ring, credential_id)
    with runtime.database.snapshot() as session, unscoped(session, OPERATOR):
        told = _row(replacing.progress(session, session.get_one(KeyReplacement, row.id)))
    show([told], as_json, ["issuer", "kid", "state", "looked_at", "found", "signed"])


def _row(progress: replacing.Progress) -> dict[str, Any]:
    return {
        "issuer": progress.row.issuer.slug,
        "kid": progress.row.kid,
        "state": progress.state,
        "total": progress.total,
        "looked_at": progress.looked_at,
        "found": progress.found,
        "signed": progress.signed,
    }
