"""`milepost keys`."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import select

from core.runtime import Runtime
from keys.models import SigningKey
from keys.shared import ring_of
from lti_tool.commands.common import json_option, needs_runtime, show


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
