"""Bitstring status lists."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.openbadges import (
    MIN_ENTRIES,
    StatusList,
    StatusListError,
    check_shape,
    status_list_document,
)
from badges.openbadges.jsonld import safe_mode_problems
from badges.openbadges.multikey import base64url_decode, base64url_encode
from tests.support.ob3 import ISSUER, STATUS_LIST, VALID_FROM


@given(st.sets(st.integers(0, MIN_ENTRIES - 1), max_size=20))
def test_the_bits_that_were_set_come_back_and_no_others(indexes: set[int]) -> None:
    status_list = StatusList()
    status_list.set_all(indexes)
    read = StatusList.decode(status_list.encode())
    assert len(read) == MIN_ENTRIES
    assert all(read[index] for index in indexes)
    neighbours = {(index + step) % MIN_ENTRIES for index in indexes for step in (-1, 1)} - indexes
    assert not any(read[index] for index in neighbours)
    for index in indexes:
        read[index] = False
    assert read.encode() == StatusList().encode()


def test_the_first_index_is_the_leftmost_bit() -> None:
    status_list = StatusList()
    status_list.set_all([0, 9])
    bits = gzip.decompress(base64url_decode(status_list.encode()[1:]))
    assert bits[:2] == b"\x80\x40"
    assert len(bits) == 16 * 1024


def test_the_empty_list_of_the_specification_is_read() -> None:
    encoded = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"  # section 3.2
    read = StatusList.decode(encoded)
    assert len(read) == MIN_ENTRIES
    assert not any(read[index] for index in range(0, MIN_ENTRIES, 1000))


@pytest.mark.parametrize("index", [-1, MIN_ENTRIES, 10**12])
def test_an_index_outside_is_refused(index: int) -> None:
    with pytest.raises(StatusListError, match="outside"):
        StatusList()[index]


@pytest.mark.parametrize("entries", [0, MIN_ENTRIES - 8, MIN_ENTRIES + 1, 2**40])
def test_a_list_has_a_lawful_length(entries: int) -> None:
    with pytest.raises(StatusListError):
        StatusList(entries)


def _encoded(data: bytes) -> str:
    return "u" + base64url_encode(data)


@pytest.mark.parametrize(
    "encoded",
    [
        None,
        7,
        "",
        "H4sI",
        "z111",
        "u!!",
        _encoded(b"not gzip"),
        _encoded(gzip.compress(bytes(100), mtime=0)),
        _encoded(gzip.compress(bytes(16 * 1024), mtime=0)[:-4]),
        _encoded(gzip.compress(bytes(16 * 1024), mtime=0) + b"more"),
        _encoded(zlib.compress(bytes(16 * 1024))),
        "u" + "A" * (8 * 1024 * 1024),
    ],
)
def test_a_list_that_cannot_be_read_is_refused(encoded: object) -> None:
    with pytest.raises(StatusListError):
        StatusList.decode(encoded)


def test_a_decompression_bomb_is_stopped() -> None:
    with pytest.raises(StatusListError, match="larger"):
        StatusList.decode(_encoded(gzip.compress(bytes(64 * 1024 * 1024))))


def test_the_document_is_a_sound_credential() -> None:
    document = status_list_document(
        StatusList(), url=STATUS_LIST, issuer=ISSUER, valid_from=VALID_FROM, valid_until=VALID_FROM
    )
    assert check_shape(document, kind="BitstringStatusListCredential") == []
    assert safe_mode_problems(document) == []
