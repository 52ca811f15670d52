"""Strict reading of strangers' JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.openbadges import DocumentError
from badges.openbadges.documents import MAX_DEPTH, parse_json, parse_object


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": {"b": 1, "b": 1}}', "twice"),
        ("[NaN]", "not a JSON number"),
        ("[1e999]", "too large to read"),
        ('["\\ud800"]', "surrogate"),
        ('{"\\udfff": 1}', "surrogate"),
        ("[" * 100_000, "deeply"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "deeply"),
        ("{", "breaks off"),
        ('{"a": "b', "breaks off"),
        ("", "empty"),
        ("{} {}", "follows the end of the JSON, at line 1, character 4"),
        ("{\n  a: 1}", "not JSON from line 2, character 3 on"),
        ("9" * 5000, "too large to read"),
    ],
)
def test_a_text_that_two_readers_could_read_differently_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        parse_json(text)


def test_bytes_are_utf_8_and_bounded() -> None:
    assert parse_json(b'\xef\xbb\xbf{"\xc3\xa9": 1}') == {"é": 1}
    with pytest.raises(DocumentError, match="UTF-8"):
        parse_json(b'"\xff"')
    with pytest.raises(DocumentError, match="larger"):
        parse_json(b" " * 11, limit=10)
    with pytest.raises(DocumentError, match="object"):
        parse_object("[]")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=10,
    )
)
def test_what_json_can_say_is_read_as_it_was(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
