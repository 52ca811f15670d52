"""Bitstring Status List 1.0: revocation as one bit among at least 131,072 (R29-R31).

The first index is the leftmost bit: bit 7 of byte 0 (section 3.2).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from badges.openbadges.contexts import CREDENTIALS_V2
from badges.openbadges.documents import JsonObject
from badges.openbadges.errors import KeyFormatError, StatusListError
from badges.openbadges.messages import N_
from badges.openbadges.model import timestamp
from badges.openbadges.multikey import base64url_decode, base64url_encode

MIN_ENTRIES = 131_072
MAX_BYTES = 4 * 1024 * 1024
MAX_ENCODED = 8 * 1024 * 1024


class StatusList:
    """A list of bits, all clear at first.

    Args:
        entries: how many; a multiple of 8, from 131,072 to 33,554,432.

    Raises:
        StatusListError: another number of entries.
    """

    def __init__(self, entries: int = MIN_ENTRIES) -> None:
        if entries < MIN_ENTRIES or entries % 8 or entries > MAX_BYTES * 8:
            raise StatusListError(
                f"A status list has from {MIN_ENTRIES} to {MAX_BYTES * 8} entries, by eights."
            )
        self._bits = bytearray(entries // 8)

    def __len__(self) -> int:
        return len(self._bits) * 8

    def __getitem__(self, index: int) -> bool:
        byte, mask = self._place(index)
        return bool(self._bits[byte] & mask)

    def __setitem__(self, index: int, value: bool) -> None:
        byte, mask = self._place(index)
        if value:
            self._bits[byte] |= mask
        else:
            self._bits[byte] &= ~mask

    def set_all(self, indexes: Iterable[int]) -> None:
        """Set the bits of all `indexes`; raises StatusListError for one outside."""
        for index in indexes:
            self[index] = True

    def encode(self) -> str:
        """`encodedList`: `u`, then base64url of the gzipped bits; equal bits give equal text."""
        return "u" + base64url_encode(gzip.compress(bytes(self._bits), mtime=0))

    @classmethod
    def decode(cls, encoded: object) -> StatusList:
        """Read an `encodedList`.

        Raises:
            StatusListError: not multibase base64url, not gzip, too short, or more than
                4 MiB of bits (a decompression bomb is stopped there).
        """
        if not isinstance(encoded, str) or not encoded.startswith("u"):
            raise StatusListError(N_("The encoded list is not multibase base64url."))
        if len(encoded) > MAX_ENCODED:
            raise StatusListError(N_("The encoded list is too long."))
        try:
            bits = _gunzip(base64url_decode(encoded[1:]))
        except (KeyFormatError, zlib.error) as error:
            raise StatusListError(N_("The encoded list is not gzip in base64url.")) from error
        if len(bits) * 8 < MIN_ENTRIES:
            raise StatusListError(f"The list has fewer than {MIN_ENTRIES} entries.")
        result = cls.__new__(cls)
        result._bits = bytearray(bits)
        return result

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise StatusListError(f"The index {index} is outside the list of {len(self)}.")
        return index >> 3, 0x80 >> (index & 7)


def status_list_document(
    status_list: StatusList,
    *,
    url: str,
    issuer: str,
    valid_from: datetime,
    purpose: str = "revocation",
    valid_until: datetime | None = None,
) -> JsonObject:
    """The unsigned status list credential (section 2.1; R30). Sign it like any credential.

    Args:
        status_list: the bits.
        url: the address where it is published, which is its id.
        issuer: the identifier of the issuer of the badges it covers.
        valid_from: when this version was made, aware.
        purpose: `revocation` or `suspension`.
        valid_until: after which a consumer must fetch it anew, aware.
    """
    document: dict[str, Any] = {
        "@context": [CREDENTIALS_V2],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": timestamp(valid_from),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": status_list.encode(),
        },
    }
    if valid_until is not None:
        document["validUntil"] = timestamp(valid_until)
    return document


def _gunzip(data: bytes) -> bytes:
    decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS)
    bits = decompressor.decompress(data, MAX_BYTES + 1)
    if len(bits) > MAX_BYTES:
        raise StatusListError(N_("The list is larger than any that is accepted."))
    if not decompressor.eof or decompressor.unused_data:
        raise StatusListError(N_("The encoded list ends early, or something follows it."))
    return bits
