"""A small mail server on this machine: real sockets and real TLS, answering as the test says."""

from __future__ import annotations

import base64
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "milepost", "s3cret-p@ss"


@dataclass(frozen=True)
class Received:
    """One mail as it arrived: its envelope, its bytes, and whether it came encrypted."""

    sender: str
    to: list[str]
    raw: bytes
    encrypted: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        return cast(EmailMessage, message_from_bytes(self.raw, policy=SMTP))

    @property
    def text(self) -> str:
        """Its plain text."""
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content())

    @property
    def html(self) -> str:
        """Its HTML."""
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content())


@dataclass
class MailServer:
    """`answers` maps a command (`RCPT`, `DATA`, `.` for the mail itself, …) to a whole answer."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    at_once: bool = False
    auth: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    mails: list[Received] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    silent_after: str | None = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """What MILEPOST_SMTP_URL would be."""
        scheme = "smtps" if self.at_once else "smtp"
        user = f"{USER}:{PASSWORD.replace('@', '%40')}@" if self.auth else ""
        return f"{scheme}://{user}localhost:{self.port}"


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.script: MailServer = cast(Any, self.server).script
        self.user: str | None = None
        with suppress(OSError, ValueError):
            if self.script.at_once:
                self._encrypt()
            self._converse()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()
        self.connection.close()

    def _encrypt(self) -> None:
        assert self.script.tls is not None
        self.connection = self.script.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = cast(Any, self.connection.makefile("wb"))

    def _say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")
        self.wfile.flush()

    def _line(self) -> str:
        return self.rfile.readline().decode("ascii", "replace").rstrip("\r\n")

    def _converse(self) -> None:
        self._say("220 mail.test ready")
        self.sender, self.to = "", []
        while line := self._line():
            verb = line.split(" ")[0].split(":")[0].upper()
            self.script.said.append(verb if verb != "AUTH" else "AUTH")
            if self.script.silent_after == verb:
                self.script.over.wait(30)
                return
            if given := self.script.answers.get(verb):
                self._say(given)
                continue
            if not getattr(self, f"_do_{verb.lower()}", self._unknown)(line):
                return

    def _unknown(self, _line: str) -> bool:
        self._say("250 2.0.0 fine")
        return True

    def _do_ehlo(self, _line: str) -> bool:
        offers = ["mail.test", "8BITMIME"]
        secure = isinstance(self.connection, ssl.SSLSocket)
        if self.script.tls and not secure:
            offers.append("STARTTLS")
        if self.script.auth and (secure or not self.script.tls):
            offers.append("AUTH PLAIN")
        for n, offer in enumerate(offers, 1):
            self._say(f"250{' ' if n == len(offers) else '-'}{offer}")
        return True

    def _do_starttls(self, _line: str) -> bool:
        self._say("220 go on")
        self._encrypt()
        return True

    def _do_auth(self, line: str) -> bool:
        _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        if (user, password) != (USER, PASSWORD):
            self._say("535 5.7.8 no")
        else:
            self.user = user
            self._say("235 2.7.0 welcome")
        return True

    def _do_mail(self, line: str) -> bool:
        self.sender = line.partition("<")[2].partition(">")[0]
        self._say("250 2.1.0 fine")
        return True

    def _do_rcpt(self, line: str) -> bool:
        self.to.append(line.partition("<")[2].partition(">")[0])
        self._say("250 2.1.5 fine")
        return True

    def _do_data(self, _line: str) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        if given := self.script.answers.get("."):
            self._say(given)
            return True
        secure = isinstance(self.connection, ssl.SSLSocket)
        self.script.mails.append(
            Received(self.sender, list(self.to), b"".join(lines), secure, self.user)
        )
        self._say("250 2.0.0 taken")
        return True

    def _do_quit(self, _line: str) -> bool:
        self._say("221 2.0.0 bye")
        return False


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def mail_server(**changes: Any) -> Iterator[MailServer]:
    """A server on a free port of this machine, until the block ends."""
    script = MailServer(**changes)
    with _Server(("127.0.0.1", 0), _Talk) as server:
        cast(Any, server).script = script
        script.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield script
        finally:
            script.over.set()
            server.shutdown()
            thread.join()


def certificate(folder: Path, *, name: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS for `name`, and the file that a client would have to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "mail.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    trusted = folder / "trusted.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, trusted
