"""Addresses of mail and where mail is handed over, read from settings and forms; no network.

An address is kept in one form: what stands before the @ as it was typed, the domain in lower case
and in ASCII (RFC 5890). Only the plain shape of RFC 5322 (`dot-atom`) is taken: quoted forms are
rare, and their line breaks and commas are how headers are forged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LONGEST = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
LONGEST_LOCAL = 64
NOBODY = "Milepost <milepost@localhost>"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


@dataclass(frozen=True)
class Smtp:
    """A mail server. `tls` is `always` (from the first byte), `start` (STARTTLS) or `never`."""

    host: str
    port: int
    tls: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Folder:
    """A folder of files, for a demo and for tests."""

    path: Path


Post = Smtp | Folder


def normal(text: str) -> str | None:
    """`text` as one address in its kept form; None where it is none that mail could be sent to."""
    local, at, domain = text.strip().rpartition("@")
    if not at or len(local) > LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        return None
    try:
        host = domain.lower().encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = host.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    whole = f"{local}@{host}"
    return whole if len(whole) <= LONGEST else None


def same(address: str) -> str:
    """What two spellings of one address share: no provider tells upper from lower case."""
    return address.lower()


def parse(text: str, folder: Path) -> Post:
    """A mail server or `maildir:` as set. ValueError says what is wrong, never the password.

    `smtp://user:password@host:587` demands STARTTLS, `smtps://…:465` is TLS from the first byte,
    and `?tls=never` sends in the open, for a server on the same machine or network; never with a
    password.
    """
    if text.startswith("maildir:"):
        given = text.removeprefix("maildir:")
        return Folder(Path(given).expanduser().absolute() if given else folder)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("its port or host cannot be read") from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("it must look like smtp://user:password@mail.example.org:587")
    if parts.path not in {"", "/"} or parts.fragment:
        raise ValueError("it ends after the port; write @ : / # of a password as %40 %3A %2F %23")
    wanted = parse_qs(parts.query, keep_blank_values=True)
    if wanted not in ({}, {"tls": ["never"]}):
        raise ValueError("after the question mark only tls=never is known")
    tls = "always" if parts.scheme == "smtps" else "never" if wanted else "start"
    if wanted and (parts.scheme == "smtps" or parts.password is not None):
        raise ValueError("tls=never goes with smtp:// and without a password")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password is not None else None
    if (user is None) != (password is None):
        raise ValueError("a user name and a password come together")
    return Smtp(parts.hostname, port or (465 if tls == "always" else 587), tls, user, password)


def sender(text: str) -> str:
    """The From line of all mail, as `Name <address>`. ValueError where it is none."""
    name, given = parseaddr(text)
    address = normal(given)
    if address is None or not text.isprintable():
        raise ValueError("it must look like Milepost <milepost@example.org>")
    return str(Address(display_name=name, addr_spec=address))
