"""A badge's picture becomes the next version's."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.document import ImageChoice
from badges.achievements.models import Achievement, AchievementVersion
from core.errors import ConflictError
from lti_tool.programme.catalogue.drafts import note_published


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
    note_published(session, version, actor_id, now, fields=["image"])
    return version
