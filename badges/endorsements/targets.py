"""What can be endorsed: an issuer, a version of a micro-credential, or a published badge of ours.

Found by the address that its own page has, however it was copied.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.addresses import achievement_url, credential_url, issuer_url
from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.service import find_issuer, micro_credential
from badges.awards.models import Credential
from badges.endorsements.models import Endorsement
from badges.openbadges import award_of
from core.errors import NotFoundError
from core.scope import unscoped

_UUID = r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_PATHS: Final = (
    ("issuer", re.compile(r"/issuers/(?P<id>[a-z0-9-]+)(?:/did\.json)?/?")),
    ("achievement", re.compile(rf"/achievements/{_UUID}(?:/image\.(?:png|svg))?/?")),
    ("credential", re.compile(rf"/credentials/{_UUID}(?:\.(?:json|jwt|png|svg))?/?")),
)
_COLUMNS: Final = {
    "issuer": "about_issuer_id",
    "achievement": "about_version_id",
    "credential": "about_credential_id",
}
_PUBLIC = "what may be endorsed is public: issuers, what they offer, badges that were published"


@dataclass(frozen=True)
class Target:
    """What is endorsed: its kind (`issuer`, `achievement`, `credential`), row and `subject_id`.

    `subject_id` names it in signed documents; `owner` is the issuer who answers for it.
    """

    kind: str
    id: uuid.UUID
    subject_id: str
    name: str
    page: str
    owner: Issuer

    @property
    def columns(self) -> dict[str, uuid.UUID]:
        """The one column of an endorsement that names it."""
        return {_COLUMNS[self.kind]: self.id}


def find(session: Session, address: str, badge_url: str) -> Target:
    """What the page at `address` is about. Raises NotFoundError where nothing can be endorsed."""
    path = _own_path(address.strip(), badge_url)
    for kind, pattern in _PATHS:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        with unscoped(session, _PUBLIC):
            found = _found(session, kind, match["id"], badge_url)
        if found is not None:
            return found
    raise NotFoundError(
        _("Nothing that can be endorsed was found at this address."), code="target_unknown"
    )


def of(session: Session, endorsement: Endorsement, badge_url: str) -> Target:
    """What an endorsement is about, whoever may see it."""
    with unscoped(session, _PUBLIC):
        if endorsement.about_issuer_id is not None:
            return of_issuer(session.get_one(Issuer, endorsement.about_issuer_id), badge_url)
        if endorsement.about_version_id is not None:
            version = session.get_one(AchievementVersion, endorsement.about_version_id)
            return of_version(version, badge_url)
        credential = session.get_one(Credential, endorsement.about_credential_id)
        return of_credential(credential, badge_url)


def of_issuer(issuer: Issuer, badge_url: str) -> Target:
    """An issuer as a target."""
    page = issuer_url(badge_url, issuer.slug)
    return Target("issuer", issuer.id, issuer.did, issuer.name, page, issuer)


def of_version(version: AchievementVersion, badge_url: str) -> Target:
    """A version of a micro-credential as a target."""
    page = achievement_url(badge_url, version.id)
    name = micro_credential(version).name
    return Target("achievement", version.id, page, name, page, version.achievement.issuer)


def of_credential(credential: Credential, badge_url: str) -> Target:
    """A badge as a target; it is named by what it was given for, never by whose it is."""
    page = credential_url(badge_url, credential.id)
    name = micro_credential(credential.version).name
    return Target("credential", credential.id, award_of(page), name, page, credential.issuer)


def _own_path(address: str, badge_url: str) -> str:
    if address.startswith("did:web:"):
        address = f"{badge_url}/" + "/".join(address.split(":")[3:])
    try:
        given, own = urlsplit(address), urlsplit(badge_url)
        same = (given.hostname, given.port) == (own.hostname, own.port)
    except ValueError:
        return ""
    return given.path if same else ""


def _found(session: Session, kind: str, name: str, badge_url: str) -> Target | None:
    if kind == "issuer":
        issuer = find_issuer(session, name)
        return None if issuer is None else of_issuer(issuer, badge_url)
    if kind == "achievement":
        version = session.get(AchievementVersion, uuid.UUID(name))
        return None if version is None else of_version(version, badge_url)
    credential = session.scalar(
        select(Credential).where(
            Credential.id == uuid.UUID(name),
            Credential.state == "signed",
            Credential.published_at.is_not(None),
        )
    )
    return None if credential is None else of_credential(credential, badge_url)
