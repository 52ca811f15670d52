"""A small part of CBOR (RFC 8949), read strictly: what the values of selective proofs are made of.

Whole numbers, byte strings, arrays and maps of a given length, each head in its shortest form
(section 4.1): no tags, no texts, no floats, no length left open. The caller names what must come
next, so that nothing is nested deeper, or grows larger, than the caller asks for.
"""

from __future__ import annotations

from badges.openbadges.errors import ProofError
from badges.openbadges.messages import N_

_NUMBER, _BYTES, _ARRAY, _MAP = 0, 2, 4, 5


class CborReader:
    """Reads one item after the other.

    Args:
        data: the whole encoded text.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        """A whole number, not negative and below 2**64; raises ProofError."""
        return self._head(_NUMBER)

    def byte_string(self, size: int) -> bytes:
        """A byte string of exactly `size` bytes; raises ProofError."""
        if self._head(_BYTES) != size:
            raise ProofError(N_("A part of the proof's value does not have its length."))
        return self._take(size)

    def items(self, most: int) -> int:
        """How many items of an array follow; raises ProofError where more than `most`."""
        return self._count(_ARRAY, most)

    def pairs(self, most: int) -> int:
        """How many keys, each with its value, follow; raises ProofError where more than `most`."""
        return self._count(_MAP, most)

    def end(self) -> None:
        """Raise ProofError unless everything was read."""
        if self._at != len(self._data):
            raise ProofError(N_("Something follows the end of the proof's value."))

    def _count(self, kind: int, most: int) -> int:
        count = self._head(kind)
        if count > most:
            raise ProofError(N_("The proof holds more parts than are checked here."))
        return count

    def _head(self, kind: int) -> int:
        """The number in the head of the next item, which must be of this major type."""
        (first,) = self._take(1)
        if first >> 5 != kind:
            raise ProofError(N_("The proof's value is not made of the parts that it must have."))
        short = first & 0x1F
        if short < 24:
            return short
        if short > 27:
            raise ProofError(N_("The proof's value leaves the length of a part open."))
        size = 1 << (short - 24)
        number = int.from_bytes(self._take(size), "big")
        if number < (24 if size == 1 else 1 << (4 * size)):
            raise ProofError(N_("The proof's value writes a number longer than it is."))
        return number

    def _take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise ProofError(N_("The proof's value breaks off before its end."))
        self._at += size
        return part
