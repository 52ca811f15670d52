"""Whole numbers from strangers: every text is a number that a database takes, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.numbers import MOST, page_number, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("7", 7), ("007", 7), ("2147483647", MOST), ("2147483648", MOST),
        ("9" * 20, MOST), ("9" * 5000, MOST), ("0" * 5000 + "1", 1),
        ("", None), ("-1", None), ("+1", None), ("1_0", None), ("1.0", None), (" 1", None),
        ("²", None), ("١", None), ("one", None),
    ],
)  # fmt: skip
def test_a_text_is_a_number_within_reach_or_none(text: str, number: int | None) -> None:
    assert whole(text) == number


@given(st.text() | st.integers().map(str))
def test_every_list_has_a_page_for_any_text(text: str) -> None:
    assert 1 <= page_number(text) <= MOST
