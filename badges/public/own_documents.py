"""The machine-readable documents that this installation publishes, by their path.

The views serve them, and the verifier reads them from here rather than over the network.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.service import issuer_by_slug, issuer_document, public_version
from badges.awards.building import achievement, issuer_profile
from badges.awards.service import public_credential
from badges.awards.status import signed_list
from badges.openbadges.contexts import CREDENTIALS_V2, OPEN_BADGES
from badges.public.negotiation import to_json
from core.errors import NotFoundError
from core.runtime import Runtime
from keys.ring import KeyRing

_UUID = r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_PATHS = {
    "did": re.compile(r"/issuers/(?P<id>[a-z0-9-]+)/did\.json"),
    "issuer": re.compile(r"/issuers/(?P<id>[a-z0-9-]+)"),
    "key": re.compile(r"/keys/(?P<id>[A-Za-z0-9_-]+)"),
    "status": re.compile(rf"/status/{_UUID}"),
    "achievement": re.compile(rf"/achievements/{_UUID}"),
    "jwt": re.compile(rf"/credentials/{_UUID}\.jwt"),
    # A picture of ours holds this very document.
    "credential": re.compile(rf"/credentials/{_UUID}(?:\.(?:json|png|svg))?"),
}


@dataclass(frozen=True)
class OwnDocuments:
    """Reads documents by address, without a request to ourselves."""

    runtime: Runtime
    ring: KeyRing

    def owns(self, url: str) -> bool:
        """Whether `url` is under our badge address (a `did:web` says https even on loopback)."""
        try:
            given, own = urlsplit(url), urlsplit(self.runtime.config.badge_url)
            same = (given.hostname, given.port) == (own.hostname, own.port)
        except ValueError:
            return False
        return same and given.scheme in {own.scheme, "https"} and not given.username

    def read(self, url: str) -> bytes:
        """The document at `url`, as a stranger would get it. Raises NotFoundError or GoneError."""
        path = urlsplit(url).path
        for kind, pattern in _PATHS.items():
            match = pattern.fullmatch(path)
            if match:
                return self._document(kind, match["id"])
        raise LookupError(path)

    def revocation_reason(self, url: str) -> str | None:
        """Why a published credential of ours was withdrawn, if it was and its page says so."""
        match = _PATHS["credential"].fullmatch(urlsplit(url).path) if self.owns(url) else None
        if match is None:
            return None
        try:
            with self.runtime.database.snapshot() as session:
                found = public_credential(session, uuid.UUID(match["id"]), only="document")
                return found.revocation_reason
        except NotFoundError:
            return None

    def _document(self, kind: str, name: str) -> bytes:
        if kind == "key":
            return to_json(self.ring.jwk(name))
        if kind == "status":
            return signed_list(self.runtime, self.ring, uuid.UUID(name)).document.encode()
        with self.runtime.database.snapshot() as session:
            if kind == "did":
                return to_json(issuer_document(session, issuer_by_slug(session, name)))
            if kind == "issuer":
                return to_json(profile(issuer_by_slug(session, name), self.badge_url))
            if kind == "achievement":
                version = public_version(session, uuid.UUID(name))
                return to_json(achievement_document(version, self.badge_url))
            if kind == "jwt":
                return (public_credential(session, uuid.UUID(name), only="jwt").jwt or "").encode()
            credential = public_credential(session, uuid.UUID(name), only="document")
            return (credential.document or "").encode()

    @property
    def badge_url(self) -> str:
        """The origin of all badge addresses."""
        return self.runtime.config.badge_url


def profile(issuer: Issuer, badge_url: str) -> dict[str, Any]:
    """The issuer's Profile (Open Badges 3.0, B.1.20) as a document of its own."""
    body = issuer_profile(issuer, badge_url).to_dict()
    return {"@context": [CREDENTIALS_V2, OPEN_BADGES], **body}


def achievement_document(version: AchievementVersion, badge_url: str) -> dict[str, Any]:
    """The Achievement (B.1.1) as a document of its own, with its creator."""
    body = achievement(version, badge_url).to_dict()
    issuer = issuer_profile(version.achievement.issuer, badge_url).to_dict()
    return {"@context": [CREDENTIALS_V2, OPEN_BADGES], **body, "creator": issuer}


def changed_at(version: AchievementVersion) -> datetime:
    """When the achievement's document last changed: when this version was published."""
    return version.published_at
