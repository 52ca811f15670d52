"""Issuers and micro-credentials: create, publish immutable versions, read.

A published version is never changed; publishing again makes the next one. The pathway that leads to
it is made when somebody starts on it (`badges.pathways.service.publish_own`).
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.addresses import issuer_did
from badges.achievements.document import MicroCredential
from badges.achievements.fields import is_web_address
from badges.achievements.models import Achievement, AchievementVersion, Issuer
from core import plain_text
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Organisation, owner_like, owner_of
from core.scope import unscoped
from core.unique import unless_taken
from keys.models import SigningKey, issuer_ring
from keys.publish import did_document
from keys.ring import KeyRing, published_keys

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?", re.ASCII)
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")


def create_issuer(
    session: Session,
    organisation: Organisation,
    *,
    ring: KeyRing,
    slug: str,
    name: str,
    url: str | None = None,
    email: str | None = None,
    description: str | None = None,
    badge_url: str,
    now: datetime,
) -> Issuer:
    """Make an issuer for `organisation`, with an Ed25519 and an RS256 key of its own.

    `slug` becomes part of its identifier (`did:web:<host>:issuers:<slug>`) for ever. Raises
    UnprocessableError with every field that needs a change, ConflictError if the slug is taken.
    """
    faults = _issuer_faults(slug, name, url, email)
    if faults:
        raise UnprocessableError(
            _("This issuer cannot be saved as it is."), code="issuer_invalid", fields=faults
        )
    if find_issuer(session, slug) is not None:
        raise ConflictError(
            _("There is already an issuer called %(slug)s.", slug=slug), code="issuer_exists"
        )
    issuer = Issuer(
        **owner_of(organisation),
        id=uuid.uuid4(),
        slug=slug,
        did=issuer_did(badge_url, slug),
        name=name.strip(),
        url=url,
        email=email,
        description=description,
        created_at=now,
    )
    taken = ConflictError(
        _("The address “%(slug)s” has just been taken. Choose another word.", slug=slug),
        code="issuer_exists",
    )
    with unless_taken(session, taken):
        session.add(issuer)
    ring.create(session, issuer_ring(issuer.id), "Ed25519", now)
    ring.create(session, issuer_ring(issuer.id), "RS256", now)
    return issuer


def find_issuer(session: Session, slug: str) -> Issuer | None:
    """The issuer called `slug`, whoever owns it: issuers are public."""
    with unscoped(session, "issuers are public, and their slugs unique in the installation"):
        return session.scalar(select(Issuer).where(Issuer.slug == slug))


def issuer_by_slug(session: Session, slug: str) -> Issuer:
    """Like `find_issuer`; raises NotFoundError."""
    issuer = find_issuer(session, slug)
    if issuer is None:
        raise NotFoundError(_("There is no issuer at this address."), code="issuer_unknown")
    return issuer


def issuer_keys(session: Session, issuer: Issuer) -> list[SigningKey]:
    """The issuer's published keys, active ones first."""
    return published_keys(session, issuer_ring(issuer.id))


def issuer_document(session: Session, issuer: Issuer) -> dict[str, Any]:
    """The issuer's DID document, for `/issuers/<slug>/did.json`."""
    return did_document(issuer.did, issuer_keys(session, issuer))


def create(
    session: Session, issuer: Issuer, micro_credential: MicroCredential, now: datetime
) -> Achievement:
    """Make a micro-credential of `issuer` and publish its first version."""
    achievement = Achievement(
        **owner_like(issuer), id=uuid.uuid4(), issuer_id=issuer.id, created_at=now
    )
    achievement.issuer = issuer
    session.add(achievement)
    session.flush()
    publish(session, achievement, micro_credential, now)
    return achievement


def publish(
    session: Session, achievement: Achievement, micro_credential: MicroCredential, now: datetime
) -> AchievementVersion:
    """Publish the next version of `achievement`.

    Publishing the text that is current already returns the current version. Raises
    UnprocessableError as `MicroCredential.from_dict` does.
    """
    checked = MicroCredential.from_dict(micro_credential.to_dict())
    with unscoped(session, "one achievement, locked by its id"):
        # Two publications at once would otherwise claim the same number.
        achievement = session.scalars(
            select(Achievement)
            .where(Achievement.id == achievement.id)
            .with_for_update(of=Achievement)
        ).one()
        latest = session.scalar(
            select(AchievementVersion)
            .where(AchievementVersion.achievement_id == achievement.id)
            .order_by(AchievementVersion.number.desc())
            .limit(1)
        )
    if latest is not None and latest.sha256 == checked.sha256:
        return latest
    version = AchievementVersion(
        **owner_like(achievement),
        id=uuid.uuid4(),
        achievement_id=achievement.id,
        number=latest.number + 1 if latest else 1,
        document=checked.to_dict(),
        sha256=checked.sha256,
        published_at=now,
    )
    version.achievement = achievement
    session.add(version)
    session.flush()
    achievement.current_version_id = version.id
    session.flush()
    return version


def version(session: Session, version_id: uuid.UUID) -> AchievementVersion:
    """A published version. Raises NotFoundError."""
    found = session.scalar(select(AchievementVersion).where(AchievementVersion.id == version_id))
    return _found(found)


def current(session: Session, achievement_id: uuid.UUID) -> AchievementVersion:
    """The version of an achievement that people start today. Raises NotFoundError."""
    found = session.scalar(
        select(AchievementVersion)
        .join(Achievement, Achievement.current_version_id == AchievementVersion.id)
        .where(Achievement.id == achievement_id)
    )
    return _found(found)


def public_version(session: Session, version_id: uuid.UUID) -> AchievementVersion:
    """A published version for everybody, as a badge's address names it. Raises NotFoundError."""
    with unscoped(session, "what a badge says was earned is public"):
        return version(session, version_id)


def published(session: Session) -> list[AchievementVersion]:
    """The current version of every micro-credential in the session's scope, by publication."""
    return list(
        session.scalars(
            select(AchievementVersion)
            .join(Achievement, Achievement.current_version_id == AchievementVersion.id)
            .order_by(AchievementVersion.published_at, AchievementVersion.id)
        )
    )


def micro_credential(version: AchievementVersion) -> MicroCredential:
    """The version's document, read once per process; versions never change."""
    found = _parsed.get(version.sha256)
    if found is None:
        found = MicroCredential.from_dict(version.document)
        if len(_parsed) >= _PARSED_LIMIT:
            _parsed.clear()
        _parsed[version.sha256] = found
    return found


_PARSED_LIMIT = 512
_parsed: dict[str, MicroCredential] = {}


def _found(version: AchievementVersion | None) -> AchievementVersion:
    if version is None:
        raise NotFoundError(
            _("There is no micro-credential at this address."), code="achievement_unknown"
        )
    return version


def _issuer_faults(slug: str, name: str, url: str | None, email: str | None) -> dict[str, Any]:
    faults: dict[str, Any] = {}
    if not SLUG.fullmatch(slug):
        faults["slug"] = _("Use 1 to 80 small letters, digits and hyphens.")
    if not name.strip():
        faults["name"] = _("A name has 1 to 200 characters.")
    elif (fault := plain_text.line_fault(name, 200)) is not None:
        faults["name"] = fault
    if url is not None and not is_web_address(url):
        faults["url"] = _("This must be an address that begins with https://.")
    if email is not None and not EMAIL.fullmatch(email):
        faults["email"] = _("This does not look like an e-mail address.")
    return faults
