"""Private keys at rest: they open with their own master key and their own id, and not otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import KeySealError
from keys.seal import Seal

MASTER = bytes(range(32))
OTHER = bytes(32)


@given(private=st.binary(min_size=1, max_size=3000), kid=st.text(min_size=1, max_size=64))
def test_what_was_sealed_opens_again(private: bytes, kid: str) -> None:
    assert Seal(MASTER).open(kid, Seal(MASTER).close(kid, private)) == private


def test_another_master_key_does_not_open_it_and_the_error_says_which_setting() -> None:
    sealed = Seal(MASTER).close("k1", b"secret")
    with pytest.raises(KeySealError, match=r"k1 does not open.*MILEPOST_MASTER_KEY"):
        Seal(OTHER).open("k1", sealed)


def test_a_sealed_key_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(KeySealError):
        Seal(MASTER).open("k2", Seal(MASTER).close("k1", b"secret"))


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_noticed(place: int, flip: int) -> None:
    sealed = bytearray(Seal(MASTER).close("k1", b"a private key"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(KeySealError):
        Seal(MASTER).open("k1", bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12), b"\x02" + bytes(60)])
def test_a_form_that_is_not_known_is_refused(sealed: bytes) -> None:
    with pytest.raises(KeySealError):
        Seal(MASTER).open("k1", sealed)


def test_the_same_key_sealed_twice_differs() -> None:
    seal = Seal(MASTER)
    assert seal.close("k1", b"secret") != seal.close("k1", b"secret")


@pytest.mark.parametrize("master", [b"", bytes(16), bytes(33)])
def test_a_master_key_of_another_length_is_refused(master: bytes) -> None:
    with pytest.raises(KeySealError, match="32 bytes"):
        Seal(master)
