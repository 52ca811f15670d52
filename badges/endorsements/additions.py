"""What stands in a new document beside what its issuer says there: others' words, and its terms.

Only endorsements that the endorsed side shows, that are signed, and that hold at the moment.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, undefer

from badges.achievements.addresses import terms_url
from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.terms import in_force
from badges.endorsements.models import Endorsement
from core.scope import unscoped

# In each of three places, so that no more stand in a badge than our own verifier examines.
MOST: Final = 3

Signed = Mapping[str, Any]
_PUBLIC = "what the endorsed side shows is public"


@dataclass(frozen=True)
class Additions:
    """Signed endorsements of the issuer and of the achievement, and the terms' address."""

    issuer: tuple[Signed, ...] = ()
    achievement: tuple[Signed, ...] = ()
    terms: str | None = None


NONE: Final = Additions()


def additions(
    session: Session, version: AchievementVersion, badge_url: str, now: datetime
) -> Additions:
    """What a new credential of `version` carries."""
    issuer = version.achievement.issuer
    terms = in_force(session, issuer.id)
    return Additions(
        of_issuer(session, issuer, now),
        of_achievement(session, version, now),
        terms_url(badge_url, issuer.slug, terms.number) if terms else None,
    )


def of_issuer(session: Session, issuer: Issuer, now: datetime) -> tuple[Signed, ...]:
    """The endorsements of an issuer, the latest first."""
    return _signed(session, Endorsement.about_issuer_id == issuer.id, now)


def of_achievement(
    session: Session, version: AchievementVersion, now: datetime
) -> tuple[Signed, ...]:
    """The endorsements of one version of an achievement, the latest first."""
    return _signed(session, Endorsement.about_version_id == version.id, now)


def of_credential(session: Session, credential_id: uuid.UUID, now: datetime) -> tuple[Signed, ...]:
    """The endorsements of a credential, the latest first."""
    return _signed(session, Endorsement.about_credential_id == credential_id, now)


def shown(session: Session, about: ColumnElement[bool], now: datetime) -> list[Endorsement]:
    """The endorsements that may be shown now, the latest first."""
    with unscoped(session, _PUBLIC):
        return list(
            session.scalars(
                select(Endorsement)
                .where(
                    about,
                    Endorsement.answer == "shown",
                    Endorsement.signed_at.is_not(None),
                    Endorsement.revoked_at.is_(None),
                    or_(Endorsement.valid_until.is_(None), Endorsement.valid_until > now),
                )
                .options(undefer(Endorsement.document))
                .order_by(Endorsement.made_at.desc(), Endorsement.id)
                .limit(MOST)
            )
        )


def signed_now(session: Session, ids: Iterable[str]) -> dict[str, Signed]:
    """Endorsements of ours as they are signed now, by their id, which is their address."""
    wanted: dict[uuid.UUID, str] = {}
    for one in ids:
        with suppress(ValueError):
            wanted[uuid.UUID(one.rsplit("/", 1)[-1])] = one
    if not wanted:
        return {}
    with unscoped(session, _PUBLIC):
        found = session.execute(
            select(Endorsement.id, Endorsement.document).where(
                Endorsement.id.in_(list(wanted)), Endorsement.document.is_not(None)
            )
        ).all()
    return {wanted[one]: json.loads(document or "{}") for one, document in found}


def _signed(session: Session, about: ColumnElement[bool], now: datetime) -> tuple[Signed, ...]:
    return tuple(json.loads(one.document or "{}") for one in shown(session, about, now))
