"""Key sets of any shape: a list of keys to trust, or nothing at all."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.http import FetchError, HttpClient
from lti_tool.lti import keysets
from lti_tool.lti.keysets import KeySets, KeySetUnavailableError, parse_key_set
from tests.support.hostile_platform import public_jwk, rsa_key

URL = "https://lms.example/keys"

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


def woken_by(monkeypatch: pytest.MonkeyPatch, waiter: Any) -> None:
    """Whoever is woken looks before the one who wakes them gets any further."""

    class Telling(threading.Event):
        def set(self) -> None:
            super().set()
            thread = threading.Thread(target=waiter)
            thread.start()
            thread.join(30)

    monkeypatch.setattr(keysets, "threading", SimpleNamespace(Lock=threading.Lock, Event=Telling))


def test_who_waited_for_the_keys_finds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"keys": [public_jwk(rsa_key("platform"), "key-1")]}).encode()
    answer = SimpleNamespace(status=200, body=body)
    http = SimpleNamespace(get=lambda *_args, **_values: answer)
    found: list[Any] = []
    woken_by(monkeypatch, lambda: found.append(sets.find(URL, "key-1")))
    sets = KeySets(cast(HttpClient, http), monotonic=lambda: 7.0)
    key = sets.find(URL, "key-1")
    assert found == [key]


def test_who_waited_in_vain_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = SimpleNamespace(status=200, body=b"<html>")
    http = SimpleNamespace(get=lambda *_args, **_values: answer)
    told: list[str] = []

    def waiter() -> None:
        try:
            sets.find(URL, "key-1")
        except KeySetUnavailableError as error:
            told.append(error.code)

    woken_by(monkeypatch, waiter)
    sets = KeySets(cast(HttpClient, http), monotonic=lambda: 7.0)
    with pytest.raises(KeySetUnavailableError):
        sets.find(URL, "key-1")
    assert told == ["platform_keys_invalid"]


def test_a_fetch_that_breaks_leaves_nobody_waiting() -> None:
    answers = [RuntimeError("a fault of ours"), FetchError("timeout", "too slow")]

    def get(*_args: Any, **_values: Any) -> Any:
        raise answers.pop(0)

    clock = [0.0]
    http = SimpleNamespace(get=get)
    sets = KeySets(cast(HttpClient, http), monotonic=lambda: clock[0])
    with pytest.raises(RuntimeError):
        sets.find(URL, "key-1")
    clock[0] += keysets.COOL_DOWN_SECONDS
    with pytest.raises(KeySetUnavailableError, match="unavailable"):
        sets.find(URL, "key-1")
    assert answers == []


def test_nobody_waits_behind_a_platform_that_failed_before() -> None:
    """While it is asked again, one of us waits for it; the rest are told at once."""
    reached, released = threading.Event(), threading.Event()
    fetches: list[str] = []

    def get(url: str, **_values: Any) -> Any:
        fetches.append(url)
        if len(fetches) > 1:
            reached.set()
            released.wait(30)
        raise FetchError("timeout", "too slow")

    clock = [0.0]
    sets = KeySets(cast(HttpClient, SimpleNamespace(get=get)), monotonic=lambda: clock[0])
    with pytest.raises(KeySetUnavailableError):
        sets.find(URL, "key-1")
    clock[0] += keysets.COOL_DOWN_SECONDS
    told: list[bool] = []

    def ask() -> None:
        with pytest.raises(KeySetUnavailableError):
            sets.find(URL, "key-1")
        told.append(released.is_set())

    asking = threading.Thread(target=ask)
    asking.start()
    assert reached.wait(30)
    try:
        ask()
        assert told == [False]
    finally:
        released.set()
        asking.join(30)
    assert told == [False, True]
    assert len(fetches) == 2


def test_who_comes_late_to_a_stall_does_not_wait_for_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached, released = threading.Event(), threading.Event()
    clock = [0.0]

    def get(*_args: Any, **_values: Any) -> Any:
        reached.set()
        released.wait(30)
        raise FetchError("timeout", "too slow")

    waited: list[float | None] = []

    class Watched(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return super().wait(0)

    monkeypatch.setattr(keysets, "threading", SimpleNamespace(Lock=threading.Lock, Event=Watched))
    sets = KeySets(cast(HttpClient, SimpleNamespace(get=get)), monotonic=lambda: clock[0])

    def first() -> None:
        with pytest.raises(KeySetUnavailableError):
            sets.find(URL, "key-1")

    asking = threading.Thread(target=first)
    asking.start()
    try:
        assert reached.wait(30)
        for seconds in (0.4, 0.4, 0.4):
            clock[0] += seconds
            with pytest.raises(KeySetUnavailableError):
                sets.find(URL, "key-1")
    finally:
        released.set()
        asking.join(30)
    assert waited == pytest.approx([0.6, 0.2])


def test_where_all_places_to_wait_are_taken_others_are_told_at_once() -> None:
    """Two platforms stall; the third thread is not held by either of them."""
    reached, released = threading.Event(), threading.Event()
    fetched: list[str] = []

    def get(url: str, **_values: Any) -> Any:
        fetched.append(url)
        reached.set()
        released.wait(30)
        raise FetchError("timeout", "too slow")

    sets = KeySets(cast(HttpClient, SimpleNamespace(get=get)), places=1)
    told: list[str] = []

    def ask(url: str) -> None:
        with pytest.raises(KeySetUnavailableError):
            sets.find(url, "key-1")
        told.append(url)

    asking = threading.Thread(target=ask, args=(URL,))
    asking.start()
    assert reached.wait(30)
    try:
        ask("https://other.example/jwks")
        assert told == ["https://other.example/jwks"]
        assert fetched == [URL]
    finally:
        released.set()
        asking.join(30)
    # A place is free again, and nothing was held against the other platform meanwhile.
    ask("https://other.example/jwks")
    assert fetched == [URL, "https://other.example/jwks"]
