"""Evidence and images: a folder by default, object storage to scale, through fsspec.

A stored file is complete or absent: it is written under a temporary name and moved.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import fsspec
from flask_babel import lazy_gettext as _

from core.errors import NotFoundError, TooLargeError

CHUNK = 256 * 1024


@dataclass(frozen=True)
class StoredFile:
    """What is known of a stored file: where, its SHA-256 (hex), and its size in bytes."""

    key: str
    sha256: str
    size: int


class FileStore:
    """Files under one fsspec address, such as `file:///var/lib/milepost` or `s3://bucket/x`."""

    def __init__(self, url: str) -> None:
        self.filesystem, root = fsspec.core.url_to_fs(url, **_options(url))
        self.root = root.rstrip("/")

    def put(self, stream: IO[bytes], *, folder: str, max_bytes: int) -> StoredFile:
        """Store `stream` under a new key; TooLargeError past `max_bytes`, nothing kept."""
        return self._write(f"{folder}/{uuid.uuid4().hex}", stream, max_bytes)

    def keep(self, data: bytes, *, folder: str) -> StoredFile:
        """Store `data` under its SHA-256, as `kept_key` names it: the same bytes are one file."""
        key = self.kept_key(folder, hashlib.sha256(data).hexdigest())
        return self._write(key, io.BytesIO(data), len(data))

    @staticmethod
    def kept_key(folder: str, sha256: str) -> str:
        """Where `keep` puts the bytes with this SHA-256."""
        return f"{folder}/{sha256}"

    def _write(self, key: str, stream: IO[bytes], max_bytes: int) -> StoredFile:
        target, partial = self._path(key), f"{self._path(key)}.{uuid.uuid4().hex[:8]}.part"
        self.filesystem.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        digest, size = hashlib.sha256(), 0
        try:
            with self.filesystem.open(partial, "wb") as out:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > max_bytes:
                        raise TooLargeError(
                            _("This file is too large."),
                            details={"limit": max_bytes},
                            code="file_too_large",
                        )
                    digest.update(chunk)
                    out.write(chunk)
            self.filesystem.mv(partial, target)
        except BaseException:
            if self.filesystem.exists(partial):
                self.filesystem.rm_file(partial)
            raise
        return StoredFile(key, digest.hexdigest(), size)

    def open(self, key: str) -> IO[bytes]:
        """A readable, seekable stream. Raises NotFoundError."""
        try:
            stream: IO[bytes] = self.filesystem.open(self._path(key), "rb")
        except FileNotFoundError:
            raise NotFoundError(_("This file is no longer here."), code="file_missing") from None
        return stream

    def chunks(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start`, piece by piece."""
        with self.open(key) as stream:
            stream.seek(start)
            while length > 0 and (chunk := stream.read(min(CHUNK, length))):
                length -= len(chunk)
                yield chunk

    def delete(self, key: str) -> None:
        """Remove the file; no error if it is gone already."""
        try:
            self.filesystem.rm_file(self._path(key))
        except FileNotFoundError:
            return

    def older_than(self, folder: str, moment: datetime) -> Iterator[str]:
        """Keys of everything below `folder` that was written before `moment` (aware).

        What an upload left behind when its process died under way is among them.
        """
        for place, _folders, names in self.filesystem.walk(self._path(folder)):
            for name in names:
                path = f"{place}/{name}"
                try:
                    written = self.filesystem.modified(path)
                except FileNotFoundError:  # somebody removed it meanwhile
                    continue
                if written < moment:
                    yield path.removeprefix(f"{self.root}/")

    def check(self) -> None:
        """Write and remove a small file; raises OSError where the place cannot be used."""
        probe = self._path(f".probe-{uuid.uuid4().hex}")
        self.filesystem.makedirs(self.root, exist_ok=True)
        with self.filesystem.open(probe, "wb") as out:
            out.write(b"ok")
        self.filesystem.rm_file(probe)

    def _path(self, key: str) -> str:
        if ".." in key.split("/") or key.startswith("/"):
            raise ValueError("not a key of this store")
        return f"{self.root}/{key}"


def _options(url: str) -> dict[str, Any]:
    return {"auto_mkdir": True} if url.startswith("file:") else {}
