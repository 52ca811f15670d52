"""The mail of an installation that keeps it in a folder, read as its readers would."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import cast

from core import postal
from core.runtime import Runtime


@dataclass(frozen=True)
class Mail:
    """One mail."""

    to: str
    subject: str
    text: str
    html: str
    message: EmailMessage

    def path(self, start: str) -> str:
        """The path of the first address in it that begins with `start`."""
        [found, *_more] = self.paths(start)
        return found

    def paths(self, start: str) -> list[str]:
        """The path of every address in it that begins with `start`."""
        return re.findall(rf"https?://[^/\s]+({re.escape(start)}[A-Za-z0-9_-]*)", self.text)


@dataclass(frozen=True)
class Mailbox:
    """Everything that was sent."""

    folder: Path

    def mails(self, to: str | None = None) -> list[Mail]:
        """Every mail, or those to one address."""
        paths = sorted((self.folder / "new").glob("*.eml")) if self.folder.exists() else []
        read = [_read(path) for path in paths]
        return [mail for mail in read if to in (None, mail.to)]

    def only(self, to: str) -> Mail:
        """The one mail to an address."""
        [mail] = self.mails(to)
        return mail

    def empty(self) -> None:
        """Throw everything away."""
        for path in (self.folder / "new").glob("*.eml"):
            path.unlink()


def with_mail(runtime: Runtime) -> Mailbox:
    """Let `runtime` send mail into a folder; before an application is made of it."""
    folder = runtime.config.home / "mail"
    runtime.config = replace(runtime.config, post=postal.Folder(folder))
    return Mailbox(folder)


def _read(path: Path) -> Mail:
    message = cast(EmailMessage, message_from_bytes(path.read_bytes(), policy=SMTP))
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return Mail(
        str(message["To"]), str(message["Subject"]),
        text.get_content().replace("\r\n", "\n"), html.get_content(), message,
    )  # fmt: skip
