"""RFC 8785."""

from __future__ import annotations

import json

import pytest

from badges.openbadges import CanonicalizationError
from badges.openbadges.jcs import canonical_json


def test_the_example_of_the_rfc() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert (
        canonical_json(value)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


def test_members_are_in_utf_16_order() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    assert list(map(ord, "".join(_keys(canonical_json(dict.fromkeys(names, 1)))))) == [
        0x0D,
        0x31,
        0x80,
        0xF6,
        0x20AC,
        0x1F600,
        0xFB33,
    ]


def _keys(text: bytes) -> list[str]:
    return list(json.loads(text))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1, 10**400, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(CanonicalizationError):
        canonical_json([value])
