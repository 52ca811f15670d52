"""Files that nothing names are removed after a day; named ones never."""

from __future__ import annotations

import io
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.outbox import Registry
from core.runtime import Runtime
from lti_tool.evidence import drafts, jobs, uploads
from lti_tool.evidence.models import EvidenceItem
from lti_tool.evidence.uploads import ReceivedFile
from tests.lti_tool.review.world import NOW, World, make_world, png


@pytest.fixture
def world(any_runtime: Runtime) -> World:
    any_runtime.clock = lambda: NOW
    return make_world(any_runtime)


def store(world: World, side: int) -> ReceivedFile:
    """An upload whose process dies before it is attached."""
    return uploads.receive(
        world.runtime.files, io.BytesIO(png(side)), f"{side}.png",
        folder=world.organisation.id, max_bytes=10**6,
    )  # fmt: skip


def age(world: World, when: datetime, *names: str) -> None:
    """Everything stored, or these files alone, was last written at `when`."""
    root = Path(world.runtime.files.root)
    for path in root.rglob("*"):
        if path.is_file() and (not names or path.name in names):
            os.utime(path, (when.timestamp(), when.timestamp()))


def left(world: World) -> set[str]:
    root = Path(world.runtime.files.root)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_what_no_piece_names_goes_after_a_day_and_what_one_names_stays(world: World) -> None:
    draft = world.draft("Wren")
    kept, lost, young = store(world, 4), store(world, 5), store(world, 6)
    with world.write() as session:
        drafts.add_file(session, draft.id, world.people["Wren"].id, "plan", kept, NOW)
    partial = Path(world.runtime.files.root) / f"{lost.key}.part"
    partial.write_bytes(b"half")
    age(world, NOW - timedelta(hours=25))
    for key in (young.key, young.preview_key):
        age(world, NOW - timedelta(hours=23), str(key).rsplit("/", 1)[1])
    assert jobs.sweep(world.runtime) == 3
    assert left(world) == {kept.key, kept.preview_key, young.key, young.preview_key}
    assert jobs.sweep(world.runtime) == 0


def test_a_file_whose_piece_was_removed_goes_too(world: World) -> None:
    draft = world.draft("Wren")
    me, received = world.people["Wren"].id, store(world, 4)
    with world.write() as session:
        drafts.add_file(session, draft.id, me, "plan", received, NOW)
    with world.write() as session:  # and the process dies before the files go
        item = session.scalars(select(EvidenceItem).where(EvidenceItem.file_key.is_not(None))).one()
        drafts.remove_item(session, draft.id, me, item.id)
    age(world, NOW - timedelta(days=2))
    assert jobs.sweep(world.runtime) == 2
    assert left(world) == set()


def test_many_files_are_looked_up_in_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 3)
    for side in range(4, 9):
        store(world, side)
    age(world, NOW - timedelta(days=2))
    assert jobs.sweep(world.runtime) == 10


def test_it_recurs(runtime: Runtime) -> None:
    registry = Registry()
    jobs.register_jobs(registry, runtime)
    assert registry.recurring == {"evidence.tidy": timedelta(days=1)}
