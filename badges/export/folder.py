"""A folder that is replaced as a whole: written beside the old one, then put in its place.

An interrupted run leaves the old export as it was. Only a folder that carries our marker, or an
empty one, is ever replaced.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from core.errors import ConflictError

MARKER = ".milepost-export.json"
SUMS = "SHA256SUMS"
FORMAT = 1
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class ForeignFolderError(ConflictError):
    """The folder holds what no export of ours wrote, or cannot be replaced."""

    default_code = "export_folder"


class ExportFolder:
    """One run's folder: `write` files, then `finish`; without it nothing has happened.

    Args:
        target: where the export shall stand. Missing, empty, or an earlier export.
        ours: the names that an export puts at its top.
    """

    def __init__(self, target: Path, ours: frozenset[str]) -> None:
        self.target = target.expanduser().resolve()
        beside = self.target.parent
        self._new = beside / f".{self.target.name}.milepost-new"
        self._old = beside / f".{self.target.name}.milepost-old"
        self._lock_path = beside / f".{self.target.name}.milepost-lock"
        self._ours = ours | {MARKER, SUMS}
        self._lock: TextIO | None = None
        self._sums: TextIO | None = None
        self.files = 0
        self.bytes = 0
        self.changed = 0

    def __enter__(self) -> ExportFolder:
        """Take the folder for this run. Raises ForeignFolderError, or OSError from the disk."""
        if self.target == self.target.parent:
            raise ForeignFolderError("The root of the file system cannot be an export.")
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._lock = self._lock_path.open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise ForeignFolderError(f"Another export to {self.target} is under way.") from error
        try:
            self._recover()
            self._check()
            self._new.mkdir()
            self._sums = (self._new / SUMS).open("w", encoding="utf-8", newline="\n")
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take back what was not finished."""
        if self._sums is not None:
            self._sums.close()
        shutil.rmtree(self._new, ignore_errors=True)
        self._release()

    def write(self, path: str, data: bytes) -> None:
        """Write one file; a file that has not changed keeps the time of the earlier export."""
        place = self._new / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        self._note(path, data)
        if not self._keep_time(self.target / path, place, data):
            self.changed += 1

    def finish(self, about: Mapping[str, Any]) -> None:
        """Mark the folder as ours, with `about`, and put it in the place of the old one."""
        assert self._sums is not None  # noqa: S101 - inside the context by construction
        self._sums.close()
        document = {"milepost_export": FORMAT, **about}
        (self._new / MARKER).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        os.sync()  # the names must not reach the disk before what they name
        if not self.target.exists():
            self._new.rename(self.target)
        elif not _exchange(self._new, self.target):
            self.target.rename(self._old)
            self._new.rename(self.target)
        shutil.rmtree(self._old, ignore_errors=True)

    def _note(self, path: str, data: bytes) -> None:
        assert self._sums is not None  # noqa: S101 - inside the context by construction
        self._sums.write(f"{hashlib.sha256(data).hexdigest()}  {path}\n")
        self.files += 1
        self.bytes += len(data)

    @staticmethod
    def _keep_time(old: Path, new: Path, data: bytes) -> bool:
        with contextlib.suppress(OSError):
            known = old.stat()
            if known.st_size == len(data) and old.read_bytes() == data:
                os.utime(new, ns=(known.st_atime_ns, known.st_mtime_ns))
                return True
        return False

    def _recover(self) -> None:
        """Undo what a run left that was ended between two names."""
        if self._old.exists() and not self.target.exists():
            self._old.rename(self.target)
        for left in (self._new, self._old):
            if left.exists():
                shutil.rmtree(left)

    def _check(self) -> None:
        if not self.target.exists():
            return
        if not self.target.is_dir():
            raise ForeignFolderError(f"{self.target} is a file; name a folder.")
        present = {entry.name for entry in os.scandir(self.target)}
        if not present:
            return
        if not self._marked():
            raise ForeignFolderError(
                f"{self.target} holds files that no export wrote. Name an empty folder, or one"
                " that an earlier export made."
            )
        if strangers := sorted(present - self._ours):
            raise ForeignFolderError(
                f"{self.target} is an export, but something was added to it:"
                f" {', '.join(strangers[:5])}. Exporting again would remove it; move it elsewhere"
                " first."
            )

    def _marked(self) -> bool:
        try:
            document = json.loads((self.target / MARKER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(document, dict) and document.get("milepost_export") == FORMAT

    def _release(self) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._lock_path.unlink()
            self._lock.close()


def _exchange(new: Path, old: Path) -> bool:
    """Swap two folders in one step, where the system can (Linux's renameat2)."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    names = (os.fsencode(new), os.fsencode(old))
    done = call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    return bool(done == 0)
