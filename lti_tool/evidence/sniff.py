"""What a file is, by its content: a short list of accepted types, each with its marks. Pure.

A list of our own rather than a general detector: only what is accepted needs recognising, archives
are told apart without unpacking them, and nothing is ever guessed from the name alone.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

HEAD: Final = 64 * 1024
OPAQUE: Final = "application/octet-stream"


@dataclass(frozen=True)
class FileType:
    """An accepted type: its media type, the endings it may have, and how it is shown.

    `show` is image, video or audio where it may stand in the page, else download.
    """

    media_type: str
    endings: tuple[str, ...]
    show: str = "download"


_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_MS = ("doc", "xls", "ppt", "dot", "msg")

PNG = FileType("image/png", ("png",), "image")
JPEG = FileType("image/jpeg", ("jpg", "jpeg", "jpe", "jfif"), "image")
GIF = FileType("image/gif", ("gif",), "image")
WEBP = FileType("image/webp", ("webp",), "image")
HEIC = FileType("image/heic", ("heic", "heif"))
MP4 = FileType("video/mp4", ("mp4", "m4v"), "video")
MOV = FileType("video/quicktime", ("mov", "qt"), "video")
WEBM = FileType("video/webm", ("webm",), "video")
M4A = FileType("audio/mp4", ("m4a", "m4b", "mp4"), "audio")
MP3 = FileType("audio/mpeg", ("mp3",), "audio")
WAV = FileType("audio/wav", ("wav",), "audio")
OGG = FileType("audio/ogg", ("ogg", "oga", "opus"), "audio")
PDF = FileType("application/pdf", ("pdf",))
RTF = FileType("application/rtf", ("rtf",))
OLE = FileType("application/x-ole-storage", _MS)
ZIP = FileType("application/zip", ("zip", "pages", "key", "numbers"))
HTML = FileType("text/html", ("html", "htm"))
SVG = FileType("image/svg+xml", ("svg",))
TEXT = FileType("text/plain", ("txt", "md", "csv", "tsv", "vtt", "srt"))
DOCX = FileType(_OFFICE + "wordprocessingml.document", ("docx",))
PPTX = FileType(_OFFICE + "presentationml.presentation", ("pptx",))
XLSX = FileType(_OFFICE + "spreadsheetml.sheet", ("xlsx",))
ODT = FileType(_OPEN + "text", ("odt",))
ODP = FileType(_OPEN + "presentation", ("odp",))
ODS = FileType(_OPEN + "spreadsheet", ("ods",))

TYPES: Final = (
    PNG, JPEG, GIF, WEBP, HEIC, MP4, MOV, WEBM, M4A, MP3, WAV, OGG, PDF, RTF, OLE, ZIP, HTML, SVG,
    TEXT, DOCX, PPTX, XLSX, ODT, ODP, ODS,
)  # fmt: skip
_BY_MEDIA_TYPE: Final = {one.media_type: one for one in TYPES}

_MARKS: Final[Sequence[tuple[bytes, FileType]]] = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"%PDF-", PDF),
    (b"{\\rtf", RTF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"ID3", MP3),
    (b"OggS", OGG),
)
_BRANDS: Final = {b"qt  ": MOV, b"M4A ": M4A, b"M4B ": M4A}
_HEIC_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")
_VIDEO_BRANDS: Final = (b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42",
                        b"avc1", b"M4V ", b"M4VH", b"M4VP", b"dash", b"MSNV", b"3gp4", b"3gp5",
                        b"3gp6")  # fmt: skip
_OFFICE_FOLDERS: Final = (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX))
_HTML_MARK = re.compile(
    rb"^\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|script|iframe)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SVG_MARK = re.compile(rb"<(\w+:)?svg\b", re.IGNORECASE)


def by_media_type(media_type: str | None) -> FileType | None:
    """The accepted type with this media type."""
    return _BY_MEDIA_TYPE.get(media_type or "")


def sniff(stream: IO[bytes]) -> FileType | None:
    """The type of what `stream` (seekable, at its beginning) holds; None if it is not accepted.

    The stream is left at its beginning.
    """
    head = stream.read(HEAD)
    stream.seek(0)
    for mark, kind in _MARKS:
        if head.startswith(mark):
            return kind
    if head[:4] == b"RIFF" and len(head) >= 12:
        return {b"WEBP": WEBP, b"WAVE": WAV}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _brand(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return WEBM if b"webm" in head[:64] else None
    if head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"):
        return MP3
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(stream)
    return _text(stream, head)


def ending(name: str) -> str:
    """The part of a file's name after the last dot, in lower case; empty without one."""
    return name.rsplit(".", 1)[1].strip().lower() if "." in name else ""


def fits(name: str, kind: FileType) -> bool:
    """Whether the name's ending is one that files of this type have."""
    return ending(name) in kind.endings


def is_picture(media_type: str | None) -> bool:
    """Whether files of this type are pictures, which carry who made them where and when."""
    return (media_type or "").startswith("image/")


def tells_author(kind: FileType) -> bool:
    """Whether it is a picture that cannot be drawn anew, so that what it carries stays in it."""
    return is_picture(kind.media_type) and kind.show != "image"


def accepted_endings(*, hides_author: bool) -> str:
    """The endings that may be chosen, for a file input's `accept`.

    Telephones turn HEIC into JPEG by themselves where it is not among them.
    """
    kinds = [kind for kind in TYPES if not (hides_author and tells_author(kind))]
    return ",".join(sorted({f".{one}" for kind in kinds for one in kind.endings}))


def _brand(head: bytes) -> FileType | None:
    brand = head[8:12]
    if brand in _HEIC_BRANDS:
        return HEIC
    if brand in _BRANDS:
        return _BRANDS[brand]
    return MP4 if brand in _VIDEO_BRANDS else None


def _archive(stream: IO[bytes]) -> FileType | None:
    """Tell office documents from other archives by their list of names; nothing is unpacked."""
    try:
        with zipfile.ZipFile(stream) as archive:
            names = [entry.filename for entry in archive.infolist()[:2000]]
            kind = ZIP
            if names and names[0] == "mimetype":
                kind = _open_document(archive)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        return None
    finally:
        stream.seek(0)
    if "[Content_Types].xml" in names:
        for folder, office in _OFFICE_FOLDERS:
            if any(name.startswith(folder) for name in names):
                return office
    return kind


def _open_document(archive: zipfile.ZipFile) -> FileType:
    entry = archive.infolist()[0]
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > 200:
        return ZIP
    with archive.open(entry) as inside:
        declared = inside.read(200).decode("ascii", "replace").strip()
    found = by_media_type(declared)
    return found if found in (ODT, ODP, ODS) and found is not None else ZIP


def _text(stream: IO[bytes], head: bytes) -> FileType | None:
    if not head.strip() or not _is_text(stream):
        return None
    start = head.removeprefix(b"\xef\xbb\xbf")
    if _HTML_MARK.match(start[:4096]):
        return HTML
    if start.lstrip().startswith(b"<") and _SVG_MARK.search(start[:4096]):
        return SVG
    return None if start.startswith((b"#!", b"<?php")) else TEXT


def _is_text(stream: IO[bytes], limit: int = 5 * 1024 * 1024) -> bool:
    """Whether all of it is UTF-8 or UTF-16; text over `limit` bytes is not accepted."""
    data = stream.read(limit + 1)
    stream.seek(0)
    if len(data) > limit:
        return False
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return not _CONTROLS.search(text)


def from_bytes(data: bytes) -> FileType | None:
    """`sniff` for bytes at hand."""
    return sniff(io.BytesIO(data))
