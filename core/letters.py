"""A letter in words, and the mail that it becomes: plain text, and simple HTML that says the same.

RFC 5322 and RFC 2045 to 2047 by the standard library; RFC 3834 for mail that nobody typed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from babel import Locale
from markupsafe import Markup

from core import postal

LONGEST_SUBJECT = 200
_BODY = (
    "margin:0;padding:24px 16px;background:#f6f4ef;color:#22262b;"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
)
_SHEET = "max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:12px"
_BUTTON = (
    "display:inline-block;padding:10px 18px;border-radius:8px;background:#1f5f68;color:#ffffff;"
    "text-decoration:none;font-weight:600"
)
_SMALL = "font-size:13px;color:#5b636b"
_ADDRESS = f"{_SMALL};word-break:break-all"


@dataclass(frozen=True)
class Link:
    """A line of its own that leads somewhere."""

    label: str
    url: str


@dataclass(frozen=True)
class Letter:
    """What somebody is told: paragraphs and links in order, in the language of `locale`.

    `closing` stands below a rule: why this came, and what to do if it was not wanted.
    """

    to: str
    locale: str
    subject: str
    body: Sequence[str | Link]
    closing: Sequence[str] = ()


def mail_of(letter: Letter, *, sender: str, host: str, key: str, at: datetime) -> EmailMessage:
    """The mail that `letter` becomes; the same `key` always gives the same Message-ID.

    `sender` is a From line, `host` stands after the @ of the Message-ID, `at` is when it was
    decided. Raises ValueError for an address that is none.
    """
    if postal.normal(letter.to) is None:
        raise ValueError("this is no address")
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.to.strip()
    message["Subject"] = one_line(letter.subject)[:LONGEST_SUBJECT]
    message["Date"] = at.astimezone(UTC)
    message["Message-ID"] = message_id(key, host)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text_of(letter))
    message.add_alternative(html_of(letter), subtype="html")
    # Not before: whatever is called Content-… moves into the first part.
    message["Content-Language"] = letter.locale.replace("_", "-")
    # Else every sending would draw another one, and the same mail would differ from itself.
    message.set_boundary(f"milepost-{uuid.uuid5(uuid.NAMESPACE_URL, key).hex}")
    return message


def message_id(key: str, host: str) -> str:
    """The Message-ID of what `key` names."""
    return f"<{uuid.uuid5(uuid.NAMESPACE_URL, f'milepost:mail:{key}')}@{host}>"


def address_of(sender: str) -> str:
    """The bare address of a From line."""
    return parseaddr(sender)[1]


def one_line(text: str) -> str:
    """`text` without line breaks or other control characters: nothing in it begins a header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def text_of(letter: Letter) -> str:
    """The letter in plain text."""
    parts = [
        part if isinstance(part, str) else f"{part.label}:\n{part.url}" for part in letter.body
    ]
    if letter.closing:
        parts += ["-- \n" + "\n\n".join(letter.closing)]
    return "\n\n".join(parts) + "\n"


def html_of(letter: Letter) -> str:
    """The letter in HTML: no picture, nothing fetched, and every word escaped."""
    parts = [_shown(part) for part in letter.body]
    closing = Markup().join(
        Markup('<p style="{}">{}</p>').format(_SMALL, text) for text in letter.closing
    )
    return str(
        Markup(
            '<!doctype html><html lang="{}" dir="{}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>{}</title></head>'
            '<body style="{}"><div style="{}">{}{}</div></body></html>\n'
        ).format(
            letter.locale.replace("_", "-"), Locale.parse(letter.locale).text_direction,
            letter.subject, _BODY, _SHEET, Markup("\n").join(parts),
            Markup("<hr>{}").format(closing) if closing else "",
        )
    )  # fmt: skip


def _shown(part: str | Link) -> Markup:
    if isinstance(part, str):
        lines = Markup("<br>").join(part.split("\n"))
        return Markup("<p>{}</p>").format(lines)
    # The address is written out as well: some mail programmes show no buttons.
    return Markup(
        '<p><a href="{}" style="{}">{}</a></p><p style="{}">{}</p>'
    ).format(part.url, _BUTTON, part.label, _ADDRESS, part.url)  # fmt: skip
