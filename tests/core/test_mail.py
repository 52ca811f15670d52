"""Mail by way of the outbox: composed when sent, once by its key, never with a secret in a row."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import mail, postal
from core.letters import Letter
from core.outbox import OutboxMessage
from core.runtime import Runtime
from core.worker import Worker
from tests.support.mail_server import MailServer, mail_server
from tests.support.mailbox import with_mail

TO = "wren@home.example"


def composer(_session: Session, facts: Mapping[str, Any]) -> Letter | None:
    if facts.get("over"):
        return None
    return Letter(to=facts.get("to", TO), locale="en", subject="Hello", body=[str(facts["n"])])


def prepare(runtime: Runtime) -> None:
    mail.register_jobs(runtime.registry, runtime)
    mail.Composers.of(runtime).add("test", composer)


def by_smtp(runtime: Runtime, server: MailServer) -> None:
    post = postal.parse(server.url, Path("/nowhere"))
    runtime.config = replace(runtime.config, post=post, mail_from="M <m@district.example>")
    prepare(runtime)


def write(runtime: Runtime, **facts: Any) -> bool:
    with runtime.database.transaction() as session:
        return mail.queue(
            session, runtime.config, "test", str(facts.get("n", 1)), {"n": 1, **facts}
        )


def work(runtime: Runtime) -> None:
    Worker(runtime.database, runtime.registry).drain()


def row(runtime: Runtime) -> OutboxMessage:
    with runtime.database.snapshot() as session:
        return session.scalars(select(OutboxMessage).where(OutboxMessage.topic == mail.SEND)).one()


def test_where_no_mail_is_set_no_row_is_made(runtime: Runtime) -> None:
    prepare(runtime)
    assert not mail.promised(runtime.config)
    assert not write(runtime)
    with runtime.database.snapshot() as session:
        assert session.scalars(select(OutboxMessage)).all() == []


def test_one_thing_is_sent_once(runtime: Runtime) -> None:
    with mail_server() as server:
        by_smtp(runtime, server)
        assert write(runtime)
        assert not write(runtime)
        work(runtime)
        assert not write(runtime)
        work(runtime)
    [got] = server.mails
    assert got.to == [TO]
    assert got.message["From"] == "M <m@district.example>"
    assert got.message["Message-ID"].endswith("@milepost.test>")
    assert row(runtime).state == "done"


def test_what_is_no_longer_wanted_is_not_sent_and_is_done(runtime: Runtime) -> None:
    box = with_mail(runtime)
    prepare(runtime)
    write(runtime, over=True)
    work(runtime)
    assert box.mails() == []
    assert row(runtime).state == "done"


def test_a_refusal_for_good_waits_for_a_person_and_names_nobody(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with mail_server(answers={"RCPT": "550 5.1.1 no wren@home.example here"}) as server:
        by_smtp(runtime, server)
        write(runtime)
        work(runtime)
    kept = row(runtime)
    assert (kept.state, kept.attempts) == ("dead", 1)
    assert kept.last_error == "The mail server refused the recipient (550 5.1.1)."
    assert TO not in caplog.text


def test_a_passing_refusal_is_tried_again_with_the_same_message_id(runtime: Runtime) -> None:
    with mail_server(answers={".": "451 4.3.0 later"}) as server:
        by_smtp(runtime, server)
        write(runtime)
        work(runtime)
        assert (row(runtime).state, row(runtime).attempts) == ("ready", 1)
        server.answers.clear()
        for _twice in range(2):
            with runtime.database.transaction() as session:
                kept = session.scalars(select(OutboxMessage)).one()
                kept.state, kept.next_run_at = "ready", kept.created_at
            work(runtime)
    first, second = server.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.raw == second.raw


def test_mail_waits_where_the_server_was_taken_out_of_the_settings(runtime: Runtime) -> None:
    with_mail(runtime)
    prepare(runtime)
    write(runtime)
    runtime.config = replace(runtime.config, post=None)
    work(runtime)
    kept = row(runtime)
    assert kept.state == "ready"
    assert "MILEPOST_SMTP_URL" in str(kept.last_error)


def test_what_cannot_be_written_as_a_mail_is_given_up(runtime: Runtime) -> None:
    with_mail(runtime)
    prepare(runtime)
    write(runtime, to="nobody at all")
    work(runtime)
    assert row(runtime).state == "dead"


def test_a_kind_that_nobody_writes_is_given_up(runtime: Runtime) -> None:
    with_mail(runtime)
    prepare(runtime)
    with runtime.database.transaction() as session:
        mail.queue(session, runtime.config, "unheard", "1", {"id": str(uuid.uuid4())})
    work(runtime)
    assert row(runtime).state == "dead"


def test_the_row_holds_identifiers_alone(runtime: Runtime) -> None:
    with_mail(runtime)
    prepare(runtime)
    write(runtime)
    assert json.dumps(row(runtime).payload) == '{"n": 1, "kind": "test"}'


@pytest.mark.parametrize(
    ("wanted", "default", "locale"),
    [("es-MX", "en", "es"), ("xx", "en", "en"), (None, "es", "es"), ("de", "nowhere", "en")],
)
def test_people_are_written_to_in_their_language(
    runtime: Runtime, wanted: str | None, default: str, locale: str
) -> None:
    assert mail.language(replace(runtime.config, default_locale=default), wanted) == locale
