"""Letters become mail that says the same in text and HTML, and nothing in them forges a header."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import postal
from core.letters import Letter, Link, mail_of

AT = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)


def mail(letter: Letter, key: str = "k") -> bytes:
    made = mail_of(letter, sender="M <m@d.example>", host="m.example", key=key, at=AT)
    return made.as_bytes()


def letter(**changes: object) -> Letter:
    fields: dict[str, object] = {
        "to": "wren@home.example",
        "locale": "en",
        "subject": "Hello",
        "body": ["Hello <Wren>,", Link("Open", "https://m.example/access?a=1&b=2")],
        "closing": ["Why & how."],
    }
    return Letter(**{**fields, **changes})  # type: ignore[arg-type]


def test_text_and_html_say_the_same() -> None:
    message = message_from_bytes(mail(letter()), policy=SMTP)
    text = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    assert "Open:\nhttps://m.example/access?a=1&b=2" in text.replace("\r\n", "\n")
    assert "Hello &lt;Wren&gt;," in html
    assert 'href="https://m.example/access?a=1&amp;b=2"' in html
    assert "Why &amp; how." in html
    for word in ("<script", "<img", "http://", "src="):
        assert word not in html


def test_the_same_thing_is_the_same_mail_to_the_last_byte() -> None:
    assert mail(letter()) == mail(letter())
    assert mail(letter(), "one") != mail(letter(), "two")


def test_it_says_that_nobody_typed_it() -> None:
    message = message_from_bytes(mail(letter(locale="es")), policy=SMTP)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "es"
    assert message["Date"] == "Sat, 14 Mar 2026 10:30:00 +0000"


@pytest.mark.parametrize("field", ["subject", "to"])
@pytest.mark.parametrize(
    "text", ["x\r\nBcc: all@d.example", "x\nBcc: y", "x\rBcc: y", "x\u2028Bcc"]
)
def test_no_line_break_gets_into_a_header(field: str, text: str) -> None:
    try:
        raw = mail(letter(**{field: text}))
    except ValueError:
        return
    message = message_from_bytes(raw, policy=SMTP)
    assert message["Bcc"] is None
    assert len(message.get_all("To")) == 1


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_a_badge_is_called_the_headers_stay_ours(subject: str, words: str) -> None:
    raw = mail(letter(subject=subject, body=[words]))
    message = message_from_bytes(raw, policy=SMTP)
    assert {name.lower() for name in message.keys()} == {  # noqa: SIM118 - a message, not a dict
        "from", "to", "subject", "date", "message-id", "auto-submitted",
        "x-auto-response-suppress", "content-language", "mime-version", "content-type",
    }  # fmt: skip
    assert message["To"] == "wren@home.example"


@given(st.text(max_size=120))
def test_an_address_is_normal_or_none(text: str) -> None:
    found = postal.normal(text)
    if found is not None:
        assert postal.normal(found) == found
        assert found.isascii()
        assert found.isprintable()
        assert " " not in found
        assert found.count("@") == 1


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Wren@Home.EXAMPLE ", "Wren@home.example"),
        ("w+badges@bücher.example", "w+badges@xn--bcher-kva.example"),
        ("o'neil@home.example", "o'neil@home.example"),
        ("wren", None), ("wren@", None), ("@home.example", None), ("wren@home", None),
        ("a,b@home.example", None), ('"a b"@home.example', None), ("a@b@home.example", "none"),
        ("wren@home..example", None), ("wren@-home.example", None), ("w" * 65 + "@h.example", None),
        ("wren@home.example\nBcc: x@y.example", None), ("<wren@home.example>", None),
    ],
)  # fmt: skip
def test_addresses_as_they_are_typed(typed: str, kept: str | None) -> None:
    assert postal.normal(typed) == (None if kept == "none" else kept)
