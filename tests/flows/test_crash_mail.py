"""A worker is ended with SIGKILL as it sends a mail: it comes, and twice is known as one."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from core import postal
from core.db import utcnow
from core.identity import Person
from core.outbox import OutboxMessage
from core.quotas import network
from core.scope import unscoped
from lti_tool.access import leaving
from tests.support.district import TOOL_URL, District
from tests.support.environment import MASTER_KEY
from tests.support.mail_server import MailServer, mail_server


def worker(district: District, server: MailServer, crash_at: str | None = None) -> int:
    """A real worker process on the district's database; returns how it ended."""
    config = district.runtime.config
    env = {
        **{k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")},
        "MILEPOST_ENVIRONMENT": "test",
        "MILEPOST_BASE_URL": TOOL_URL,
        "MILEPOST_HOME": str(config.home),
        "MILEPOST_DATABASE_URL": config.database_url.replace("+psycopg", ""),
        "MILEPOST_FILES_URL": config.files_url,
        "MILEPOST_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "MILEPOST_LOG_LEVEL": "ERROR",
        "MILEPOST_SMTP_URL": server.url,
        "MILEPOST_MAIL_FROM": "milepost@district.example",
    }
    if crash_at:
        env["MILEPOST_CRASH_POINT"] = crash_at
    command = [sys.executable, "-m", "lti_tool.cli", "worker", "--once"]
    return subprocess.run(command, env=env, timeout=120, check=False).returncode


def test_a_worker_killed_between_sending_and_recording_sends_the_same_mail_again(
    district: District,
) -> None:
    district.work()
    with mail_server() as server:
        config = replace(
            district.runtime.config, post=postal.parse(server.url, Path("/nowhere"))
        )  # fmt: skip
        with district.runtime.database.transaction() as session, unscoped(session, "test"):
            wren = session.scalars(select(Person).where(Person.email_verified_at.is_not(None)))
            address = str(wren.first().email)  # type: ignore[union-attr]
        with district.runtime.database.transaction() as session:
            leaving.ask(session, config, address, network=network("192.0.2.1"), now=utcnow())
        assert worker(district, server, "mail-sent-not-recorded") == -signal.SIGKILL
        assert len(server.mails) == 1
        with district.runtime.database.transaction() as session:
            session.execute(
                update(OutboxMessage)
                .where(OutboxMessage.state == "leased")
                .values(lease_until=utcnow() - timedelta(seconds=1))
            )
        assert worker(district, server) == 0
        assert worker(district, server) == 0
    first, second = server.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.raw == second.raw, "and the same link in it"
    with district.runtime.database.snapshot() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "mail.send"))
        assert [(row.state, row.attempts) for row in rows] == [("done", 2)]
