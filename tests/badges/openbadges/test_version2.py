"""Badges of Open Badges 2.0: hosted and signed."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from badges.openbadges import OfflineResolver, Outcome, ResolutionError, identity_hash
from tests.badges.openbadges.test_verify import Web, check, problems
from tests.support.ob3 import SVG, bake_version_2, png, rsa_key

BASE = "https://old.example.org"
ASSERTION = {
    "@context": "https://w3id.org/openbadges/v2",
    "type": "Assertion",
    "id": f"{BASE}/assertions/1",
    "recipient": {
        "type": "email",
        "hashed": True,
        "salt": "s",
        "identity": identity_hash("ada@example.org", "s"),
    },
    "badge": f"{BASE}/badges/1",
    "verification": {"type": "HostedBadge"},
    "issuedOn": "2019-01-01T00:00:00Z",
}
BADGE = {
    "id": f"{BASE}/badges/1",
    "type": "BadgeClass",
    "name": "Old badge",
    "description": "From before.",
    "image": f"{BASE}/badges/1.png",
    "criteria": {"narrative": "Do it."},
    "issuer": f"{BASE}/issuer",
}
KEY = f"{BASE}/key"
ISSUER = {
    "id": f"{BASE}/issuer",
    "type": "Profile",
    "name": "Old school",
    "url": BASE,
    "email": "a@old.example.org",
    "publicKey": KEY,
    "revocationList": f"{BASE}/revoked",
}
PEM = (
    rsa_key()
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def site(**changes: Any) -> Web:
    documents = {
        ASSERTION["id"]: ASSERTION,
        BADGE["id"]: BADGE,
        ISSUER["id"]: ISSUER,
        KEY: {"id": KEY, "type": "CryptographicKey", "owner": ISSUER["id"], "publicKeyPem": PEM},
        ISSUER["revocationList"]: {"id": ISSUER["revocationList"], "revokedAssertions": []},
    }
    return Web({**documents, **{f"{BASE}{path}": value for path, value in changes.items()}})


def signed(**changes: Any) -> str:
    assertion = {
        **ASSERTION,
        "id": "urn:uuid:1",
        "verification": {"type": "SignedBadge", "creator": KEY},
        **changes,
    }
    return jwt.encode(assertion, rsa_key(), algorithm="RS256")


@pytest.mark.parametrize("image", [png(), SVG])
@pytest.mark.parametrize("text", [json.dumps(ASSERTION), str(ASSERTION["id"]), signed()])
def test_a_baked_badge_is_verified(image: bytes, text: str) -> None:
    report = check(bake_version_2(image, text), site(), recipient="ada@example.org")
    assert report.valid, problems(report)
    assert report.version == 2
    assert report.details["issuer"]["name"] == "Old school"
    assert report.format == ("signed" if text.startswith("eyJ") else "hosted")


def test_json_and_an_address_are_taken_too() -> None:
    assert check(dict(ASSERTION), site()).valid
    assert check(str(ASSERTION["id"]), site()).valid


def test_without_the_network_nothing_is_decided() -> None:
    report = check(dict(ASSERTION), OfflineResolver())
    assert report.outcome is Outcome.UNDECIDED
    assert problems(report) == {
        "issuer": "unreachable",
        "proof": "unreachable",
        "status": "unknown-2",
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"/assertions/1": {**ASSERTION, "revoked": True}}, {"status": "revocation"}),
        (
            {"/assertions/1": {**ASSERTION, "revoked": True, "revocationReason": "error"}},
            {"status": "revoked-because"},
        ),
        ({"/assertions/1": {**ASSERTION, "id": f"{BASE}/2"}}, {"proof": "other-address"}),
        (
            {
                "/assertions/1": {**ASSERTION, "badge": f"{BASE}/badges/2"},
                "/badges/2": {**BADGE, "id": f"{BASE}/badges/2"},
            },
            {"proof": "differs"},
        ),
        ({"/assertions/1": b"<html>"}, {"proof": "not-json", "status": "unknown-2"}),
        (
            {"/assertions/1": {**ASSERTION, "issuedOn": "2030-01-01T00:00:00Z"}},
            {"proof": "differs", "time": "early"},
        ),
        ({"/assertions/1": {**ASSERTION, "expires": "2020-01-01T00:00:00Z"}}, {"time": "expired"}),
        ({"/assertions/1": {**ASSERTION, "expires": "soon"}}, {"time": "malformed"}),
        (
            {"/badges/1": {**BADGE, "issuer": "https://other.example.org/"}},
            {"issuer": "unreachable"},
        ),
        ({"/badges/1": {"id": BADGE["id"], "issuer": BADGE["issuer"]}}, {"shape": "missing-2"}),
        ({"/badges/1": {**BADGE, "id": f"{BASE}/other"}}, {"issuer": "unreachable"}),
    ],
)
def test_a_hosted_badge_is_what_its_site_says_now(
    changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert problems(check(dict(ASSERTION), site(**changes))) == expected


def test_a_badge_on_another_site_than_its_issuers_fails() -> None:
    copied = {**ASSERTION, "id": "https://evil.example.org/1"}
    resolver = site()
    resolver.documents[copied["id"]] = copied
    assert problems(check(copied, resolver)) == {"issuer": "elsewhere"}
    allowed = {**ISSUER, "verification": {"allowedOrigins": ["evil.example.org"]}}
    resolver.documents[ISSUER["id"]] = allowed
    assert check(copied, resolver).valid


def test_a_gone_badge_is_revoked() -> None:
    class Gone(Web):
        def fetch(self, url: str, accept: str) -> tuple[bytes, str]:
            if url == ASSERTION["id"]:
                body = {"id": url, "revoked": True, "revocationReason": "issued twice"}
                raise ResolutionError("gone", status=410, body=json.dumps(body).encode())
            return super().fetch(url, accept)

    for badge in (dict(ASSERTION), str(ASSERTION["id"])):
        report = check(badge, Gone(site().documents))
        assert problems(report) == {"status": "revoked-because"}
        assert report.outcome is Outcome.INVALID


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"/key": {"owner": f"{BASE}/other", "publicKeyPem": PEM}}, {"proof": "broken"}),
        ({"/key": {"owner": ISSUER["id"], "publicKeyPem": "x"}}, {"proof": "broken"}),
        ({"/issuer": {**ISSUER, "publicKey": []}}, {"proof": "broken"}),
        ({"/revoked": {"revokedAssertions": ["urn:uuid:1"]}}, {"status": "revocation"}),
        (
            {"/revoked": {"revokedAssertions": [{"id": "urn:uuid:1", "revocationReason": "x"}]}},
            {"status": "revoked-because"},
        ),
    ],
)
def test_a_signed_badge_is_held_to_its_issuers_key_and_list(
    changes: dict[str, Any], expected: dict[str, str]
) -> None:
    assert problems(check(signed(), site(**changes))) == expected


def test_a_forged_signature_and_another_earner_fail() -> None:
    assert problems(check(signed()[:-8] + "AAAAAAAA", site())) == {"proof": "broken"}
    assert problems(check(signed(), site(), recipient="bob@example.org")) == {"recipient": "other"}
    unnamed = signed(recipient={"type": "email", "identity": "sha512$00", "hashed": True})
    assert problems(check(unnamed, site(), recipient="bob@example.org")) == {"recipient": "unnamed"}


@pytest.mark.parametrize("junk", [None, 7, [], {}, "x", [[]], {"id": 7}])
@pytest.mark.parametrize("name", ["recipient", "badge", "verification", "issuedOn", "id"])
def test_no_json_raises(name: str, junk: Any) -> None:
    document = {**ASSERTION, name: junk}
    assert not check(document, site(**{"/assertions/1": document})).valid or name == "verification"
    check(signed(**{name: junk}), site())
