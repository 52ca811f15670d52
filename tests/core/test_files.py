"""Stored files by their age."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.files import FileStore

NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


def put(store: FileStore, folder: str, written: datetime) -> str:
    key = store.put(io.BytesIO(b"x"), folder=folder, max_bytes=9).key
    os.utime(Path(store.root) / key, (written.timestamp(), written.timestamp()))
    return key


def test_files_older_than_a_moment_are_found_in_their_folder_alone(tmp_path: Path) -> None:
    store = FileStore(f"file://{tmp_path}")
    old = put(store, "evidence/a", NOW - timedelta(seconds=1))
    older = put(store, "evidence/b/c", NOW - timedelta(days=3))
    put(store, "evidence/a", NOW)
    put(store, "images", NOW - timedelta(days=3))
    assert set(store.older_than("evidence", NOW)) == {old, older}


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert list(FileStore(f"file://{tmp_path}").older_than("evidence", NOW)) == []


def test_what_is_removed_while_it_is_looked_for_is_passed_over(tmp_path: Path) -> None:
    store = FileStore(f"file://{tmp_path}")
    keys = [put(store, "evidence", NOW - timedelta(days=1)) for _n in range(3)]
    found = store.older_than("evidence", NOW)
    first = next(found)
    for key in keys:
        store.delete(key)
    assert list(found) == []
    assert first in keys


def test_the_same_bytes_are_kept_once_under_their_digest(tmp_path: Path) -> None:
    store = FileStore(f"file://{tmp_path}")
    one, other = store.keep(b"x", folder="pictures"), store.keep(b"x", folder="pictures")
    assert one == other
    assert one.key == FileStore.kept_key("pictures", one.sha256)
    with store.open(one.key) as stream:
        assert stream.read() == b"x"
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [one.sha256]
