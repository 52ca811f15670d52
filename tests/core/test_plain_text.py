"""Text that people type: what stays, what is refused, and in which words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import plain_text

ASTRONAUT = "\U0001f469\u200d\U0001f680"
WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
TURNING = [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))]


@pytest.mark.parametrize(
    "text",
    [ASTRONAUT, WALES, "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "Noor Pr\u00f8ve"],
)
def test_emoji_and_every_script_stand_in_a_line(text: str) -> None:
    assert plain_text.line_fault(text, 80) is None
    assert plain_text.shown(text) == text


@pytest.mark.parametrize("char", TURNING)
def test_what_turns_the_direction_is_refused_in_a_line_and_in_a_text(char: str) -> None:
    for fault in (plain_text.line_fault(f"a{char}b", 80), plain_text.text_fault(f"a{char}b", 80)):
        assert "turns the direction" in str(fault)
    assert plain_text.shown(f"a{char}b") == "ab"


@pytest.mark.parametrize("char", ["\n", "\x00", "\x85", "\u2028", "\ufeff", "\U000e0041"])
def test_what_nobody_sees_is_refused_in_a_line(char: str) -> None:
    assert "nobody sees" in str(plain_text.line_fault(f"a{char}b", 80))


def test_a_text_may_have_several_lines() -> None:
    assert plain_text.text_fault("one\n\n\ttwo", 80) is None


def test_too_much_is_told_with_both_numbers() -> None:
    said = "This has 81 characters; at most 80 fit."
    assert str(plain_text.line_fault("x" * 81, 80)) == said
    assert str(plain_text.text_fault("x" * 81, 80)) == said


@given(st.text())
def test_what_is_shown_is_always_a_line(text: str) -> None:
    shown = plain_text.shown(text)
    assert not plain_text.turns(shown)
    assert plain_text.is_line(shown)
    assert plain_text.line(shown) == unicodedata.normalize("NFC", shown)
