"""The Open Badges 2.0 form of a published badge: hosted, in pictures, linked both ways."""

from __future__ import annotations

import io
import json
from typing import Any

import openbadges_bakery
from flask.testing import FlaskClient

from badges.awards import service as awards
from badges.awards.models import Credential
from badges.openbadges.baking import unbake
from badges.public.verification import verify_document
from core.runtime import Runtime
from core.scope import unscoped
from tests.badges.public.conftest import HTML
from tests.support.badges import District, add_person, issue_credential

BASE = "https://milepost.test"
EARNER = "wren@alder-valley.example"


def at(credential: Credential) -> str:
    return f"/ob2/assertions/{credential.id}"


def test_an_assertion_a_class_and_an_issuer_stand_at_addresses_of_their_own(
    client: FlaskClient, credential: Credential
) -> None:
    answer = client.get(at(credential))
    assert answer.mimetype == "application/ld+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assertion = answer.json
    assert assertion["id"] == f"{BASE}{at(credential)}"
    badge = client.get(assertion["badge"].removeprefix(BASE)).json
    issuer = client.get(badge["issuer"].removeprefix(BASE)).json
    assert (badge["id"], issuer["id"]) == (assertion["badge"], badge["issuer"])
    assert (badge["name"], issuer["name"]) == ("Questions That Open", "Alder Valley Schools")
    assert client.get(badge["image"].removeprefix(BASE)).mimetype == "image/png"
    again = client.get(at(credential), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_both_versions_name_each_other(client: FlaskClient, credential: Credential) -> None:
    document = json.loads(credential.document or "")
    achievement = document["credentialSubject"]["achievement"]
    related = [item for item in achievement["related"] if len(item["type"]) == 2]
    assert related[0]["type"] == ["Related", "https://w3id.org/openbadges#BadgeClass"]
    badge = client.get(related[0]["id"].removeprefix(BASE)).json
    assert badge["related"][0]["id"] == achievement["id"]
    known = [item["identifier"] for item in document["issuer"]["otherIdentifier"]]
    assert badge["issuer"] in known
    issuer = client.get(badge["issuer"].removeprefix(BASE)).json
    newer = client.get(issuer["related"][0]["id"].removeprefix(BASE)).json
    assert newer["id"] == document["issuer"]["id"]
    assert client.get(at(credential)).json["related"][0]["id"] == document["id"]


def test_a_picture_holds_the_older_badge_alone_and_verifies(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    for form in ("png", "svg"):
        _check_picture(client, credential, runtime, form)
    for form in ("", ".png"):
        answer = client.post(
            "/verify",
            data={"url": f"{BASE}{at(credential)}{form}"},
            headers={"Accept": "application/json"},
        )
        assert answer.json["outcome"] == "valid", answer.json
    page = client.post("/verify", data={"url": f"{BASE}{at(credential)}"}, headers=HTML).text
    assert f"/achievements/{credential.achievement_version_id}/image.svg" in page


def _check_picture(
    client: FlaskClient, credential: Credential, runtime: Runtime, form: str
) -> None:
    answer = client.get(f"{at(credential)}.{form}")
    assert answer.status_code == 200
    baked = unbake(answer.data)
    assert baked.version == 2
    assert openbadges_bakery.unbake(io.BytesIO(answer.data)) == baked.text
    assert b"openbadgecredential" not in answer.data
    report = verify_document(runtime, answer.data, recipient=EARNER)
    assert report.valid, report.to_dict()
    assert report.version == 2
    assert client.get(f"{at(credential)}.{form}", headers={
        "If-None-Match": answer.headers["ETag"]}).status_code == 304  # fmt: skip


def test_people_are_led_to_the_page(client: FlaskClient, credential: Credential) -> None:
    version = credential.achievement_version_id
    for address, page in (
        (at(credential), f"/credentials/{credential.id}"),
        (f"/ob2/classes/{version}", f"/achievements/{version}"),
        ("/ob2/issuers/alder-valley", "/issuers/alder-valley"),
    ):
        answer = client.get(address, headers=HTML)
        assert (answer.status_code, answer.headers["Location"]) == (302, page)
        assert "Accept" in answer.headers["Vary"]
        assert client.get(page, headers=HTML).status_code == 200


def test_a_revoked_badge_is_gone_and_says_why(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    baked = client.get(f"{at(credential)}.png").data
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, credential.id, "issued twice", None, runtime.now())
    answer = client.get(at(credential))
    assert answer.status_code == 410
    said: dict[str, Any] = json.loads(answer.data)
    assert (said["id"], said["revoked"]) == (f"{BASE}{at(credential)}", True)
    assert said["revocationReason"] == "issued twice"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get(f"{at(credential)}.png").status_code == 410
    report = verify_document(runtime, baked)
    assert [step.message.text for step in report.steps if step.status.value == "failed"] == [
        "The issuer has revoked this badge: issued twice"
    ]


def test_without_a_verified_address_no_older_form_is_made_up(
    client: FlaskClient, district: District, runtime: Runtime
) -> None:
    person = add_person(runtime, district.organisation, "Ida Unverified", verified=False)
    credential = issue_credential(district, person)
    for form in ("", ".png", ".svg"):
        answer = client.get(f"{at(credential)}{form}", headers={"Accept": "application/json"})
        assert answer.status_code == 404
        assert "no e-mail address" in answer.text


def test_a_private_badge_has_none_either(client: FlaskClient, district: District) -> None:
    hidden = issue_credential(district, published=False)
    asked = {"Accept": "application/json"}
    nobody = client.get(f"/ob2/assertions/{district.version.id}", headers=asked)
    for form in ("", ".png", ".svg"):
        answer = client.get(f"{at(hidden)}{form}", headers=asked)
        assert (answer.status_code, answer.json["message"]) == (404, nobody.json["message"])
