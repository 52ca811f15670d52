"""PNG chunks by hand: where Open Badges 3.0 keeps a credential in a PNG (R36).

PNG (Third edition), sections 5 and 11.3.3.4 (iTXt).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from badges.openbadges.errors import BakingError
from badges.openbadges.messages import N_

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"openbadgecredential"
MAX_CHUNKS = 100_000
MAX_TEXT = 1024 * 1024
# keyword, separator, compression flag and method, empty language, empty translated keyword
_HEAD = KEYWORD + b"\0\0\0\0\0"
_HEAD_CRC = zlib.crc32(b"iTXt" + _HEAD)
_TEXTS = frozenset((b"iTXt", b"tEXt", b"zTXt"))
_HEADER = struct.Struct(">I4s")
_IHDR_END = len(SIGNATURE) + 25


def is_png(data: bytes) -> bool:
    """Whether bytes begin as a PNG does."""
    return data.startswith(SIGNATURE)


def bake(image: bytes, text: bytes) -> bytes:
    """Put a credential after IHDR, in place of any that the image already holds.

    Raises:
        BakingError: not a whole PNG.
    """
    parts: list[bytes | memoryview] = [memoryview(image)[:_IHDR_END], *_itxt(text)]
    start = _IHDR_END
    for kind, begin, end in _chunks(image):
        if kind in _TEXTS and _is_credential(image, begin):
            parts.append(memoryview(image)[start : begin - 8])
            start = end + 4
    parts.append(memoryview(image)[start:])
    return b"".join(parts)


def _itxt(text: bytes) -> tuple[bytes, bytes, bytes]:
    """The chunk in parts, so that the text is copied once."""
    head = _HEADER.pack(len(_HEAD) + len(text), b"iTXt") + _HEAD
    return head, text, zlib.crc32(text, _HEAD_CRC).to_bytes(4, "big")


def unbake(image: bytes) -> bytes | None:
    """The credential's bytes, or None where the image holds none.

    Raises:
        BakingError: not a whole PNG, a wrong checksum, more than one credential, or one that
            is compressed or too large.
    """
    found = None
    for kind, begin, end in _chunks(image):
        if kind not in _TEXTS or not _is_credential(image, begin):
            continue
        if kind != b"iTXt":
            raise BakingError(N_("The credential in the image is not where the standard puts it."))
        if found is not None:
            raise BakingError(N_("The image holds more than one credential."))
        if zlib.crc32(image[begin - 4 : end]) != int.from_bytes(image[end : end + 4], "big"):
            raise BakingError(N_("The image is damaged: a checksum does not match."))
        found = _text(image[begin:end])
    return found


def check(image: bytes) -> None:
    """Raise BakingError unless every chunk is whole and every checksum matches."""
    for begin, end in [(16, 29), *((begin, end) for _kind, begin, end in _chunks(image))]:
        if zlib.crc32(image[begin - 4 : end]) != int.from_bytes(image[end : end + 4], "big"):
            raise BakingError(N_("The image is damaged: a checksum does not match."))


def _chunks(image: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of every chunk's body, from the one after IHDR to IEND."""
    if not is_png(image):
        raise BakingError(N_("The image is not a PNG."))
    if image[8:16] != b"\0\0\0\rIHDR":
        raise BakingError(N_("The PNG does not begin with its header."))
    position, size = _IHDR_END, len(image)
    unpack = _HEADER.unpack_from
    for _count in range(MAX_CHUNKS):
        if position + 12 > size:
            break
        length, kind = unpack(image, position)
        begin = position + 8
        end = begin + length
        position = end + 4
        if position > size:
            break
        yield kind, begin, end
        if kind == b"IEND":
            return
    raise BakingError(N_("The PNG is cut short, or a chunk's length is wrong."))


def _is_credential(image: bytes, begin: int) -> bool:
    return image.startswith(_HEAD[: len(KEYWORD) + 1], begin)


def _text(body: bytes) -> bytes:
    if len(body) > MAX_TEXT:
        raise BakingError(N_("The credential in the image is too large."))
    rest = body[len(KEYWORD) + 1 :]
    if rest[:1] != b"\0":
        raise BakingError(N_("The credential in the image is compressed, which is not allowed."))
    # After flag and method: language and translated keyword, each ended by a zero.
    parts = rest[2:].split(b"\0", 2)
    if len(parts) != 3:
        raise BakingError(N_("The credential's place in the image is malformed."))
    return parts[2]
