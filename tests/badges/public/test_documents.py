"""Issuers, keys, status lists and achievements, as verifiers and people read them."""

from __future__ import annotations

import io
import json
import uuid

import jwt
import pytest
from flask.testing import FlaskClient
from PIL import Image

from badges.awards import service as awards
from badges.awards.models import Credential
from badges.openbadges.status_list import StatusList
from core.runtime import Runtime
from core.scope import unscoped
from keys.models import issuer_ring
from tests.badges.public.conftest import HTML
from tests.support.badges import District


def test_the_did_document_lists_the_key_of_the_proof(
    client: FlaskClient, credential: Credential
) -> None:
    proof = json.loads(credential.document or "")["proof"]
    proof = proof[0] if isinstance(proof, list) else proof
    answer = client.get("/issuers/alder-valley/did.json")
    assert answer.mimetype == "application/did+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json["id"] == "did:web:milepost.test:issuers:alder-valley"
    methods = {method["id"]: method for method in answer.json["verificationMethod"]}
    assert proof["verificationMethod"] in answer.json["assertionMethod"]
    key = methods[proof["verificationMethod"]]["publicKeyMultibase"]
    assert proof["verificationMethod"].endswith(f"#{key}")


def test_a_rotated_key_stays_listed(
    client: FlaskClient, credential: Credential, district: District, runtime: Runtime
) -> None:
    before = client.get("/issuers/alder-valley/did.json").json["assertionMethod"]
    with runtime.database.transaction() as session:
        district.ring.rotate(session, issuer_ring(district.issuer.id), runtime.now())
    after = client.get("/issuers/alder-valley/did.json").json["assertionMethod"]
    assert set(before) < set(after)


def test_the_kid_of_a_token_is_the_address_of_one_public_key(
    client: FlaskClient, credential: Credential
) -> None:
    token = credential.jwt or ""
    kid = jwt.get_unverified_header(token)["kid"]
    answer = client.get(kid.removeprefix("https://milepost.test"))
    assert "keys" not in answer.json
    assert "d" not in answer.json
    jwt.decode(
        token,
        jwt.PyJWK.from_dict(answer.json).key,
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_aud": False},
    )


@pytest.mark.parametrize(
    "path",
    ["/issuers/nobody", "/issuers/nobody/did.json", "/keys/none", "/status/%s", "/achievements/%s"],
)
def test_what_is_not_there_is_not_found(client: FlaskClient, path: str) -> None:
    full = path.replace("%s", str(uuid.uuid4()))
    answer = client.get(full, headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def status_path(credential: Credential) -> str:
    return f"/status/{credential.status_list_id}"


def test_the_status_list_is_signed_json_and_shows_a_revocation_at_once(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    first = client.get(status_path(credential))
    assert first.mimetype == "application/vc+ld+json"
    assert "proof" in first.json
    bits = StatusList.decode(first.json["credentialSubject"]["encodedList"])
    assert bits[credential.status_index] is False
    unchanged = client.get(
        status_path(credential), headers={"If-None-Match": first.headers["ETag"]}
    )
    assert unchanged.status_code == 304
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, credential.id, "a mistake", None, runtime.now())
    second = client.get(status_path(credential), headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    assert StatusList.decode(second.json["credentialSubject"]["encodedList"])[
        credential.status_index
    ]


def test_the_status_list_is_a_token_where_one_is_asked_for(
    client: FlaskClient, credential: Credential
) -> None:
    answer = client.get(status_path(credential), headers={"Accept": "application/vc+jwt"})
    assert answer.mimetype == "application/vc+jwt"
    assert answer.text.count(".") == 2
    both = {"Accept": "application/vc+ld+json, application/vc+jwt;q=0.5"}
    assert client.get(status_path(credential), headers=both).is_json


def test_an_issuer_has_a_page_and_a_profile(client: FlaskClient, district: District) -> None:
    page = client.get("/issuers/alder-valley", headers=HTML)
    assert page.mimetype == "text/html"
    assert "Questions That Open" in page.text
    profile = client.get("/issuers/alder-valley").json
    assert profile["id"] == district.issuer.did
    assert profile["type"] == ["Profile"]


def test_an_achievement_has_a_page_and_a_document(client: FlaskClient, district: District) -> None:
    path = f"/achievements/{district.version.id}"
    page = client.get(path, headers=HTML).text
    for words in ("Plan three questions", "Wait time: secure.", "20 to 900 words", "3b Uses"):
        assert words in page
    document = client.get(path).json
    assert document["id"] == f"https://milepost.test{path}"
    assert document["criteria"]["narrative"]
    assert document["creator"]["name"] == "Alder Valley Schools"
    assert (
        client.get(document["image"]["id"].removeprefix("https://milepost.test")).status_code == 200
    )


@pytest.mark.parametrize(("asked", "size"), [("64", 64), ("200", 200), ("", 600), ("9999", 600)])
def test_pictures_come_in_three_sizes(
    client: FlaskClient, district: District, asked: str, size: int
) -> None:
    answer = client.get(f"/achievements/{district.version.id}/image.png?size={asked}")
    assert Image.open(io.BytesIO(answer.data)).size == (size, size)
    again = client.get(
        f"/achievements/{district.version.id}/image.png?size={asked}",
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert again.status_code == 304


def test_the_drawing_holds_nobodys_badge(client: FlaskClient, district: District) -> None:
    answer = client.get(f"/achievements/{district.version.id}/image.svg")
    assert answer.mimetype == "image/svg+xml"
    assert "openbadges" not in answer.text
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_the_public_host_alone_sends_its_front_door_to_verify(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/verify")
