"""Key sets of any shape: a list of keys to trust, or nothing at all."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from lti_tool.lti.keysets import parse_key_set
from tests.support.hostile_platform import public_jwk, rsa_key

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.just("RSA"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["keys", "kid", "kty", "n", "e", "use", "alg", "key_ops"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


odd_keys = st.fixed_dictionaries(
    {"kid": st.just("key-1"), "kty": st.just("RSA")},
    optional=dict.fromkeys(("n", "e", "use", "alg", "key_ops"), values),
)


@given(st.lists(odd_keys, min_size=1, max_size=3))
def test_an_odd_key_is_refused(keys: list[dict[str, object]]) -> None:
    assert parse_key_set(json.dumps({"keys": keys}).encode()) == {"key-1": "refused"}


@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_nothing_odd_becomes_a_key(body: bytes) -> None:
    assert not [key for key in parse_key_set(body).values() if key != "refused"]


def test_a_good_key_stands_beside_bad_ones() -> None:
    good = public_jwk(rsa_key("platform"), "good")
    short = public_jwk(rsa_key("short", 1024), "short")
    body = json.dumps(
        {"keys": [None, short, {"kid": 7}, {**good, "kid": "enc", "use": "enc"}, good]}
    )
    found = parse_key_set(body.encode())
    assert {kid: key == "refused" for kid, key in found.items()} == {
        "short": True, "enc": True, "good": False,
    }  # fmt: skip
