"""Open Badges 2.0 made from 3.0: what it says, and that it holds on its own."""

from __future__ import annotations

import io
import json
from typing import Any

import openbadges_bakery
import pytest
from hypothesis import given, settings

from badges.openbadges import BakingError, bake_png, bake_svg, bake_version_2, unbake
from badges.openbadges import version2_issue as version2
from badges.openbadges.version2 import is_version_2
from tests.badges.openbadges.strategies import credentials
from tests.badges.openbadges.test_verify import Web, check, problems
from tests.support.ob3 import SVG, full_credential, png, sign

BASE = "https://badges.example.org/ob2"
ISSUER, CLASS, ASSERTION = f"{BASE}/issuers/northside", f"{BASE}/classes/1", f"{BASE}/assertions/1"
PAGE = "https://badges.example.org/issuers/northside"
PROFILE = {
    "id": "did:web:badges.example.org:issuers:northside",
    "type": ["Profile"],
    "name": "Northside",
    "url": "https://northside.example.org",
    "email": "badges@northside.example.org",
    "image": {"id": "https://badges.example.org/issuers/northside/image", "type": "Image"},
}


def documents(credential: dict[str, Any]) -> dict[str, Any]:
    """What a site publishes of a credential, by address."""
    achievement = credential["credentialSubject"]["achievement"]
    return {
        ISSUER: version2.issuer(PROFILE, ISSUER, newer=PAGE),
        CLASS: version2.badge_class(achievement, CLASS, issuer=ISSUER),
        ASSERTION: version2.assertion(credential, ASSERTION, badge=CLASS, image=f"{ASSERTION}.png"),
    }


def empty_values(value: Any) -> bool:
    if isinstance(value, dict):
        return any(item in (None, "", [], {}) or empty_values(item) for item in value.values())
    return isinstance(value, list) and any(map(empty_values, value))


@settings(max_examples=20)
@given(credentials())
def test_whatever_a_credential_says_its_older_form_verifies(model: Any) -> None:
    credential = model.to_document()
    made = documents(credential)
    if made[ASSERTION] is None:
        assert version2.recipient(credential) is None
        return
    assert not empty_values(made)
    assert all(is_version_2(document) or document["type"] != "Assertion"
               for document in made.values())  # fmt: skip
    report = check(json.dumps(made[ASSERTION]), Web(made))
    assert set(problems(report)) <= {"time"}, problems(report)
    assert report.version == 2


def test_each_document_says_what_the_newer_one_says() -> None:
    credential = full_credential()
    made = documents(credential)
    assert made[ASSERTION]["recipient"] == {
        "type": "email",
        "hashed": True,
        "salt": "salt-1",
        "identity": credential["credentialSubject"]["identifier"][0]["identityHash"],
    }
    assert made[ASSERTION]["issuedOn"] == credential["awardedDate"]
    assert made[ASSERTION]["evidence"][0]["name"] == "Reflection"
    assert made[ASSERTION]["verification"] == {"type": "HostedBadge"}
    assert made[CLASS]["criteria"]["narrative"].startswith("Two lessons")
    assert made[CLASS]["alignment"][0] == {
        "type": "AlignmentObject",
        "targetName": "6. Assessment",
        "targetUrl": "https://standards.example.org/intasc/6",
        "targetFramework": "Model Core Teaching Standards",
        "targetCode": "InTASC 6",
    }
    assert made[CLASS]["tags"] == ["feedback", "assessment"]
    assert made[ISSUER]["image"] == "https://badges.example.org/issuers/northside/image"
    related = {name: document["related"][0]["id"] for name, document in made.items()}
    assert related == {
        ISSUER: PAGE,
        CLASS: credential["credentialSubject"]["achievement"]["id"],
        ASSERTION: credential["id"],
    }


def test_the_earner_is_recognised_by_the_address_and_nobody_else() -> None:
    made = documents(full_credential())
    assert check(json.dumps(made[ASSERTION]), Web(made), recipient="ada@example.org").valid
    other = check(json.dumps(made[ASSERTION]), Web(made), recipient="bob@example.org")
    assert problems(other) == {"recipient": "other"}


@pytest.mark.parametrize(
    "identifiers",
    [
        None,
        [],
        [{"identityType": "name", "hashed": False, "identityHash": "Ada"}],
        [{"identityType": "emailAddress", "hashed": False, "identityHash": "ada@example.org"}],
        ["ada@example.org"],
    ],
)
def test_without_a_hashed_address_there_is_no_older_form(identifiers: Any) -> None:
    credential = full_credential()
    credential["credentialSubject"]["identifier"] = identifiers
    assert version2.assertion(credential, ASSERTION, badge=CLASS) is None


@pytest.mark.parametrize("image", [png(), SVG])
def test_an_older_badge_goes_into_a_picture_and_comes_out(image: bytes) -> None:
    assertion = documents(full_credential())[ASSERTION]
    baked = bake_version_2(bake_version_2(image, "https://old.example.org/1"), assertion)
    assert openbadges_bakery.unbake(io.BytesIO(baked)) in (ASSERTION, unbake(baked).text)
    assert unbake(baked).version == 2
    assert ASSERTION in unbake(baked).text
    assert baked.count(ASSERTION.encode()) >= 1
    assert b"old.example.org" not in baked


@pytest.mark.parametrize("text", ["", "hello", "{é", "ftp://x.example.org"])
def test_what_is_no_older_badge_is_not_baked(text: str) -> None:
    with pytest.raises(BakingError):
        bake_version_2(png(), text)


def test_both_versions_never_share_a_picture() -> None:
    signed = sign(full_credential())
    for image in (bake_png(png(), signed), bake_svg(SVG, signed)):
        with pytest.raises(BakingError, match=r"holds an Open Badges 3"):
            bake_version_2(image, ASSERTION)


@pytest.mark.parametrize("image", [b"GIF89a", png()[:-9], b"<svg><!ENTITY a 'b'></svg>"])
def test_a_hostile_picture_is_refused(image: bytes) -> None:
    with pytest.raises(BakingError):
        bake_version_2(image, ASSERTION)
