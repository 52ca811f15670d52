"""`milepost doctor`: says what is wrong, in words."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import click
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from badges.awards.address import check_address
from core import log
from core.config import Config, is_loopback_name
from core.errors import ConflictError
from core.mail import postman, where_it_goes
from core.outbox import DeliveryError, OutboxMessage
from core.runtime import Runtime
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.app import create_app
from lti_tool.commands.beside_demo import recalled
from lti_tool.commands.common import (
    database_fault,
    json_option,
    opened,
    read_config,
    sentence,
    show,
)

ADVICE = {
    "migrations": "Run: milepost db upgrade",
    "files": "See MILEPOST_FILES_URL, and who may write there.",
}
# A check that cannot hold unless an earlier one does would only say the same thing again.
NEEDS = {"migrations": ("database",), "signature": ("database", "migrations")}
Tell = Callable[[str, str, str], None]


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Check settings, database, keys, files, mail, worker and addresses; exit 1 if any is wrong."""
    config = read_config(recalled(os.environ))
    log.configure("ERROR", "text")
    rows: list[dict[str, str]] = []

    def told(name: str, state: str, text: str) -> None:
        rows.append({"check": name, "state": state, "says": text})

    told("settings", "ok", "Every setting can be read.")
    with opened(config) as runtime:
        failed = _checks(runtime, told)
        if failed.isdisjoint({"database", "migrations"}):
            _worker(runtime, told)
            _keys(runtime, told)
            _kept(runtime, told)
        _mail(runtime, told)
        if "files" not in failed:
            _disk(runtime, told)
    _addresses(config, told)
    show(rows, as_json, ["state", "check", "says"])
    if any(row["state"] == "wrong" for row in rows):
        raise SystemExit(1)


def _checks(runtime: Runtime, told: Tell) -> set[str]:
    """Run what `/readyz` runs, and the files; returns the names that do not hold."""
    create_app(runtime=runtime)  # the web pages bring checks of their own
    checks = {**runtime.checks, "files": runtime.files.check}
    order = ["database", "migrations", "signature"]
    failed: set[str] = set()
    for name in [*order, *(other for other in checks if other not in order)]:
        if not failed.isdisjoint(NEEDS.get(name, ())):
            continue
        try:
            checks[name]()
        except DBAPIError as exc:
            told(name, "wrong", database_fault(exc))
        except Exception as exc:  # a check reports whatever is wrong, of any kind
            told(name, "wrong", f"{_said(exc)}. {ADVICE.get(name, '')}".strip())
        else:
            told(name, "ok", "Works.")
            continue
        failed.add(name)
    return failed


def _said(exc: Exception) -> str:
    text = str(exc) or type(exc).__name__
    if isinstance(exc, OSError) and exc.strerror:
        text = f"{exc.strerror}: {exc.filename}" if exc.filename else exc.strerror
    return f"{text[:1].upper()}{text[1:]}".rstrip(".")


def _keys(runtime: Runtime, told: Tell) -> None:
    if not ring_of(runtime).published(LTI_RING):
        told("launch key", "wrong", "There is none, so no LMS can launch. Run: milepost db upgrade")


def _kept(runtime: Runtime, told: Tell) -> None:
    with runtime.database.snapshot() as session:
        try:
            check_address(session, runtime.config.badge_url)
        except ConflictError as exc:
            told("issued badges", "wrong", " ".join(sentence(exc).splitlines()))


def _mail(runtime: Runtime, told: Tell) -> None:
    """Whether mail is set, and whether the server would take one now; nothing is sent."""
    sending = postman(runtime)
    if sending is None:
        told(
            "mail", "ok",
            "None is sent: people are told of nothing by mail, and nobody who has left can come in"
            " by it. To send some, set MILEPOST_SMTP_URL and MILEPOST_MAIL_FROM.",
        )  # fmt: skip
        return
    try:
        sending.check()
    except DeliveryError as exc:
        told("mail", "wrong", f"{str(exc).rstrip('.')}. See MILEPOST_SMTP_URL.")
    else:
        told("mail", "ok", where_it_goes(sending))


def _worker(runtime: Runtime, told: Tell) -> None:
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


def _disk(runtime: Runtime, told: Tell) -> None:
    if str(runtime.config.files_url).startswith("file:"):
        free = shutil.disk_usage(runtime.files.root).free
        if free < 1_000_000_000:
            told("disk", "look", f"Only {free // 1_000_000} MB are free where files are kept.")


def _addresses(config: Config, told: Tell) -> None:
    if is_loopback_name(urlsplit(config.badge_url).hostname or ""):
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
