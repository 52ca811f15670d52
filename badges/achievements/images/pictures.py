"""Pictures of one's own: a badge's image or an issuer's logo, already clean, kept by their SHA-256.

What is here has been through `uploads.receive`; nothing else writes into this folder.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from core.errors import NotFoundError
from core.files import FileStore

FOLDER: Final = "pictures"
PNG: Final = "image/png"
SVG: Final = "image/svg+xml"
SIDE: Final = 600
_PNG_MARK: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """A clean picture: its bytes and media type (`PNG` or `SVG`)."""

    data: bytes
    media_type: str

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the bytes, in hexadecimal: the name it is kept under."""
        return hashlib.sha256(self.data).hexdigest()

    def as_svg(self) -> str:
        """The picture as an SVG of 600 by 600; a PNG stands inside it."""
        if self.media_type == SVG:
            return self.data.decode()
        inside = base64.b64encode(self.data).decode()
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}"'
            f' width="{SIDE}" height="{SIDE}"><image width="{SIDE}" height="{SIDE}"'
            f' href="data:{PNG};base64,{inside}"/></svg>'
        )


def keep(files: FileStore, picture: Picture) -> str:
    """Store a clean picture; returns the SHA-256 that it is found by."""
    return files.keep(picture.data, folder=FOLDER).sha256


def find(files: FileStore, digest: str) -> Picture | None:
    """The picture with this SHA-256, or None."""
    try:
        with files.open(FileStore.kept_key(FOLDER, digest)) as stream:
            data = stream.read()
    except NotFoundError:
        return None
    return Picture(data, PNG if data.startswith(_PNG_MARK) else SVG)
