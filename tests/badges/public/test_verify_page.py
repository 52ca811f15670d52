"""/verify: every kind of badge and of non-badge, and every address that must not be fetched."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from badges.app import create_app
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.openbadges.report import Outcome
from badges.public.limits import RateLimit, TooManyRequestsError
from badges.public.mounting import Shared
from badges.public.verification import verify_address, verify_document
from core.errors import UnprocessableError
from core.http import FetchError, HttpClient, Response
from core.runtime import Runtime
from core.scope import unscoped
from tests.badges.openbadges.test_verify import AGENCY, endorsement
from tests.badges.public.conftest import HTML
from tests.support.badges import District, issue_credential
from tests.support.ob3 import mini_credential, sign

JSON = {"Accept": "application/json"}


def check(
    client: FlaskClient, data: dict[str, Any], headers: dict[str, str] = HTML
) -> TestResponse:
    return client.post("/verify", data=data, headers=headers)


def upload(
    client: FlaskClient, data: bytes, name: str, headers: dict[str, str] = HTML
) -> TestResponse:
    """Send a file as a browser does; the test client would leave a large body's file open."""
    head = f'--mark\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + b"\r\n--mark--\r\n"
    return client.post(
        "/verify", data=body, content_type="multipart/form-data; boundary=mark", headers=headers
    )


def test_the_form_is_there_and_takes_an_address_from_the_link(client: FlaskClient) -> None:
    page = client.get("/verify?url=https://badges.example/1", headers=HTML).text
    assert 'value="https://badges.example/1"' in page
    assert "<h1>Verify a badge</h1>" in page


def test_a_good_badge_holds_in_every_form(client: FlaskClient, credential: Credential) -> None:
    for form in (".png", ".svg", ".json", ".jwt"):
        data = client.get(f"/credentials/{credential.id}{form}").data
        page = upload(client, data, f"badge{form}").text
        assert "<h1>This badge is genuine and valid</h1>" in page
        assert "All 7 checks hold." in page
        assert "Wren Samplewood" in page
        assert "read directly from this service" in page
        assert "Does not hold" not in page


def test_text_and_address_work_as_well(client: FlaskClient, credential: Credential) -> None:
    own = f"https://milepost.test/credentials/{credential.id}"
    for values in (
        {"text": credential.document},
        {"text": own},
        {"url": own},
        {"url": f"{own}.jwt"},
    ):
        assert "This badge is genuine and valid" in check(client, values).text


def test_a_program_gets_the_report_as_json(client: FlaskClient, credential: Credential) -> None:
    answer = client.post("/verify", data=credential.document, content_type="application/json")
    assert answer.json["outcome"] == "valid"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json["steps"][0]["step"] == "read"


def test_reports_are_never_kept_by_caches(client: FlaskClient, credential: Credential) -> None:
    assert check(client, {"text": credential.document}).headers["Cache-Control"] == "no-store"


def test_a_withdrawn_badge_is_told_apart_with_its_reason(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, credential.id, "issued twice", None, runtime.now())
    page = check(client, {"text": credential.document}).text
    assert "<h1>This badge was withdrawn by its issuer</h1>" in page
    assert "6 of 7 checks hold." in page
    assert "issued twice" in page


def test_the_reason_of_a_private_badge_stays_private(
    client: FlaskClient, district: District, runtime: Runtime
) -> None:
    private = issue_credential(district, published=False)
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, private.id, "between us", None, runtime.now())
    page = check(client, {"text": private.document}).text
    assert "withdrawn by its issuer" in page
    assert "between us" not in page


def test_a_changed_badge_does_not_hold(client: FlaskClient, credential: Credential) -> None:
    document = json.loads(credential.document or "")
    document["credentialSubject"]["identifier"] = [
        {
            "type": "IdentityObject",
            "hashed": False,
            "identityHash": "Mallory",
            "identityType": "name",
        }
    ]
    page = check(client, {"text": json.dumps(document)}).text
    assert "<h1>Do not rely on this badge: its signature does not fit</h1>" in page
    assert "nothing of it is proven" in page


def test_a_badge_of_somebody_else_says_so(client: FlaskClient, credential: Credential) -> None:
    values = {"text": credential.document, "recipient": "wren@alder-valley.example"}
    assert "It belongs to this person" in check(client, values).text
    assert "genuine and valid" in check(client, values).text
    other = check(client, {**values, "recipient": "mallory@example.org"}).text
    assert "<h1>Not to this address.</h1>" in other
    assert "People have several addresses: ask which one the badge was issued to." in other


def test_what_is_no_address_is_refused_beside_its_field_and_nothing_is_judged(
    client: FlaskClient, credential: Credential
) -> None:
    answer = check(client, {"text": credential.document, "recipient": "nobody"})
    assert answer.status_code == 422
    assert "Type one whole address" in answer.text
    assert 'value="nobody"' in answer.text
    assert "checks hold" not in answer.text


@pytest.mark.parametrize("text", ["{}", '{"a": 1}', '{"type": "Cat", "name": "Tom"}'])
def test_of_json_that_is_no_badge_nothing_is_said_as_of_one(client: FlaskClient, text: str) -> None:
    page = check(client, {"text": text}).text
    assert "<h1>There is no badge in this</h1>" in page
    for said in ("An Open Badge 3.0 was read", "not signed by the issuer", "checks hold"):
        assert said not in page
    told = client.post("/verify", data=text.encode(), headers={"Accept": "application/json"}).json
    states = {step["step"]: step["status"] for step in told["steps"]}
    assert states.pop("read") == "passed"
    assert states.pop("shape") == "failed"
    assert set(states.values()) == {"not_possible"}
    assert told["outcome"] == "invalid"


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>
<svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>"""


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"hello", "a.txt"),
        (b"", "empty.json"),
        (b"{", "half.json"),
        (b"[" * 100_000, "deep.json"),
        (b"\x00" * 2_000_000, "zeros.png"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "broken.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "plain.svg"),
        (BOMB, "bomb.svg"),
        (OUTSIDE, "outside.svg"),
        (b"a.b.c", "token.jwt"),
        (b'{"id": 1, "id": 2}', "twice.json"),
        ('{"a": "\ud800"}'.encode("utf-8", "surrogatepass"), "surrogate.json"),
    ],
)
def test_what_holds_no_badge_gets_a_kind_report(
    client: FlaskClient, data: bytes, name: str
) -> None:
    answer = upload(client, data, name)
    assert answer.status_code == 200
    assert "root:" not in answer.text
    assert "<h1>There is no badge in this</h1>" in answer.text


def test_json_that_is_no_badge_is_judged_step_by_step(client: FlaskClient) -> None:
    page = check(client, {"text": '{"type": "Cat"}'}).text
    assert "Does not hold" in page
    assert "Where exactly" in page


def test_words_of_a_hostile_badge_stay_words(client: FlaskClient) -> None:
    evil = "<img src=x onerror=alert(1)>"
    document = {
        "@context": [evil], "type": [evil],
        "issuer": {"id": evil, "name": evil, "url": "javascript:1"},
        "credentialSubject": {"achievement": {"name": evil, "id": evil}, "identifier": evil},
    }  # fmt: skip
    page = check(client, {"text": json.dumps(document)}).text
    assert "<img src=x" not in page
    assert "javascript:1" not in page


@pytest.mark.parametrize("value", [None, 7, "x", [], [None], {"achievement": []}, [[{}]]])
def test_any_kind_of_value_in_any_place_is_survived(client: FlaskClient, value: Any) -> None:
    for name in (
        "issuer",
        "credentialSubject",
        "validFrom",
        "evidence",
        "name",
        "credentialStatus",
    ):
        document = {"@context": ["https://www.w3.org/ns/credentials/v2"], name: value}
        assert check(client, {"text": json.dumps(document)}).status_code == 200


EDGES = (
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59Z",
)  # fmt: skip


@pytest.mark.parametrize("moment", EDGES)
@pytest.mark.parametrize("name", ["validFrom", "validUntil", "awardedDate"])
def test_a_signed_badge_of_any_date_gets_a_report(
    client: FlaskClient, name: str, moment: str
) -> None:
    text = json.dumps(sign({**mini_credential(), name: moment}))
    for headers in (HTML, JSON):
        assert check(client, {"text": text}, headers).status_code == 200


@pytest.mark.parametrize("moment", [*EDGES, "0000-01-01T00:00:00Z", "9999-12-31T24:00:00Z"])
def test_whatever_carries_any_date_gets_a_report(client: FlaskClient, moment: str) -> None:
    names = ("validFrom", "validUntil", "awardedDate", "issuanceDate", "expirationDate")
    proof = {"type": "DataIntegrityProof", "created": moment, "expires": moment}
    newer = {**mini_credential(), **dict.fromkeys(names, moment), "proof": proof}
    older = {
        "@context": "https://w3id.org/openbadges/v2", "type": "Assertion", "id": "urn:uuid:1",
        "issuedOn": moment, "expires": moment, "verification": {"type": "HostedBadge"},
    }  # fmt: skip
    for found in (newer, older):
        for headers in (HTML, JSON):
            assert check(client, {"text": json.dumps(found)}, headers).status_code == 200


def test_nothing_at_all_asks_for_something(client: FlaskClient) -> None:
    answer = check(client, {})
    assert answer.status_code == 422
    assert "Write a badge’s address" in answer.text
    assert check(client, {}, JSON).status_code == 422


def test_more_than_5_megabytes_is_refused_with_the_limit(client: FlaskClient) -> None:
    answer = upload(client, b"\x00" * (5 * 1024 * 1024 + 1), "large.png")
    assert answer.status_code == 413
    assert "5 MB" in answer.text
    huge = upload(client, b"\x00" * (6 * 1024 * 1024), "huge.png")
    assert huge.status_code == 413


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://localhost/x",
        "http://127.0.0.1:22/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "https://0x7f000001/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "ftp://example.org/x",
        "javascript:alert(1)",
        "https://user:secret@example.org/",
        "not an address",
        "//example.org/x",
        "https://",
        "https://[",
    ],
)
def test_addresses_inside_the_network_are_never_fetched(
    runtime: Runtime, district: District, url: str
) -> None:
    """As in production, where loopback is not allowed either."""
    guarded = replace(runtime, http=HttpClient(allow_loopback=False))
    answer = check(create_app(runtime=guarded).test_client(), {"url": url})
    assert answer.status_code == 422
    assert "One thing to look at" in answer.text


class Elsewhere:
    """The network, as a table."""

    def __init__(self, answers: dict[str, Response | FetchError]) -> None:
        self.answers, self.asked = answers, list[str]()

    def get(self, url: str, **_options: Any) -> Response:
        self.asked.append(url)
        found = self.answers.get(url, FetchError("unreachable", "It could not be reached."))
        if isinstance(found, FetchError):
            raise found
        return found


def with_network(
    runtime: Runtime, answers: dict[str, Response | FetchError]
) -> tuple[FlaskClient, Elsewhere]:
    network = Elsewhere(answers)
    app: Flask = create_app(runtime=replace(runtime, http=network))  # type: ignore[arg-type]
    return app.test_client(), network


def test_a_page_for_people_is_explained(runtime: Runtime, district: District) -> None:
    url = "https://backpack.example/badge/1"
    page = Response(200, {"content-type": "text/html; charset=utf-8"}, b"<html>", url)
    client, _network = with_network(runtime, {url: page})
    answer = check(client, {"url": url})
    assert answer.status_code == 422
    assert "a page for people" in answer.text
    assert f'value="{url}"' in answer.text


def test_an_address_that_answers_with_an_error_is_named(
    runtime: Runtime, district: District
) -> None:
    url = "https://backpack.example/badge/1"
    client, _network = with_network(runtime, {url: Response(404, {}, b"", url)})
    assert "answers with status 404" in check(client, {"url": url}).text


def test_a_badge_of_another_issuer_is_checked_with_its_own_keys(
    runtime: Runtime, district: District, tmp_path: Path
) -> None:
    """Signed here, and read as another installation would: every document over the network."""
    credential = issue_credential(district)
    here = create_app(runtime=runtime).test_client()
    elsewhere = replace(
        runtime,
        config=replace(
            runtime.config, badge_url="https://other.test", base_url="https://other.test"
        ),
    )
    paths = (
        "/issuers/alder-valley/did.json",
        f"/status/{credential.status_list_id}",
        f"/credentials/{credential.id}",
    )
    answers = {}
    for path in paths:
        found = here.get(path)
        url = f"https://milepost.test{path}"
        answers[url] = Response(200, {"content-type": found.mimetype}, found.data, url)
    client, network = with_network(elsewhere, answers)
    page = check(client, {"url": f"https://milepost.test{paths[2]}"}).text
    assert "This badge is genuine and valid" in page
    assert "read directly from this service" not in page
    assert set(network.asked) == set(answers)


def test_an_issuer_that_does_not_answer_leaves_it_undecided(
    runtime: Runtime, district: District
) -> None:
    credential = issue_credential(district)
    elsewhere = replace(runtime, config=replace(runtime.config, badge_url="https://other.test"))
    client, _network = with_network(elsewhere, {})
    page = check(client, {"text": credential.document}).text
    assert "<h1>Not everything about this badge could be checked</h1>" in page
    assert "Could not be checked" in page


def test_on_loopback_our_own_documents_are_read_from_the_database(
    runtime: Runtime, tmp_path: Path
) -> None:
    from tests.support.badges import make_district

    local = replace(
        runtime,
        config=replace(
            runtime.config, badge_url="http://localhost:8000", base_url="http://localhost:8000"
        ),
        http=Elsewhere({}),  # type: ignore[arg-type]
    )
    credential = issue_credential(make_district(local))
    report = verify_document(local, credential.document or "")
    assert report.outcome is Outcome.VALID
    assert report.details["read_here"] == [
        "https://localhost:8000/issuers/alder-valley/did.json",
        f"http://localhost:8000/status/{credential.status_list_id}",
    ]


def test_a_badge_cannot_make_us_fetch_without_end(runtime: Runtime, district: District) -> None:
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": "https://evil.example/i"},
        "credentialStatus": [
            {
                "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
                "statusListIndex": "1", "statusListCredential": f"https://evil.example/{n}",
            }
            for n in range(200)
        ],
    }  # fmt: skip
    client, network = with_network(runtime, {})
    assert check(client, {"text": json.dumps(document)}).status_code == 200
    assert len(network.asked) <= 16


def test_one_address_may_not_ask_without_end(app: Flask, client: FlaskClient) -> None:
    shared: Shared = app.extensions["milepost_public"]
    app.extensions["milepost_public"] = replace(
        shared, verifications=RateLimit(2, seconds=60, clock=lambda: 0.0)
    )
    assert [check(client, {"text": "x"}).status_code for _ in range(3)] == [200, 200, 429]
    refused = check(client, {"text": "x"})
    assert refused.headers["Retry-After"] == "30"
    assert "One moment, please" in refused.text


def test_a_bucket_fills_up_again() -> None:
    now = [0.0]
    limit = RateLimit(2, seconds=10, clock=lambda: now[0])
    limit.take("a")
    limit.take("a")
    limit.take("b")
    with pytest.raises(TooManyRequestsError):
        limit.take("a")
    now[0] = 5.0
    limit.take("a")


def test_the_command_line_may_verify_without_an_application(
    runtime: Runtime, district: District
) -> None:
    assert verify_document(runtime, b"nothing").outcome is Outcome.INVALID
    with pytest.raises(UnprocessableError):
        verify_address(runtime, "file:///etc/passwd")


def test_each_endorsement_is_shown_with_its_own_answer(client: FlaskClient) -> None:
    document = mini_credential()
    achievement = document["credentialSubject"]["achievement"]
    forged = endorsement(achievement["id"])
    forged["credentialSubject"]["endorsementComment"] = "The best badge of all."
    achievement["endorsement"] = [forged]
    page = check(client, {"text": json.dumps(sign(document))}).text
    assert "What others say in it" in page
    assert "In good standing" in page
    assert "did:web:agency.example.org" in page
    assert "The best badge of all." not in page, "words that nobody is known to have said"


def test_an_endorsement_is_never_called_a_badge(runtime: Runtime, district: District) -> None:
    about = "did:web:district.example.org"
    [(url, keys)] = AGENCY.items()
    served = Response(200, {"content-type": "application/json"}, json.dumps(keys).encode(), url)
    client, _network = with_network(runtime, {url: served})
    good = check(client, {"text": json.dumps(endorsement(about))}).text
    said = good[good.index("<h1>") : good.index("Check another badge")]
    assert "This endorsement is genuine and valid" in said
    assert "In good standing" in said
    assert "We looked closely." in said
    assert about in said
    assert "badge" not in said.replace("Open Badges 3.0", "").lower()
    forged = {**endorsement(about), "name": "The very best"}
    bad = check(client, {"text": json.dumps(forged)}).text
    assert "Do not rely on this endorsement: its signature does not fit" in bad
    assert "We looked closely." not in bad, "words that nobody is known to have said"


def test_a_page_on_another_site_may_ask(client: FlaskClient, credential: Credential) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/verify", headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    refused = client.post("/verify", data=b"", headers=JSON)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (422, "*")


def test_a_program_that_names_no_type_is_refused_in_json(client: FlaskClient) -> None:
    empty = client.post("/verify", data=b"")
    assert (empty.status_code, empty.json["error"]) == (422, "nothing_to_check")
    large = client.post("/verify", data=b"{" * (6 * 1024 * 1024))
    assert (large.status_code, large.json["error"]) == (413, "badge_too_large")


def test_a_program_may_give_an_address_and_an_earner(
    client: FlaskClient, credential: Credential
) -> None:
    own = f"https://milepost.test/credentials/{credential.id}.png"
    query = {"url": own, "recipient": "wren@alder-valley.example"}
    report = client.post("/verify", query_string=query, headers=JSON).json
    assert report["outcome"] == "valid"
    assert report["steps"][-1]["step"] == "recipient"


def test_an_address_that_says_gone_is_a_revoked_badge_of_the_older_kind(
    runtime: Runtime, district: District
) -> None:
    url = "https://backpack.example/assertions/1"
    body = json.dumps({"id": url, "revoked": True, "revocationReason": "issued twice"}).encode()
    gone = Response(410, {"content-type": "application/json"}, body, url)
    client, _network = with_network(runtime, {url: gone})
    page = check(client, {"url": url}).text
    assert "<h1>This badge was withdrawn by its issuer</h1>" in page
    assert "issued twice" in page


@pytest.mark.parametrize("text", ["{", "hello", '{"a" 1}', "[" * 500, "<svg", "eyJ.x.y", '{"a":"b'])
def test_no_parser_speaks_on_the_page(client: FlaskClient, text: str) -> None:
    page = check(client, {"text": text}).text
    for words in ("Expecting", "line 1 column", "(char", "Error", "not well-formed"):
        assert words not in page


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ('<link rel="alternate" type="application/vc+ld+json" href="1.json">', True),
        ("<LINK REL=alternate TYPE=application/ld+json HREF=/badge/1.json>", True),
        ('<link rel="alternate" type="application/vc" href="https://evil.example/1.json">', False),
        ('<link rel="alternate" type="application/vc" href="http://[">', False),
        ('<link rel="alternate" type="application/vc" href="">', False),
        ('<link rel="stylesheet" type="application/vc" href="1.json">', False),
        ('<link rel="alternate" type="application/rss+xml" href="1.json">', False),
        ("<!--" + "<" * 1000, False),
    ],
)
def test_a_page_may_name_its_document_on_its_own_site(
    runtime: Runtime, district: District, link: str, found: bool
) -> None:
    url, document = "https://backpack.example/badge/1", "https://backpack.example/badge/1.json"
    answers: dict[str, Response | FetchError] = {
        url: Response(200, {"content-type": "text/html"}, f"<html>{link}".encode(), url),
        document: Response(200, {"content-type": "application/json"}, b'{"type": "x"}', document),
        "https://evil.example/1.json": Response(200, {}, b"{}", "https://evil.example/1.json"),
    }
    client, network = with_network(runtime, answers)
    assert check(client, {"url": url}).status_code == (200 if found else 422)
    assert network.asked == ([url, document] if found else [url])
