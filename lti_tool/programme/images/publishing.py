"""A badge's picture becomes the next version's, an issuer's logo its profile's."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import issuers as profiles
from badges.achievements import service as achievements
from badges.achievements.document import ImageChoice
from badges.achievements.images import Picture
from badges.achievements.models import Achievement, AchievementVersion, Issuer
from core import audit
from core.errors import ConflictError


def publish_image(
    session: Session,
    achievement_id: uuid.UUID,
    choice: ImageChoice,
    *,
    seen: uuid.UUID | None,
    actor_id: uuid.UUID,
    now: datetime,
) -> AchievementVersion | None:
    """Publish the next version, which differs in its picture alone; None if it does not differ.

    `seen` is the version that was current when the page was opened: ConflictError if another one
    is now. Raises UnprocessableError as `MicroCredential.from_dict` does.
    """
    # Locked before it is read: what somebody else publishes meanwhile must not be undone.
    session.scalar(
        select(Achievement.id)
        .where(Achievement.id == achievement_id)
        .with_for_update(of=Achievement)
    )
    current = achievements.current(session, achievement_id)
    if current.id != seen:
        raise ConflictError(
            _(
                "Somebody has published another version since you opened this page, so nothing was"
                " published. Look at it once more, then publish again."
            ),
            code="version_changed",
        )
    made = replace(achievements.micro_credential(current), image=choice)
    version = achievements.publish(session, current.achievement, made, now)
    if version.id == current.id:
        return None
    audit.record(
        session,
        owner=version,
        actor_id=actor_id,
        action="micro_credential.published",
        subject=version,
        now=now,
        details={"number": version.number, "fields": ["image"]},
    )
    return version


def set_logo(
    session: Session,
    issuer_id: uuid.UUID,
    picture: Picture | None,
    *,
    actor_id: uuid.UUID,
    now: datetime,
) -> Issuer:
    """Give an issuer its logo, or take it away. Raises NotFoundError."""
    issuer = profiles.find(session, issuer_id, lock=True)
    digest = picture.sha256 if picture else None
    if issuer.image != digest:
        issuer.image = digest
        issuer.image_type = picture.media_type if picture else None
        session.flush()
        audit.record(
            session,
            owner=issuer,
            actor_id=actor_id,
            action="issuer.changed",
            subject=issuer,
            now=now,
            details={"fields": ["image"]},
        )
    return issuer
