"""Logins under way: one row each, used once.

LTI Security Framework 1.0, section 5.1.1 (state, nonce). The database holds hashes only. The row is
taken by one conditional UPDATE, so of any number of simultaneous launches with one state exactly
one goes on; it then stays for an hour to tell "used before" from "never was".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from core.db import Database, utcnow
from core.prepared import Direct, Prepared
from lti_tool.lti.models import LoginState

LIFETIME = timedelta(minutes=10)
REMEMBERED = timedelta(hours=1)
COOKIE_SECONDS = int(LIFETIME.total_seconds())

# What of a login's own parameters is kept until it is used.
KEPT_HINTS = ("login_hint", "lti_message_hint", "lti_storage_target")

# PyLTI1p3 puts this before what we give it.
STATE_PREFIX = "state-"

_logins: Any = LoginState.__table__
_INSERT = Prepared.insert(_logins)
_BY_ID = Prepared(
    select(
        _logins.c.id,
        _logins.c.platform_id,
        _logins.c.state_hash,
        _logins.c.nonce_hash,
        _logins.c.cookie_hash,
        _logins.c.target_link_uri,
        _logins.c.in_window,
        _logins.c.expires_at,
        _logins.c.used_at,
    ).where(_logins.c.id == bindparam("login"))
)
_HINTS = Prepared(select(_logins.c.hints).where(_logins.c.id == bindparam("login")))
_USED_NONCE = Prepared(select(_logins.c.used_at).where(_logins.c.nonce_hash == bindparam("nonce")))
_USE = Prepared(
    update(_logins)
    .where(
        _logins.c.id == bindparam("login"),
        _logins.c.used_at.is_(None),
        _logins.c.expires_at > bindparam("present"),
    )
    .values(used_at=bindparam("present"), hints={}, ticket_hash=None)
    .returning(_logins.c.id)
)
_OFFER_WINDOW = Prepared(
    update(_logins)
    .where(_logins.c.id == bindparam("login"), _logins.c.used_at.is_(None))
    .values(ticket_hash=bindparam("ticket"))
)
_TAKE_TICKET = Prepared(
    update(_logins)
    .where(
        _logins.c.id == bindparam("login"),
        _logins.c.ticket_hash == bindparam("ticket"),
        _logins.c.used_at.is_(None),
        _logins.c.expires_at > bindparam("present"),
    )
    .values(used_at=bindparam("present"), ticket_hash=None)
    .returning(_logins.c.platform_id, _logins.c.target_link_uri, _logins.c.hints)
)
_FORGET = delete(_logins).where(_logins.c.created_at < bindparam("before"))


@dataclass(frozen=True)
class Login:
    """A login under way, as its row says."""

    id: uuid.UUID
    platform_id: uuid.UUID
    nonce_hash: bytes
    cookie_hash: bytes
    target_link_uri: str
    in_window: bool
    expires_at: datetime
    used: bool


def digest(text: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def secret_for(login_id: uuid.UUID) -> str:
    """A new secret that carries the login's id in front: the middle of a state, or a ticket."""
    return f"{login_id.hex}.{secrets.token_urlsafe(24)}"


def _id_in(secret: str) -> uuid.UUID | None:
    """The login's id in a state or ticket; None where there is none."""
    head = secret.removeprefix(STATE_PREFIX).partition(".")[0]
    plain = len(head) == 32 and head.isascii() and head.isalnum()
    try:
        return uuid.UUID(hex=head) if plain else None
    except ValueError:
        return None


def begin(
    direct: Direct,
    *,
    login_id: uuid.UUID,
    platform_id: uuid.UUID,
    state: str,
    nonce: str,
    target_link_uri: str,
    hints: Mapping[str, str],
    in_window: bool,
    now: datetime,
) -> str:
    """Write the row of a login; `hints` are the login's parameters that must be sent on.

    Returns the value of the cookie that ties the login to this browser.
    """
    cookie = secrets.token_urlsafe(24)
    _INSERT.run(
        direct,
        {
            "id": login_id,
            "platform_id": platform_id,
            "state_hash": digest(state),
            "nonce_hash": digest(nonce),
            "cookie_hash": digest(cookie),
            "target_link_uri": target_link_uri,
            "hints": dict(hints),
            "in_window": in_window,
            "created_at": now,
            "expires_at": now + LIFETIME,
            "ticket_hash": None,
            "used_at": None,
        },
    )
    return cookie


def find(direct: Direct, state: str) -> Login | None:
    """The login with that state, used or not, expired or not."""
    login_id = _id_in(state)
    if login_id is None:
        return None
    row = _BY_ID.first(direct, {"login": login_id})
    if row is None or not hmac.compare_digest(row.state_hash, digest(state)):
        return None
    return Login(
        id=row.id,
        platform_id=row.platform_id,
        nonce_hash=row.nonce_hash,
        cookie_hash=row.cookie_hash,
        target_link_uri=row.target_link_uri,
        in_window=row.in_window,
        expires_at=row.expires_at,
        used=row.used_at is not None,
    )


def hints_of(direct: Direct, login_id: uuid.UUID) -> dict[str, str]:
    """The parameters that a login came with, as far as they are kept; none once it was used."""
    row = _HINTS.first(direct, {"login": login_id})
    return dict(row.hints) if row else {}


def nonce_was_used(direct: Direct, nonce: str) -> bool:
    """Whether a launch with that nonce has gone through."""
    row = _USED_NONCE.first(direct, {"nonce": digest(nonce)})
    return row is not None and row.used_at is not None


def use(direct: Direct, login_id: uuid.UUID, now: datetime) -> bool:
    """Take the login; False if somebody else has, or it has expired meanwhile."""
    parameters = {"login": login_id, "present": now}
    return _USE.first(direct, parameters) is not None


def offer_window(direct: Direct, login_id: uuid.UUID) -> str:
    """A ticket that begins this login anew in a window of its own, once."""
    ticket = secret_for(login_id)
    _OFFER_WINDOW.run(direct, {"login": login_id, "ticket": digest(ticket)})
    return ticket


def take_ticket(
    direct: Direct, ticket: str, now: datetime
) -> tuple[uuid.UUID, str, dict[str, str]] | None:
    """Platform id, target and hints of the login behind `ticket`; None if it was used or is old."""
    login_id = _id_in(ticket)
    if login_id is None:
        return None
    parameters = {"login": login_id, "ticket": digest(ticket), "present": now}
    row = _TAKE_TICKET.first(direct, parameters)
    return (row.platform_id, row.target_link_uri, row.hints) if row else None


def forget_old(session: Session, now: datetime) -> int:
    """Delete logins older than an hour; returns how many."""
    result = session.connection().execute(_FORGET, {"before": now - REMEMBERED})
    return int(result.rowcount)


def sweep(database: Database) -> int:
    """`forget_old` in a transaction of its own; a recurring job."""
    with database.transaction() as session:
        return forget_old(session, utcnow())
