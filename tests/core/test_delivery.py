"""Handing mail over to a real server on this machine: encrypted, refused, silent."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core import postal
from core.delivery import Postman
from core.letters import Letter, mail_of
from core.outbox import DeliveryError
from tests.support.mail_server import PASSWORD, MailServer, certificate, mail_server

AT = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)
TO, SENDER = "wren@home.example", "milepost@district.example"


def letter() -> Letter:
    return Letter(to=TO, locale="en", subject="Grüße", body=["Zwei\nZeilen.", ".", "Ende"])


def postman(server: MailServer, trusted: Path | None = None, *, seconds: float = 10) -> Postman:
    post = postal.parse(server.url, Path("/nowhere"))
    context = ssl.create_default_context(cafile=str(trusted)) if trusted else None
    return Postman(post, seconds=seconds, trust=context)


def send(sending: Postman) -> None:
    message = mail_of(letter(), sender=f"M <{SENDER}>", host="m.example", key="k", at=AT)
    sending.send(message, SENDER, TO)


def refusal(sending: Postman) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        send(sending)
    assert TO not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_a_mail_arrives_word_for_word() -> None:
    with mail_server() as server:
        send(postman(server))
    [mail] = server.mails
    assert (mail.sender, mail.to) == (SENDER, [TO])
    assert mail.message["Subject"] == "Grüße"
    assert mail.text.replace("\r\n", "\n").startswith("Zwei\nZeilen.\n\n.\n\nEnde")
    assert "QUIT" in server.said


def test_starttls_comes_before_the_password(tmp_path: Path) -> None:
    tls, trusted = certificate(tmp_path)
    with mail_server(tls=tls, auth=True) as server:
        send(postman(server, trusted))
    [mail] = server.mails
    assert mail.encrypted
    assert mail.user == "milepost"
    assert server.said.index("STARTTLS") < server.said.index("AUTH")


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    tls, trusted = certificate(tmp_path)
    with mail_server(tls=tls, at_once=True, auth=True) as server:
        send(postman(server, trusted))
    assert server.mails[0].encrypted


@pytest.mark.parametrize("at_once", [False, True])
def test_a_certificate_that_nobody_trusts_gets_nothing(tmp_path: Path, at_once: bool) -> None:
    tls, _trusted = certificate(tmp_path)
    with mail_server(tls=tls, at_once=at_once, auth=True) as server:
        fault = refusal(postman(server))
    assert "certificate is not trusted" in str(fault)
    assert not fault.permanent
    assert "AUTH" not in server.said


def test_a_certificate_for_another_host_gets_nothing(tmp_path: Path) -> None:
    tls, trusted = certificate(tmp_path, name="elsewhere.example")
    with mail_server(tls=tls) as server:
        assert "certificate is not trusted" in str(refusal(postman(server, trusted)))
    assert server.mails == []


def test_a_password_never_goes_over_an_open_line() -> None:
    with mail_server(auth=True) as server:
        fault = refusal(postman(server))
    assert "STARTTLS" in str(fault)
    assert "AUTH" not in server.said


def test_a_wrong_password_waits_for_a_person_to_mend_it(tmp_path: Path) -> None:
    tls, trusted = certificate(tmp_path)
    with mail_server(tls=tls, auth=True, answers={"AUTH": "535 5.7.8 bad s3cret-p@ss"}) as server:
        fault = refusal(postman(server, trusted))
    assert str(fault) == "The mail server refused our user name or password (535 5.7.8)."
    assert not fault.permanent


@pytest.mark.parametrize(
    ("command", "answer", "permanent"),
    [
        ("RCPT", "550 5.1.1 no wren@home.example here", True),
        ("RCPT", "450 4.2.0 greylisted", False),
        ("RCPT", "452 4.2.2 full", False),
        ("DATA", "554 5.7.1 no", True),
        ("DATA", "451 4.3.0 later", False),
        (".", "554 5.6.0 not like that", True),
        (".", "421 4.3.2 closing", False),
        ("MAIL", "553 5.7.1 not with this sender", False),
        ("MAIL", "530 5.7.0 sign in first", False),
    ],
)
def test_what_is_refused_for_good_is_told_from_what_passes(
    command: str, answer: str, permanent: bool
) -> None:
    with mail_server(answers={command: answer}) as server:
        fault = refusal(postman(server))
    assert fault.permanent is permanent
    assert answer[:9] in str(fault)
    assert server.mails == []


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    with mail_server(silent_after="RCPT") as server:
        began = time.monotonic()
        fault = refusal(postman(server, seconds=0.3))
        assert time.monotonic() - began < 10
    assert "in time" in str(fault)
    assert not fault.permanent


def test_a_server_that_is_away_is_tried_again() -> None:
    with mail_server() as server:
        sending = postman(server)
    fault = refusal(sending)
    assert "could not be used" in str(fault)
    assert not fault.permanent


def test_a_mail_that_was_taken_is_sent_however_the_goodbye_goes() -> None:
    with mail_server(silent_after="QUIT") as server:
        send(postman(server, seconds=0.5))
    assert len(server.mails) == 1


def test_checking_sends_nothing() -> None:
    with mail_server() as server:
        postman(server).check()
    assert server.mails == []
    assert "MAIL" not in server.said


def test_a_folder_holds_a_mail_once_however_often_it_is_sent(tmp_path: Path) -> None:
    sending = Postman(postal.Folder(tmp_path / "mail"))
    sending.check()
    send(sending)
    send(sending)
    [path] = (tmp_path / "mail" / "new").iterdir()
    assert b"Subject: =?utf-8?" in path.read_bytes()
    assert list((tmp_path / "mail" / "tmp").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_fault_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fault = refusal(Postman(postal.Folder(tmp_path / "file" / "mail")))
    assert not fault.permanent
