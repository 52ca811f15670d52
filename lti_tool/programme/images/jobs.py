"""Recurring work of pictures: those that were looked at and never used are removed.

A picture is stored when it is brought and named when it is published; it is kept under its own
SHA-256, so bringing it again makes it young again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, select

from badges.achievements.images.pictures import FOLDER
from badges.achievements.models import AchievementVersion, Issuer
from core.outbox import Job, Registry
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.programme.catalogue.models import CredentialDraft

EVERY: Final = timedelta(hours=24)
KEPT: Final = timedelta(hours=24)
log = logging.getLogger("milepost.images")


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Once a day, remove the pictures that nothing names."""

    def tidy(_job: Job) -> None:
        sweep(runtime)

    registry.every("images.tidy", EVERY, tidy)


def sweep(runtime: Runtime) -> int:
    """Remove pictures that are older than a day and that nothing names; returns how many."""
    removed = 0
    for key in list(runtime.files.older_than(FOLDER, runtime.now() - KEPT)):
        if not _named(runtime, key.rsplit("/", 1)[-1]):
            runtime.files.delete(key)
            removed += 1
    if removed:
        log.info("%d pictures that nothing named were removed", removed)
    return removed


def _named(runtime: Runtime, digest: str) -> bool:
    """Whether a version, a draft or an issuer names the picture, whoever owns it."""
    places: Iterable[tuple[Any, ColumnElement[bool]]] = (
        (Issuer.id, Issuer.image == digest),
        (AchievementVersion.id, _upload(AchievementVersion.document) == digest),
        (CredentialDraft.id, _upload(CredentialDraft.content) == digest),
    )
    with (
        runtime.database.snapshot() as session,
        unscoped(session, "a picture is looked for everywhere before it is removed"),
    ):
        return any(
            session.scalar(select(column).where(condition).limit(1)) is not None
            for column, condition in places
        )


def _upload(document: Any) -> Any:
    return document["image"]["upload"].as_string()
