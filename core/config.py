"""Settings, read once from the environment as `MILEPOST_*`, each also as `MILEPOST_*_FILE`.

`Config.from_env()` reports every fault at once, each as a sentence that names the setting.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from core import postal, timezones
from core.errors import ConfigError

Environment = Literal["production", "demo", "test"]

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Config:
    """Everything an installation may set. Addresses are origins without a trailing slash."""

    base_url: str
    badge_url: str
    content_url: str | None
    home: Path
    # Both may hold a password.
    database_url: str = field(repr=False)
    files_url: str = field(repr=False)
    master_key: bytes = field(repr=False)
    environment: Environment = "production"
    outgoing_allow: frozenset[str] = frozenset()
    metrics_token: str | None = field(default=None, repr=False)
    support_contact: str | None = None
    log_level: str = "INFO"
    log_format: Literal["json", "text"] = "json"
    workers: int = 2
    threads: int = 4
    session_hours: int = 8
    upload_max_bytes: int = 500 * MEBIBYTE
    default_locale: str = "en"
    default_timezone: str = "UTC"
    trusted_proxies: int = 0
    # Where mail goes, with its password; without it no mail is sent and none is promised.
    post: postal.Post | None = field(default=None, repr=False)
    mail_from: str = postal.NOBODY

    @property
    def secure(self) -> bool:
        """Whether people reach the tool by https (loopback development is the exception)."""
        return self.base_url.startswith("https://")

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Config:
        """Read the settings. Raises ConfigError with every fault found."""
        return _Reader(dict(os.environ if env is None else env)).config()


def origin(text: str) -> str:
    """Return `text` as an origin (scheme://host[:port]); ValueError says what is wrong."""
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must look like https://learning.example.org")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
        raise ValueError("it must be an origin alone, without a path, query or user name")
    if parts.scheme == "http" and not is_loopback_name(parts.hostname):
        raise ValueError("only https is accepted, except on this machine (localhost)")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def is_loopback_name(host: str) -> bool:
    """Whether `host` names this machine."""
    return host == "localhost" or host.endswith(".localhost") or host in {"127.0.0.1", "::1"}


class _Reader:
    """Collects settings and faults."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.faults: list[str] = []

    def raw(self, name: str) -> str | None:
        """The value of MILEPOST_<name>, or what the file MILEPOST_<name>_FILE holds."""
        full = f"MILEPOST_{name}"
        value, path = self.env.get(full), self.env.get(f"{full}_FILE")
        if value and path:
            self.faults.append(f"{full} and {full}_FILE are both set; keep one.")
        if value:
            return value.strip()
        if not path:
            return None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            self.faults.append(f"{full}_FILE names {path}, which cannot be read.")
            return None

    def get(self, name: str, default: Any, convert: Callable[[str], Any] = str) -> Any:
        """The converted value, or the default; a ValueError becomes a fault."""
        text = self.raw(name)
        if text is None:
            return default
        try:
            return convert(text)
        except ValueError as exc:
            self.faults.append(f"MILEPOST_{name} is not usable: {exc}.")
            return default

    def config(self) -> Config:
        """Build the Config or raise ConfigError."""
        environment = self.get("ENVIRONMENT", "production", _one_of("production", "demo", "test"))
        home = Path(self.get("HOME", "instance")).expanduser().absolute()
        base_url = self.get("BASE_URL", None, origin)
        if base_url is None and not self.raw("BASE_URL"):
            if environment == "production":
                self.faults.append(
                    "MILEPOST_BASE_URL is missing: the address people reach Milepost at,"
                    " such as https://learning.example.org."
                )
            base_url = "http://localhost:8000"
        base_url = base_url or "http://localhost:8000"
        values: dict[str, Any] = {
            "environment": environment,
            "home": home,
            "base_url": base_url,
            "badge_url": self.get("BADGE_URL", base_url, origin),
            "content_url": self.get("CONTENT_URL", None, origin),
            "database_url": self.get("DATABASE_URL", f"sqlite:///{home / 'milepost.sqlite'}", _db),
            "files_url": self.get("FILES_URL", f"file://{home / 'files'}"),
            "master_key": self.master_key(home, environment),
            "outgoing_allow": self.get("OUTGOING_ALLOW", frozenset(), _names),
            "metrics_token": self.get("METRICS_TOKEN", None),
            "support_contact": self.get("SUPPORT_CONTACT", None),
            "log_level": self.get(
                "LOG_LEVEL", "INFO", _one_of("DEBUG", "INFO", "WARNING", "ERROR")
            ),
            "log_format": self.get("LOG_FORMAT", "json", _one_of("json", "text")),
            "workers": self.get("WORKERS", 2, _between(1, 64)),
            "threads": self.get("THREADS", 4, _between(1, 64)),
            "session_hours": self.get("SESSION_HOURS", 8, _between(1, 72)),
            "upload_max_bytes": self.get("UPLOAD_MAX_MB", 500, _between(1, 10_000)) * MEBIBYTE,
            "default_locale": self.get("DEFAULT_LOCALE", "en"),
            "default_timezone": self.get("DEFAULT_TIMEZONE", "UTC", _timezone),
            "trusted_proxies": self.get("TRUSTED_PROXIES", 0, _between(0, 5)),
            **self.mail(home, environment),
        }
        if self.faults:
            raise ConfigError(self.faults)
        return Config(**values)

    def mail(self, home: Path, environment: str) -> dict[str, Any]:
        """Where mail goes and whom it is from; a demo keeps it in a folder to be read there."""
        found = self.get("SMTP_URL", None, lambda text: postal.parse(text, home / "mail"))
        if found is None and environment == "demo" and not self.raw("SMTP_URL"):
            found = postal.Folder(home / "mail")
        if isinstance(found, postal.Folder) and environment == "production":
            self.faults.append("MILEPOST_SMTP_URL names a folder, and nobody would get mail there.")
        sender = self.get("MAIL_FROM", None, postal.sender)
        if sender is None and isinstance(found, postal.Smtp) and not self.raw("MAIL_FROM"):
            self.faults.append(
                "MILEPOST_MAIL_FROM is missing: the address that mail comes from,"
                " such as Milepost <milepost@example.org>."
            )
        return {"post": found, "mail_from": sender or postal.NOBODY}

    def master_key(self, home: Path, environment: str) -> bytes:
        """The 32 bytes that seal private keys; made and kept under home for demo and tests."""
        key: bytes | None = self.get("MASTER_KEY", None, _key)
        if key is not None:
            return key
        if self.raw("MASTER_KEY"):
            return b""
        if environment == "production":
            self.faults.append(
                "MILEPOST_MASTER_KEY is missing: 32 random bytes in base64."
                " Make one with: openssl rand -base64 32."
            )
            return b""
        return self.kept_key(home / "master.key")

    def kept_key(self, path: Path) -> bytes:
        """Read the demo's key, or make it; only its owner may read the file."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return _key(path.read_text("ascii"))
            with os.fdopen(descriptor, "w") as handle:
                handle.write(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
            return _key(path.read_text("ascii"))
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
            self.faults.append(
                f"The folder {path.parent} (MILEPOST_HOME) cannot be used: {reason}."
            )
            return b""


def _key(text: str) -> bytes:
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it must be base64") from None
    if len(value) != 32:
        raise ValueError(f"it must hold 32 bytes, this holds {len(value)}")
    return value


def _db(text: str) -> str:
    scheme = text.split(":", 1)[0]
    if scheme in {"postgres", "postgresql"}:
        return "postgresql+psycopg:" + text.split(":", 1)[1]
    if scheme in {"sqlite", "postgresql+psycopg"}:
        return text
    raise ValueError("it must begin with sqlite: or postgresql:")


def _names(text: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())


def _one_of(*choices: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in choices:
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return text

    return convert


def _between(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ValueError("it must be a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"it must be from {low} to {high}")
        return number

    return convert


def _timezone(text: str) -> str:
    if not timezones.known(text):
        raise ValueError("it must be a time zone such as Europe/Vienna")
    return text
