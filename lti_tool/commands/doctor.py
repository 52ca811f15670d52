"""`milepost doctor`: says what is wrong, in words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta

import click
from sqlalchemy import func, select

from core.config import Config, is_loopback_name
from core.outbox import OutboxMessage
from core.runtime import Runtime
from core.web.ops import run_checks
from lti_tool.commands.common import json_option, open_runtime, read_config, show

ADVICE = {
    "database": "See MILEPOST_DATABASE_URL, and whether the database server runs.",
    "migrations": "Run: milepost db upgrade",
    "signature": "Is MILEPOST_MASTER_KEY the key that these signing keys were sealed with?",
    "files": "See MILEPOST_FILES_URL, and who may write there.",
}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check settings, database, keys, files, worker and addresses; exit 1 if something is wrong."""
    config = read_config()
    rows: list[dict[str, str]] = []

    def told(name: str, state: str, text: str) -> None:
        rows.append({"check": name, "state": state, "says": text})

    told("settings", "ok", "Every setting can be read.")
    with open_runtime() as runtime:
        runtime.checks.setdefault("files", runtime.files.check)
        for name, fault in run_checks(runtime).items():
            if fault is None:
                told(name, "ok", "Works.")
            else:
                told(name, "wrong", f"{fault}. {ADVICE.get(name, '')}".strip())
        if not any(row["state"] == "wrong" for row in rows):
            _looks(runtime, told)
    _addresses(config, told)
    show(rows, as_json, ["state", "check", "says"])
    if any(row["state"] == "wrong" for row in rows):
        raise SystemExit(1)


def _looks(runtime: Runtime, told: Callable[[str, str, str], None]) -> None:
    now = runtime.now()
    with runtime.database.snapshot() as session:
        oldest = session.scalar(
            select(func.min(OutboxMessage.next_run_at)).where(OutboxMessage.state == "ready")
        )
        dead = session.scalar(
            select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state == "dead")
        )
    if oldest and now - oldest > timedelta(minutes=2):
        told("worker", "wrong", "Jobs wait since more than two minutes. Run: milepost worker")
    else:
        told("worker", "ok", "Nothing waits too long.")
    if dead:
        told("deliveries", "look", f"{dead} were given up; an administrator can try them again.")
    if str(runtime.config.files_url).startswith("file:"):
        free = shutil.disk_usage(runtime.config.home).free
        if free < 1_000_000_000:
            told("disk", "look", f"Only {free // 1_000_000} MB are free under MILEPOST_HOME.")


def _addresses(config: Config, told: Callable[[str, str, str], None]) -> None:
    host = config.badge_url.split("://", 1)[1].split(":")[0]
    if is_loopback_name(host):
        told(
            "badge address", "look",
            f"Badges carry {config.badge_url} for ever. Settle a domain of your own"
            " (MILEPOST_BADGE_URL) before the first real badge.",
        )  # fmt: skip
    elif not config.badge_url.startswith("https://"):
        told("badge address", "wrong", "Strangers' software resolves badges by https only.")
    else:
        told("badge address", "ok", f"Badges are issued under {config.badge_url}.")
    told(
        "master key", "look" if config.environment == "demo" else "ok",
        "Keep a copy of the master key apart from the database: without it no badge key opens.",
    )  # fmt: skip
