"""Who may launch us, as login and launch need it: read-only, a few seconds old at most.

Registered platforms change once a year and are asked for at every request.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db import Database
from core.prepared import Direct
from core.scope import unscoped
from lti_tool.lti.models import Deployment, Platform

STALE_AFTER = 5.0  # seconds
MOST_KEPT = 512
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class PlatformDeployment:
    """A deployment and the organisation that it serves."""

    id: uuid.UUID
    deployment_id: str
    owner_id: uuid.UUID
    owner_path: str


@dataclass(frozen=True)
class KnownPlatform:
    """A platform as login and launch see it.

    `deployments` holds those that launch; `held` the state of those that wait or were refused.
    """

    id: uuid.UUID
    issuer: str
    client_id: str
    name: str
    family: str
    auth_login_url: str
    auth_token_url: str
    jwks_url: str
    token_audience: str
    frame_origins: tuple[str, ...]
    verifies_emails: bool
    anonymous_allowed: bool
    administrators_allowed: bool
    role_overrides: Mapping[str, Any]
    disabled: bool
    owner_id: uuid.UUID
    owner_path: str
    privacy_level: str
    deployments: Mapping[str, PlatformDeployment] = field(repr=False)
    held: Mapping[str, str] = field(repr=False)

    @property
    def home_url(self) -> str | None:
        """The LMS's own front page, where its issuer is that."""
        own = self.family in {"moodle", "sandbox"} and self.issuer.startswith(("https:", "http:"))
        return self.issuer if own else None


class Platforms:
    """The registered platforms. One per process; safe for threads."""

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._by_issuer: dict[str, tuple[float, tuple[KnownPlatform, ...]]] = {}
        self._by_id: dict[uuid.UUID, tuple[float, KnownPlatform | None]] = {}
        self._noted: dict[uuid.UUID, datetime] = {}

    def of_issuer(self, issuer: str) -> tuple[KnownPlatform, ...]:
        """Every platform of that issuer, one a client id."""
        kept = self._by_issuer.get(issuer)
        if kept is not None and self._monotonic() - kept[0] < STALE_AFTER:
            return kept[1]
        with self._database.snapshot() as session:
            found = _load(session, Platform.issuer == issuer)
        with self._lock:
            if len(self._by_issuer) >= MOST_KEPT:
                self._by_issuer.clear()
            self._by_issuer[issuer] = (self._monotonic(), found)
        return found

    def get(self, platform_id: uuid.UUID, *, fresh: bool = False) -> KnownPlatform | None:
        """The platform with that id; `fresh` asks the database, whatever is remembered."""
        kept = self._by_id.get(platform_id)
        if not fresh and kept is not None and self._monotonic() - kept[0] < STALE_AFTER:
            return kept[1]
        with self._database.snapshot() as session:
            found = _load(session, Platform.id == platform_id)
        with self._lock:
            if len(self._by_id) >= MOST_KEPT:
                self._by_id.clear()
            self._by_id[platform_id] = (self._monotonic(), found[0] if found else None)
        return found[0] if found else None

    def launched(self, session: Session | Direct, platform_id: uuid.UUID, now: datetime) -> None:
        """Note on the platform's row that it launched, at most once a minute from this process."""
        noted = self._noted.get(platform_id)
        if noted is not None and now - noted < NOTED_EVERY:
            return
        self._noted[platform_id] = now
        table: Any = Platform.__table__
        Direct.of(session).run(
            update(table).where(table.c.id == platform_id).values(last_launch_at=now)
        )

    def forget(self) -> None:
        """Read everything anew, as after a change in this process."""
        with self._lock:
            self._by_issuer.clear()
            self._by_id.clear()


def _load(session: Session, condition: Any) -> tuple[KnownPlatform, ...]:
    with unscoped(session, "a login comes from anywhere; its platform says for whom"):
        rows = session.scalars(select(Platform).where(condition).order_by(Platform.id)).all()
        ids = [row.id for row in rows]
        placed = session.scalars(select(Deployment).where(Deployment.platform_id.in_(ids))).all()
    deployments: dict[uuid.UUID, dict[str, PlatformDeployment]] = {one: {} for one in ids}
    held: dict[uuid.UUID, dict[str, str]] = {one: {} for one in ids}
    for row in placed:
        if row.state != "active":
            held[row.platform_id][row.deployment_id] = row.state
            continue
        deployments[row.platform_id][row.deployment_id] = PlatformDeployment(
            row.id, row.deployment_id, row.owner_id, row.owner_path
        )
    return tuple(
        KnownPlatform(
            id=row.id,
            issuer=row.issuer,
            client_id=row.client_id,
            name=row.name,
            family=row.family,
            auth_login_url=row.auth_login_url,
            auth_token_url=row.auth_token_url,
            jwks_url=row.jwks_url,
            token_audience=row.token_audience or row.auth_token_url,
            frame_origins=tuple(row.frame_origins),
            verifies_emails=row.verifies_emails,
            anonymous_allowed=row.anonymous_allowed,
            administrators_allowed=row.administrators_allowed,
            role_overrides=dict(row.role_overrides),
            disabled=row.disabled_at is not None,
            owner_id=row.owner_id,
            owner_path=row.owner_path,
            privacy_level=row.privacy_level,
            deployments=deployments[row.id],
            held=held[row.id],
        )
        for row in rows
    )
