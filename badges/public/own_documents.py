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

from sqlalchemy.orm import Session

from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.service import issuer_by_slug, issuer_document, public_version
from badges.awards.building import achievement, issuer_profile
from badges.awards.links import opened
from badges.awards.service import public_credential
from badges.awards.status import signed_list
from badges.endorsements.additions import Signed, of_achievement, of_issuer
from badges.endorsements.service import public as public_endorsement
from badges.openbadges.contexts import CREDENTIALS_V2, OPEN_BADGES
from badges.public import hosted
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
    "credential": re.compile(rf"/credentials/{_UUID}(?:\.(?:json|png|svg)|/refresh)?"),
    "endorsement": re.compile(rf"/endorsements/{_UUID}(?:\.json)?"),
    "endorsement-jwt": re.compile(rf"/endorsements/{_UUID}\.jwt"),
    "assertion": re.compile(rf"/ob2/assertions/{_UUID}(?:\.(?:png|svg))?"),
    "class": re.compile(rf"/ob2/classes/{_UUID}"),
    "link": re.compile(r"/shared/(?P<id>[A-Za-z0-9_-]{20,100})(?:\.(?:json|png|svg))?"),
    "profile": re.compile(r"/ob2/issuers/(?P<id>[a-z0-9-]+)"),
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
                issuer = issuer_by_slug(session, name)
                praise = of_issuer(session, issuer, self.runtime.now())
                return to_json(profile(issuer, self.badge_url, praise))
            if kind == "achievement":
                version = public_version(session, uuid.UUID(name))
                now = self.runtime.now()
                return to_json(achievement_document(session, version, self.badge_url, now))
            if kind in ("assertion", "class", "profile"):
                return to_json(self._older(session, kind, name))
            if kind.startswith("endorsement"):
                found = public_endorsement(session, uuid.UUID(name))
                text = found.jwt if kind.endswith("jwt") else found.document
                return (text or "").encode()
            if kind == "link":
                _link, shown = opened(session, name, self.runtime.now())
                return (shown.document or "").encode()
            if kind == "jwt":
                return (public_credential(session, uuid.UUID(name), only="jwt").jwt or "").encode()
            credential = public_credential(session, uuid.UUID(name), only="document")
            return (credential.document or "").encode()

    def _older(self, session: Session, kind: str, name: str) -> dict[str, Any]:
        """A document of Open Badges 2.0; raises WithdrawnError for a revoked assertion."""
        if kind == "profile":
            return hosted.issuer_document(issuer_by_slug(session, name), self.badge_url)
        if kind == "class":
            version = public_version(session, uuid.UUID(name))
            return hosted.class_document(version, self.badge_url)
        credential = public_credential(session, uuid.UUID(name))
        return hosted.assertion_document(credential, self.badge_url)

    @property
    def badge_url(self) -> str:
        """The origin of all badge addresses."""
        return self.runtime.config.badge_url


def profile(issuer: Issuer, badge_url: str, endorsement: tuple[Signed, ...] = ()) -> dict[str, Any]:
    """The issuer's Profile (Open Badges 3.0, B.1.20) as a document of its own."""
    body = issuer_profile(issuer, badge_url, endorsement).to_dict()
    return {"@context": [CREDENTIALS_V2, OPEN_BADGES], **body}


def achievement_document(
    session: Session, version: AchievementVersion, badge_url: str, now: datetime
) -> dict[str, Any]:
    """The Achievement (B.1.1) as a document of its own, with its creator and their praise."""
    creator = version.achievement.issuer
    body = achievement(version, badge_url, of_achievement(session, version, now)).to_dict()
    issuer = issuer_profile(creator, badge_url, of_issuer(session, creator, now)).to_dict()
    return {"@context": [CREDENTIALS_V2, OPEN_BADGES], **body, "creator": issuer}


def changed_at(version: AchievementVersion) -> datetime:
    """When the achievement's document last changed: when this version was published."""
    return version.published_at
