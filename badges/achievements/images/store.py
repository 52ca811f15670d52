"""What was rasterised is kept, by a hash of everything that decides its pixels.

A small part in memory, all of it in a folder that may be emptied at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from badges.achievements.images import pictures
from badges.achievements.images.raster import render_png, renderer_id
from core.files import FileStore

_IN_MEMORY = 64
_OWN_IN_MEMORY = 32


class ImageStore:
    """PNGs by content. One per process; safe to share between threads."""

    def __init__(self, folder: Path, files: FileStore | None = None) -> None:
        self.folder = folder
        self.files = files
        self._own: OrderedDict[str, str] = OrderedDict()
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def png(self, svg: str, size: int) -> bytes:
        """`render_png(svg, size)`, drawn once."""
        return self.kept(f"{renderer_id()}\0{size}\0{svg}", lambda: render_png(svg, size))

    def kept(self, what: str, make: Callable[[], bytes]) -> bytes:
        """The bytes that `make` gives for `what`, made once; `what` must decide them wholly."""
        key = hashlib.sha256(what.encode()).hexdigest()
        with self._lock:
            found = self._recent.get(key)
            if found is not None:
                self._recent.move_to_end(key)
                return found
        path = self.folder / key[:2] / key
        try:
            data = path.read_bytes()
        except OSError:
            data = make()
            self._write(path, data)
        with self._lock:
            self._recent[key] = data
            while len(self._recent) > _IN_MEMORY:
                self._recent.popitem(last=False)
        return data

    def own(self, digest: str) -> str | None:
        """The picture of one's own with this SHA-256, as SVG; None where its file is gone."""
        with self._lock:
            found = self._own.get(digest)
            if found is not None:
                self._own.move_to_end(digest)
                return found
        picture = self.picture(digest)
        if picture is None:
            return None
        drawn = picture.as_svg()
        with self._lock:
            self._own[digest] = drawn
            while len(self._own) > _OWN_IN_MEMORY:
                self._own.popitem(last=False)
        return drawn

    def picture(self, digest: str) -> pictures.Picture | None:
        """The picture of one's own with this SHA-256 as it is kept; None where it is gone."""
        return pictures.find(self.files, digest) if self.files is not None else None

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        # A folder that cannot be written costs time on the next request, and nothing else.
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            Path(partial).replace(path)
