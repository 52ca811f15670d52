"""Recurring work of evidence: files that no piece of evidence names are removed.

A file is stored before its row is written and removed after its row is gone; a process that dies in
between leaves it behind.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Final

from sqlalchemy import select

from core.outbox import Job, Registry
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.evidence.models import EvidenceItem
from lti_tool.evidence.uploads import FOLDER

EVERY: Final = timedelta(hours=24)
# Longer than any upload takes from its first byte to its row.
KEPT: Final = timedelta(hours=24)
BATCH: Final = 1000
log = logging.getLogger("milepost.evidence")


def register_jobs(registry: Registry, runtime: Runtime) -> None:
    """Once a day, remove what uploads left behind."""

    def tidy(_job: Job) -> None:
        sweep(runtime)

    registry.every("evidence.tidy", EVERY, tidy)


def sweep(runtime: Runtime) -> int:
    """Remove files that are older than a day and that no row names; returns how many.

    A file gets its first name within minutes or never, so what is unnamed a day later stays so.
    """
    removed = 0
    for keys in _batches(runtime.files.older_than(FOLDER, runtime.now() - KEPT)):
        for key in keys - _named(runtime, keys):
            runtime.files.delete(key)
            removed += 1
    if removed:
        log.info("%d files that nothing named were removed", removed)
    return removed


def _named(runtime: Runtime, keys: set[str]) -> set[str]:
    found: set[str] = set()
    with (
        runtime.database.snapshot() as session,
        unscoped(session, "a file is looked for in everybody's evidence before it is removed"),
    ):
        for column in (EvidenceItem.file_key, EvidenceItem.preview_key):
            found |= {key for key in session.scalars(select(column).where(column.in_(keys))) if key}
    return found


def _batches(keys: Iterable[str]) -> Iterator[set[str]]:
    rest = iter(keys)
    while batch := set(islice(rest, BATCH)):
        yield batch
