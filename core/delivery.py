"""Handing one mail over: to a mail server (RFC 5321, STARTTLS by RFC 3207), or into a folder.

A whole delivery has one deadline. What concerns this one mail for good (a 5xx answer to its
recipient or its content) is told apart from what concerns the server or our settings, which a
person repairs while the outbox tries again.
"""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any

from core.config import is_loopback_name
from core.deadlines import DeadlineSocket, DeadlineTlsSocket, machines_trust, resolve, within
from core.outbox import DeliveryError
from core.postal import Folder, Post, Smtp

SECONDS = 60.0
_ENHANCED = re.compile(rb"\d\.\d{1,3}\.\d{1,3}")  # RFC 3463


class Postman:
    """Hands mail over as `post` says; safe for threads, one connection a mail."""

    def __init__(
        self, post: Post, *, seconds: float = SECONDS, trust: ssl.SSLContext | None = None
    ) -> None:
        self.post = post
        self.seconds = seconds
        self.trust = trust or machines_trust()
        self.trust.sslsocket_class = DeadlineTlsSocket

    def send(self, message: EmailMessage, sender: str, to: str) -> None:
        """Hand `message` over. Raises DeliveryError, permanent where trying again is of no use."""
        if isinstance(self.post, Folder):
            _keep(self.post, message)
            return
        with self._ready(self.post) as server:
            code, words = server.mail(sender)
            if code != 250:
                raise _refused("the sender", code, words)
            code, words = server.rcpt(to)
            if code not in (250, 251):
                raise _refused("the recipient", code, words, final=code >= 500)
            code, words = server.data(message.as_bytes())
            if code != 250:
                raise _refused("the mail", code, words, final=code >= 500)

    def check(self) -> None:
        """See that a mail could be handed over now, without doing it. Raises DeliveryError."""
        if isinstance(self.post, Folder):
            try:
                self.post.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DeliveryError(
                    f"The folder of mail cannot be used: {error.strerror}"
                ) from None
            return
        with self._ready(self.post) as server:
            code, words = server.noop()
            if code != 250:
                raise _refused("us", code, words)

    @contextmanager
    def _ready(self, post: Smtp) -> Iterator[smtplib.SMTP]:
        """A connection that is greeted, encrypted and signed in, until the deadline."""
        server: smtplib.SMTP | None = None
        deadline = time.monotonic() + self.seconds
        try:
            with within(deadline):
                server = _connected(post, self.trust)
                _greet(server, post, self.trust)
                yield server
                # It has the mail; how it says goodbye changes nothing.
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
        except smtplib.SMTPAuthenticationError as error:
            raise _refused("our user name or password", error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPDataError as error:
            final = error.smtp_code >= 500
            raise _refused("the mail", error.smtp_code, error.smtp_error, final=final) from None
        except smtplib.SMTPResponseException as error:
            raise _refused("us", error.smtp_code, error.smtp_error) from None
        except ssl.SSLCertVerificationError as error:
            raise DeliveryError(
                f"The mail server's certificate is not trusted: {error.verify_message}"
            ) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            # smtplib turns a time-out into a lost connection.
            if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
                raise DeliveryError("The mail server did not answer in time.") from None
            raise DeliveryError(f"The mail server could not be used: {_kind(error)}.") from None
        finally:
            if server is not None:
                server.close()


class _Server(smtplib.SMTP):
    """smtplib's client over a socket that obeys the thread's deadline."""

    def __init__(self, post: Smtp, trust: ssl.SSLContext) -> None:
        self.post, self.trust = post, trust
        # Looking up our own name is what smtplib does else, and it may take seconds.
        super().__init__(local_hostname="[127.0.0.1]" if _is_here(post.host) else _own_name())
        self._host = post.host

    def _get_socket(self, host: str, port: int, timeout: Any) -> Any:
        refused: OSError | None = None
        for family, kind, protocol, _name, address in resolve(host, port):
            link = DeadlineSocket(family, kind, protocol)
            try:
                link.connect(address)
            except OSError as error:
                link.close()
                refused = error
                continue
            if self.post.tls == "always":
                return self.trust.wrap_socket(link, server_hostname=host)
            return link
        raise refused or OSError("the name leads nowhere")


def _connected(post: Smtp, trust: ssl.SSLContext) -> smtplib.SMTP:
    server = _Server(post, trust)
    code, words = server.connect(post.host, post.port)
    if code != 220:
        server.close()
        raise _refused("us", code, words)
    return server


def _greet(server: smtplib.SMTP, post: Smtp, trust: ssl.SSLContext) -> None:
    server.ehlo_or_helo_if_needed()
    if post.tls == "start":
        if server.has_extn("starttls"):
            server.starttls(context=trust)
            server.ehlo()
        elif post.password is not None or not _is_here(post.host):
            raise DeliveryError(
                "The mail server offers no STARTTLS, so nothing was sent to it."
                " Use smtps://, or ?tls=never on a network of your own."
            )
    if post.user is not None and post.password is not None:
        server.login(post.user, post.password)


def _refused(what: str, code: int, words: bytes | str, *, final: bool = False) -> DeliveryError:
    """Say what was refused, with the codes; the words of a server may quote people's addresses."""
    raw = words if isinstance(words, bytes) else words.encode("utf-8", "replace")
    found = _ENHANCED.match(raw.strip())
    shown = f"{code} {found[0].decode()}" if found else str(code)
    return DeliveryError(f"The mail server refused {what} ({shown}).", permanent=final)


def _keep(folder: Folder, message: EmailMessage) -> None:
    """Write the mail as a file, as a Maildir does: whole or not at all, and once however often."""
    name = str(message["Message-ID"]).strip("<>").partition("@")[0] + ".eml"
    try:
        for part in ("tmp", "new", "cur"):
            (folder.path / part).mkdir(parents=True, exist_ok=True)
        draft = folder.path / "tmp" / f"{name}.{os.getpid()}"
        draft.write_bytes(message.as_bytes())
        draft.replace(folder.path / "new" / name)
    except OSError as error:
        raise DeliveryError(f"The folder of mail cannot be used: {error.strerror}.") from None


def _is_here(host: str) -> bool:
    return is_loopback_name(host)


def _own_name() -> str:
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _kind(error: BaseException) -> str:
    """What happened, in a system's own words; those of others may quote addresses."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        return error.strerror
    return type(error).__name__
