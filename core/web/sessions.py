"""Server-side sessions, several side by side in one browser.

The session's id stands in the path (`/s/<uuid>/…`), its secret in a cookie of its own
(`__Host-milepost-<uuid>`, Partitioned), so two launches in one browser never meet. The database
holds a hash of the secret. Forms carry a token derived from it, masked anew on every page.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request
from flask_babel import lazy_gettext as _
from markupsafe import Markup
from sqlalchemy import LargeBinary, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Identified, Json, utcnow
from core.errors import NotAllowedError, NotAuthenticatedError
from core.identity import Organisation, Person, Role
from core.prepared import Direct, Prepared
from core.scope import OwnedByPeople, Scope

COOKIE = "__Host-milepost-"
MAX_COOKIES = 6
# RFC 6265, section 4.1.1, as far as names and values of ours go.
_PLAIN = re.compile(r"[\w.-]+=[\w.=-]*", re.ASCII)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class WebSession(OwnedByPeople, Identified, Base):
    """One launch's session: who, where, as what."""

    __tablename__ = "web_sessions"

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    person_id: Mapped[uuid.UUID] = mapped_column(index=True)
    context_id: Mapped[uuid.UUID | None]
    platform_id: Mapped[uuid.UUID | None]
    roles: Mapped[list[Any]] = mapped_column(Json)
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


_INSERT = Prepared.insert(WebSession.__table__)
_w, _p, _o = WebSession.__table__.c, Person.__table__.c, Organisation.__table__.c
_BY_ID = Prepared(
    select(_w.secret_hash, _w.person_id, _w.context_id, _w.platform_id, _w.roles, _w.data,
           _w.expires_at, _p.name, _p.locale, _p.timezone, _o.id.label("organisation_id"),
           _o.name.label("organisation_name"), _o.path, _o.accent,
           _o.timezone.label("organisation_timezone"), _o.support_contact)
    .select_from(WebSession.__table__)
    .join(Person.__table__, _p.id == _w.person_id)
    .join(Organisation.__table__, _o.id == _w.owner_id)
    # A launch that began before its person was joined to another opens nothing.
    .where(_w.id == bindparam("sid"), _p.merged_into_id.is_(None))
)  # fmt: skip


@dataclass(frozen=True)
class Principal:
    """Who acts in this request. `data` holds what the launch brought: return_url, frame_origins."""

    session_id: uuid.UUID
    person_id: uuid.UUID
    name: str | None
    organisation_id: uuid.UUID
    organisation_name: str
    scope: Scope
    context_id: uuid.UUID | None
    platform_id: uuid.UUID | None
    roles: frozenset[Role]
    data: dict[str, Any]
    accent: str | None = None

    def has(self, *roles: Role) -> bool:
        """Whether one of `roles` is held in this session."""
        return not self.roles.isdisjoint(roles)

    def require(self, *roles: Role) -> None:
        """Raise NotAllowedError unless one of `roles` is held."""
        if not self.has(*roles):
            raise NotAllowedError(
                _("Your role here does not include this page."),
                code="role_missing",
                advice=_("If it should, ask your programme lead to give you the role."),
            )


@dataclass(frozen=True)
class StartedSession:
    """A new session's id and the secret that goes into its cookie, once."""

    id: uuid.UUID
    secret: str
    max_age: int


def start_session(
    session: Session | Direct,
    *,
    person_id: uuid.UUID,
    organisation_id: uuid.UUID,
    organisation_path: str,
    context_id: uuid.UUID | None,
    platform_id: uuid.UUID | None,
    roles: frozenset[Role],
    data: dict[str, Any],
    hours: int,
    now: datetime,
) -> StartedSession:
    """Write a session row; the caller sets the cookie on its response."""
    started = StartedSession(uuid.uuid4(), secrets.token_urlsafe(32), hours * 3600)
    _INSERT.run(
        Direct.of(session),
        {
            "id": started.id,
            "owner_id": organisation_id,
            "owner_path": organisation_path,
            "secret_hash": hashlib.sha256(started.secret.encode()).digest(),
            "person_id": person_id,
            "context_id": context_id,
            "platform_id": platform_id,
            "roles": sorted(role.value for role in roles),
            "data": data,
            "created_at": now,
            "expires_at": now + timedelta(hours=hours),
        },
    )
    return started


def set_session_cookie(response: Response, started: StartedSession) -> None:
    """Give the browser the secret, and let go of its oldest ones past the cap."""
    set_cookie(response, f"{COOKIE}{started.id}", started.secret, max_age=started.max_age)
    held = [name for name in request.cookies if _is_session(name)]
    for name in held[: max(0, len(held) - MAX_COOKIES + 1)]:
        set_cookie(response, name, "", max_age=0)


def _is_session(cookie: str) -> bool:
    """Whether `cookie` is a session's; logins and one-time messages have longer names."""
    try:
        return cookie.startswith(COOKIE) and cookie == f"{COOKIE}{uuid.UUID(cookie[len(COOKIE) :])}"
    except ValueError:
        return False


def set_cookie(response: Response, name: str, value: str, *, max_age: int) -> None:
    """A cookie that works in a third-party frame: Secure, SameSite=None, Partitioned, HttpOnly.

    Written out here: Werkzeug quotes and dates what ours never need, at every request. Raises
    ValueError for a name or value that would need it.
    """
    if not _PLAIN.fullmatch(f"{name}={value}"):
        raise ValueError(f"the cookie {name} would need quoting")
    response.headers.add(
        "Set-Cookie",
        f"{name}={value}; Secure; HttpOnly; Max-Age={max_age}; Path=/; SameSite=None; Partitioned",
    )


def end_session(session: Session, session_id: uuid.UUID) -> None:
    """Sign out: the row is gone, so the cookie opens nothing."""
    table = WebSession.__table__
    session.connection().execute(delete(table).where(table.c.id == session_id))  # type: ignore[arg-type]


def forget_expired(session: Session, now: datetime) -> int:
    """Delete sessions past their time; returns how many."""
    table = WebSession.__table__
    result = session.connection().execute(delete(table).where(table.c.expires_at <= now))  # type: ignore[arg-type]
    return int(result.rowcount)


def principal() -> Principal:
    """Who acts in this request. Raises NotAuthenticatedError outside a session."""
    found: Principal | None = g.get("principal")
    if found is None:
        raise _no_session()
    return found


class SessionBlueprint(Blueprint):
    """A blueprint below `/s/<sid>`; `url_for` inside a session needs no `sid`."""

    def __init__(self, name: str, import_name: str, *, prefix: str = "") -> None:
        super().__init__(name, import_name, url_prefix=f"/s/<uuid:sid>{prefix}")


def install(app: Flask) -> None:
    """Load the session of `/s/…` requests, check form tokens, and help `url_for`."""
    app.url_value_preprocessor(_take_sid)
    app.url_defaults(_give_sid)
    app.before_request(_load)
    app.jinja_env.globals["csrf_field"] = csrf_field


def _take_sid(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values and "sid" in values:
        g.sid = values.pop("sid")


def _give_sid(endpoint: str, values: dict[str, Any]) -> None:
    sid = g.get("sid")
    if sid and "sid" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "sid"):
        values["sid"] = sid


def _load() -> None:
    if request.path.startswith("/s/"):
        # Until the platform is known: only a kind refusal can be shown, and a frame must show it.
        g.frame_ancestors = "*"
    sid = g.get("sid")
    if sid is None:
        return
    secret = request.cookies.get(f"{COOKIE}{sid}")
    if not secret:
        raise _no_session()
    g.principal = _find(sid, secret)
    g.csrf_key = secret
    origins = g.principal.data.get("frame_origins") or []
    g.frame_ancestors = " ".join(["'self'", *origins])
    if request.method not in SAFE_METHODS:
        _check_form(secret)


def _find(sid: uuid.UUID, secret: str) -> Principal:
    shared = current_app.extensions["milepost"]
    digest = hashlib.sha256(secret.encode()).digest()
    with shared.database.single() as direct:
        row = _BY_ID.first(direct, {"sid": sid})
    genuine = row is not None and hmac.compare_digest(row.secret_hash, digest)
    if not genuine or row.expires_at <= shared.now():
        raise _no_session()
    g.locale = row.data.get("locale") or row.locale
    g.timezone = row.timezone or row.organisation_timezone
    g.support_contact = row.support_contact or shared.config.support_contact
    return Principal(
        session_id=sid,
        person_id=row.person_id,
        name=row.name,
        organisation_id=row.organisation_id,
        organisation_name=row.organisation_name,
        scope=Scope(row.organisation_id, row.path),
        context_id=row.context_id,
        platform_id=row.platform_id,
        roles=frozenset(Role(role) for role in row.roles),
        data=row.data,
        accent=row.accent,
    )


def _no_session() -> NotAuthenticatedError:
    return NotAuthenticatedError(
        _("This page was opened without a valid visit. Visits end after some hours."),
        advice=_("Go back to your course and open the activity again. What you saved is safe."),
    )


def csrf_token() -> str:
    """The form token of this session, masked so that compression reveals nothing."""
    key: str | None = g.get("csrf_key")
    if not key:
        return ""
    token, pad = _csrf(key), secrets.token_bytes(32)
    return base64.urlsafe_b64encode(
        pad + bytes(a ^ b for a, b in zip(pad, token, strict=True))
    ).decode()


def csrf_field() -> Markup:
    """The hidden input every form of a session carries."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token())


def _csrf(key: str) -> bytes:
    return hmac.digest(key.encode(), b"milepost form token", "sha256")


def _check_form(secret: str) -> None:
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    try:
        raw = base64.urlsafe_b64decode(given.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raw = b""
    whole = len(raw) == 64
    token = bytes(a ^ b for a, b in zip(raw[:32], raw[32:], strict=True)) if whole else b""
    origin = request.headers.get("Origin")
    config = current_app.extensions["milepost"].config
    foreign = origin not in (None, config.base_url)
    if foreign or not hmac.compare_digest(token, _csrf(secret)):
        raise NotAllowedError(
            _("This form came without its safety mark, so nothing was changed."),
            code="csrf_invalid",
            advice=_("Go back, reload the page and send the form again."),
        )


def touch_session(session: Session, session_id: uuid.UUID, data: dict[str, Any]) -> None:
    """Replace what the session remembers."""
    table = WebSession.__table__
    session.connection().execute(
        update(table).where(table.c.id == session_id).values(data=data)  # type: ignore[arg-type]
    )


def sweep(database: Any) -> int:
    """Forget sessions that have ended; a recurring job."""
    with database.transaction() as session:
        return forget_expired(session, utcnow())


__all__ = [
    "COOKIE", "Principal", "SessionBlueprint", "StartedSession", "WebSession", "csrf_field",
    "csrf_token", "end_session", "forget_expired", "install", "principal", "set_cookie",
    "set_session_cookie", "start_session", "sweep", "touch_session",
]  # fmt: skip
