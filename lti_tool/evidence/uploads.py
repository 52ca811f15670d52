"""Receiving a file: named, sniffed, stored whole or not at all, drawn anew if it is an image."""

from __future__ import annotations

import io
import re
import uuid
from dataclasses import dataclass
from typing import IO, Final

from flask_babel import lazy_gettext as _

from core.errors import UnprocessableError
from core.files import FileStore
from lti_tool.evidence import images, sniff

FOLDER: Final = "evidence"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class ReceivedFile:
    """A stored upload. `size` in bytes; `preview_key` where it is an image that can be shown.

    `scan_state` is not_scanned: no malware scanner is connected, and nobody is told otherwise.
    """

    key: str
    name: str
    media_type: str
    sha256: str
    size: int
    preview_key: str | None = None
    preview_type: str | None = None
    scan_state: str = "not_scanned"


def receive(
    files: FileStore,
    stream: IO[bytes],
    name: str,
    *,
    folder: uuid.UUID,
    max_bytes: int,
    hides_author: bool = True,
) -> ReceivedFile:
    """Check and store what `stream` (seekable) holds under the learner's file `name`.

    Where reviewers may not know the author (`hides_author`), a picture that cannot be drawn anew
    without its metadata is not taken. Raises UnprocessableError when its content is not an accepted
    type, or not what its name says, and TooLargeError over `max_bytes`. Nothing is kept in either
    case. Takes no transaction.
    """
    shown = file_name(name)
    kind = sniff.sniff(stream)
    if kind is None:
        raise UnprocessableError(_refusal(shown, stream), code="file_type_refused")
    if not sniff.fits(shown, kind):
        raise UnprocessableError(
            _(
                "“%(name)s” is not what its name says: inside it is %(type)s. Save it again under"
                " the right ending, or export it from the program that made it.",
                name=shown,
                type=describe(kind),
            ),
            code="file_type_mismatch",
        )
    if hides_author and sniff.tells_author(kind):
        raise UnprocessableError(_tells_who(shown), code="picture_tells_author")
    drawn = _preview(stream, shown, kind)
    stored = files.put(stream, folder=f"{FOLDER}/{folder.hex}", max_bytes=max_bytes)
    preview_key = None
    if drawn is not None:
        try:
            preview_key = files.put(
                io.BytesIO(drawn.data), folder=f"{FOLDER}/{folder.hex}", max_bytes=max_bytes * 4
            ).key
        except BaseException:
            files.delete(stored.key)
            raise
    return ReceivedFile(
        key=stored.key,
        name=shown,
        media_type=kind.media_type,
        sha256=stored.sha256,
        size=stored.size,
        preview_key=preview_key,
        preview_type=drawn.media_type if drawn else None,
    )


def discard(files: FileStore, received: ReceivedFile) -> None:
    """Remove a stored upload that could not be attached."""
    for key in (received.key, received.preview_key):
        if key:
            files.delete(key)


def file_name(name: str) -> str:
    """The last part of the browser's file name, fit to be shown: at most 200 characters."""
    last = _UNSAFE.sub("", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .")
    if not last:
        return "file"
    if len(last) <= 200:
        return last
    end = sniff.ending(last)[:10]
    return f"{last[: 199 - len(end)]}.{end}" if end else last[:200]


def describe(kind: sniff.FileType) -> str:
    """How a type is called in a sentence: its usual ending, such as "PDF"."""
    return kind.endings[0].upper()


def _tells_who(name: str) -> object:
    return _(
        "“%(name)s” may carry your name, or where and when it was taken, and your reviewers are not"
        " to know who you are. Save it as JPEG or PNG and add that: what it carries is taken out.",
        name=name,
    )


def _refusal(name: str, stream: IO[bytes]) -> object:
    if not stream.read(1):
        return _("“%(name)s” is empty. Choose it once more, or another file.", name=name)
    stream.seek(0)
    return _(
        "“%(name)s” is not a kind of file that can be taken. Images, video, sound, PDF, office"
        " documents and plain text can; or add a link instead.",
        name=name,
    )


def _preview(stream: IO[bytes], name: str, kind: sniff.FileType) -> images.Preview | None:
    if kind.show != "image":
        return None
    try:
        return images.preview(stream)
    except images.TooManyPixelsError as exc:
        raise UnprocessableError(
            _(
                "“%(name)s” has %(count)s million pixels; at most %(limit)s million can be taken."
                " Save it at a smaller size, then add it.",
                name=name,
                count=-(-exc.pixels // 1_000_000),
                limit=exc.limit // 1_000_000,
            ),
            code="image_too_large",
        ) from None
    except images.UnreadableImageError:
        raise UnprocessableError(
            _(
                "“%(name)s” looks like an image but cannot be opened as one. It may be damaged."
                " Save it again, or choose another.",
                name=name,
            ),
            code="image_unreadable",
        ) from None
    finally:
        stream.seek(0)
