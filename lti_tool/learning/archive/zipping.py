"""A ZIP archive as a stream: written piece by piece, never whole in memory or on a disk."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final, cast

from core.errors import NotFoundError

_PACKED: Final = (".json", ".jwt", ".svg", ".txt")
_TWO_GIGABYTES: Final = 2 * 1024**3 - 1


@dataclass(frozen=True)
class Entry:
    """One file of an archive. `make` gives its content when its turn comes.

    `size` in bytes is needed only where it may pass two gigabytes.
    """

    path: str
    make: Callable[[], Iterable[bytes]]
    changed_at: datetime
    size: int = 0

    @classmethod
    def of(cls, path: str, data: bytes | str, changed_at: datetime) -> Entry:
        """An entry whose content is at hand."""
        content = data.encode() if isinstance(data, str) else data
        return cls(path, lambda: (content,), changed_at)


class _Outlet:
    """What `zipfile` writes into: bytes wait here until they are sent. It cannot go back."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        """Take some bytes."""
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing to do: what waits is fetched."""

    def take(self) -> bytes:
        """All that waits."""
        found, self._waiting = b"".join(self._waiting), []
        return found


def stream(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The archive's bytes. A file that is gone from the store leaves a note in its place."""
    outlet = _Outlet()
    with zipfile.ZipFile(cast(IO[bytes], outlet), "w") as archive:
        for entry in entries:
            yield from _entry(archive, outlet, entry)
    yield outlet.take()


def _entry(archive: zipfile.ZipFile, outlet: _Outlet, entry: Entry) -> Iterator[bytes]:
    path = entry.path
    try:
        pieces = iter(entry.make())
        first = next(pieces, b"")
    except NotFoundError:
        path, pieces = f"{path}.missing.txt", iter(())
        first = b"This file is no longer in the store.\n"
    info = zipfile.ZipInfo(path, _moment(entry.changed_at))
    info.compress_type = (
        zipfile.ZIP_DEFLATED if path.lower().endswith(_PACKED) else zipfile.ZIP_STORED
    )
    info.external_attr = 0o644 << 16
    with archive.open(info, "w", force_zip64=entry.size > _TWO_GIGABYTES) as target:
        target.write(first)
        yield outlet.take()
        for piece in pieces:
            target.write(piece)
            yield outlet.take()


def _moment(at: datetime) -> tuple[int, int, int, int, int, int]:
    # ZIP knows no year before 1980.
    return (max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second)
