"""A worker is ended with SIGKILL as it sends a mail: it comes, and twice is known as one."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from core import postal
from core.db import utcnow
from core.identity import Person
from core.outbox import OutboxMessage
from core.quotas import network
from core.scope import unscoped
from lti_tool.access import leaving
from tests.support.district import District
from tests.support.mail_server import MailServer, mail_server
from tests.support.workers import leases_run_out, work


def worker(district: District, server: MailServer, crash_at: str | None = None) -> int:
    """A real worker process on the district's database; returns how it ended."""
    mail = {"MILEPOST_SMTP_URL": server.url, "MILEPOST_MAIL_FROM": "milepost@district.example"}
    return work(district.runtime, crash_at=crash_at, more=mail)


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
        leases_run_out(district.runtime.database)
        assert worker(district, server) == 0
        assert worker(district, server) == 0
    first, second = server.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.raw == second.raw, "and the same link in it"
    with district.runtime.database.snapshot() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "mail.send"))
        assert [(row.state, row.attempts) for row in rows] == [("done", 2)]
