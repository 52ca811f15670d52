"""What an export holds, read in batches so that any number of badges fits into little memory.

Only what is public already is read: a badge that its holder has not published is not looked at.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import undefer

from badges.achievements.models import AchievementVersion, Issuer
from badges.awards.models import Credential, StatusList
from badges.endorsements.models import Endorsement
from core.runtime import Runtime
from core.scope import unscoped

BATCH = 200
_WHY = "an export holds what the whole installation shows to everybody"


def credential_count(runtime: Runtime) -> int:
    """How many published credentials there are."""
    with runtime.database.snapshot() as session, unscoped(session, _WHY):
        statement = select(func.count()).select_from(Credential).where(*_published())
        return session.scalar(statement) or 0


def credentials(runtime: Runtime) -> Iterator[Credential]:
    """Every published credential with its signed forms, by id."""
    options = (undefer(Credential.document), undefer(Credential.jwt))
    statement = select(Credential).where(*_published()).options(*options)
    yield from _by_id(runtime, statement, Credential)


def versions(runtime: Runtime) -> Iterator[AchievementVersion]:
    """Every version of every achievement, by id: badges name the one that was earned."""
    yield from _by_id(runtime, select(AchievementVersion), AchievementVersion)


def issuers(runtime: Runtime) -> list[Issuer]:
    """Every issuer, by slug."""
    with runtime.database.snapshot() as session, unscoped(session, _WHY):
        return list(session.scalars(select(Issuer).order_by(Issuer.slug)))


def endorsements(runtime: Runtime) -> Iterator[Endorsement]:
    """Every endorsement that the endorsed side shows, with its signed forms, by id."""
    hidden = select(Credential.id).where(Credential.published_at.is_(None))
    options = (undefer(Endorsement.document), undefer(Endorsement.jwt))
    statement = (
        select(Endorsement)
        .where(
            Endorsement.answer == "shown",
            Endorsement.signed_at.is_not(None),
            or_(
                Endorsement.about_credential_id.is_(None),
                Endorsement.about_credential_id.not_in(hidden),
            ),
        )
        .options(*options)
    )
    yield from _by_id(runtime, statement, Endorsement)


def status_lists(runtime: Runtime) -> list[uuid.UUID]:
    """The id of every status list."""
    with runtime.database.snapshot() as session, unscoped(session, _WHY):
        return list(session.scalars(select(StatusList.id).order_by(StatusList.id)))


def _published() -> tuple[Any, ...]:
    return (Credential.published_at.is_not(None), Credential.document.is_not(None))


def _by_id(runtime: Runtime, statement: Any, model: Any) -> Iterator[Any]:
    last: uuid.UUID | None = None
    while True:
        page = statement.order_by(model.id).limit(BATCH)
        if last is not None:
            page = page.where(model.id > last)
        with runtime.database.snapshot() as session, unscoped(session, _WHY):
            batch = list(session.scalars(page).unique())
        yield from batch
        if len(batch) < BATCH:
            return
        last = batch[-1].id
