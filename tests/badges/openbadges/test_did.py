"""did:web addresses, did:key, and documents that publish keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.openbadges import DidError, KeyFormatError, controller_document, did_web, did_web_url
from badges.openbadges.did import did_key_document, origin
from tests.support.ob3 import TestSigner


@pytest.mark.parametrize(
    ("base", "segments", "did", "url"),
    [
        (
            "https://example.org",
            (),
            "did:web:example.org",
            "https://example.org/.well-known/did.json",
        ),
        (
            "http://localhost:8000",
            ("issuers", "x"),
            "did:web:localhost%3A8000:issuers:x",
            "https://localhost:8000/issuers/x/did.json",
        ),
        (
            "https://example.org/",
            ("issuers", "é x"),
            "did:web:example.org:issuers:%C3%A9%20x",
            "https://example.org/issuers/%C3%A9%20x/did.json",
        ),
    ],
)
def test_an_address_becomes_a_did_and_back(
    base: str, segments: tuple[str, ...], did: str, url: str
) -> None:
    assert did_web(base, *segments) == did
    assert did_web_url(did + "#key-1") == url


def test_loopback_may_be_asked_over_http() -> None:
    assert did_web_url("did:web:localhost%3A8000", scheme="http") == (
        "http://localhost:8000/.well-known/did.json"
    )


@pytest.mark.parametrize(
    "did",
    [
        "did:web:",
        "did:web:a b",
        "did:web:example.org:..:x",
        "did:web:example.org:%2e%2e",
        "did:web:example.org:a%2Fb",
        "did:web:user@example.org",
        "did:web:example.org/path",
        "did:web:example.org%3Aevil",
        "did:key:z6Mk",
        "https://example.org",
    ],
)
def test_a_did_that_could_name_another_place_is_refused(did: str) -> None:
    with pytest.raises(DidError):
        did_web_url(did)


@pytest.mark.parametrize("base", ["ftp://a", "https://a/path", "https://u@a", "https://a?q", "a"])
def test_only_an_origin_becomes_a_did(base: str) -> None:
    with pytest.raises(DidError):
        did_web(base)


@given(st.lists(st.text(min_size=1).filter(lambda text: "/" not in text and "\\" not in text)))
def test_any_segment_survives_or_is_refused(segments: list[str]) -> None:
    try:
        did = did_web("https://example.org", *segments)
    except (DidError, UnicodeEncodeError):
        return
    assert did_web_url(did).startswith("https://example.org/")


def test_a_did_key_is_its_own_document() -> None:
    multibase = TestSigner().multibase
    document = did_key_document(f"did:key:{multibase}#{multibase}")
    assert document["verificationMethod"][0]["publicKeyMultibase"] == multibase
    assert document["assertionMethod"] == [f"did:key:{multibase}#{multibase}"]
    with pytest.raises(KeyFormatError):
        did_key_document("did:key:zzz")
    with pytest.raises(DidError):
        did_key_document("did:web:example.org")


def test_rotated_keys_stay_listed() -> None:
    old, new = TestSigner("old"), TestSigner("new")
    document = controller_document(
        "did:web:a", multikeys=[(key.multibase, key.multibase) for key in (new, old)]
    )
    assert len(document["verificationMethod"]) == len(document["assertionMethod"]) == 2
    assert all(isinstance(item, str) for item in document["assertionMethod"])


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("did:web:Example.org:issuers:x", "example.org"),
        ("https://example.org:443/x", "example.org"),
        ("http://example.org:8000/x", "example.org:8000"),
        ("did:web:localhost%3A8000", "localhost:8000"),
        ("urn:uuid:1", None),
        ("https://[bad", None),
    ],
)
def test_the_host_that_answers_for_an_identifier(identifier: str, expected: str | None) -> None:
    assert origin(identifier) == expected
