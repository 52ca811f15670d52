"""A published badge: as a page, as documents, as pictures; and nothing of an unpublished one."""

from __future__ import annotations

import html
import io
import json
import re
import uuid
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from PIL import Image

from badges.awards import service as awards
from badges.awards.models import Credential
from badges.openbadges import baking
from badges.openbadges.report import Outcome
from badges.public.verification import verify_document
from core.identity import Organisation
from core.runtime import Runtime
from core.scope import unscoped
from tests.badges.public.conftest import HTML
from tests.support.badges import District, add_person, issue_credential

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVERY_FORM = ("", ".json", ".jwt", ".png", ".svg", ".pdf")
BADGES = EVERY_FORM[:-1]


def address(credential: Credential, form: str = "") -> str:
    return f"/credentials/{credential.id}{form}"


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/vc+ld+json, */*"])
def test_whoever_does_not_name_html_gets_the_signed_document(
    client: FlaskClient, credential: Credential, accept: str | None
) -> None:
    answer = client.get(address(credential), headers={"Accept": accept} if accept else {})
    assert answer.text == credential.document
    assert answer.mimetype in {"application/vc+ld+json", "application/json"}


def test_a_browser_gets_the_page(client: FlaskClient, credential: Credential) -> None:
    answer = client.get(address(credential), headers=HTML)
    assert answer.mimetype == "text/html"
    assert "Wren Samplewood" in answer.text
    assert "Accept" in answer.headers["Vary"]
    assert "Accept-Language" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/ld+json", "application/ld+json"),
        ("application/json", "application/json"),
        ("text/html;q=0.2, application/vc", "application/vc"),
        ("application/vc+jwt", "text/plain"),
        ("text/html;q=0", "application/vc+ld+json"),
    ],
)
def test_the_form_that_is_named_highest_is_served(
    client: FlaskClient, credential: Credential, accept: str, media_type: str
) -> None:
    assert client.get(address(credential), headers={"Accept": accept}).mimetype == media_type


def test_the_token_is_plain_text(client: FlaskClient, credential: Credential) -> None:
    answer = client.get(address(credential, ".jwt"))
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text == credential.jwt


def test_every_file_verifies(client: FlaskClient, credential: Credential, runtime: Runtime) -> None:
    for form in BADGES:
        report = verify_document(runtime, client.get(address(credential, form)).data)
        assert report.outcome is Outcome.VALID
        assert report.details["read_here"]


def test_a_baked_picture_holds_the_very_document(
    client: FlaskClient, credential: Credential
) -> None:
    for form in (".png", ".svg"):
        baked = baking.unbake(client.get(address(credential, form)).data)
        assert baked.version == 3
        assert json.loads(baked.text) == json.loads(credential.document or "")


def test_the_picture_is_600_pixels_wide(client: FlaskClient, credential: Credential) -> None:
    answer = client.get(address(credential, ".png"))
    assert Image.open(io.BytesIO(answer.data)).size == (600, 600)


@pytest.mark.parametrize("headers", [HTML, {}, {"Accept": "application/json"}])
def test_an_unpublished_badge_answers_as_one_that_does_not_exist(
    client: FlaskClient, district: District, headers: dict[str, str]
) -> None:
    private = issue_credential(district, published=False)
    fixed = {**headers, "X-Request-Id": "0123456789abcdef"}
    for form in EVERY_FORM:
        hidden = client.get(address(private, form), headers=fixed)
        unknown = client.get(f"/credentials/{uuid.uuid4()}{form}", headers=fixed)
        assert hidden.status_code == unknown.status_code == 404
        moment = re.compile(r"\d\d:\d\d")
        assert moment.sub("", hidden.text) == moment.sub("", unknown.text)
        same = {"Date", "Content-Length"}
        assert [pair for pair in hidden.headers if pair[0] not in same] == [
            pair for pair in unknown.headers if pair[0] not in same
        ]


def test_a_badge_taken_back_is_gone_at_once(
    client: FlaskClient, credential: Credential, district: District, runtime: Runtime
) -> None:
    assert client.get(address(credential), headers=HTML).status_code == 200
    with runtime.database.transaction() as session:
        awards.unpublish(session, credential.id, district.learner.id, runtime.now())
    for form in EVERY_FORM:
        assert client.get(address(credential, form), headers=HTML).status_code == 404


def test_documents_may_be_read_by_any_site_and_kept_for_a_short_time(
    client: FlaskClient, credential: Credential
) -> None:
    for form in BADGES:
        answer = client.get(address(credential, form))
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert answer.headers["Last-Modified"]
        assert "Set-Cookie" not in answer.headers


def test_what_the_client_has_already_is_not_sent_again(
    client: FlaskClient, credential: Credential
) -> None:
    for form in EVERY_FORM:
        tag = client.get(address(credential, form)).headers["ETag"]
        again = client.get(address(credential, form), headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Access-Control-Allow-Origin"] == "*"


def test_the_page_carries_an_etag_too(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    runtime.clock = lambda: NOON
    tag = client.get(address(credential), headers=HTML).headers["ETag"]
    again = client.get(address(credential), headers={**HTML, "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert tag.startswith("W/")


def test_a_preflight_is_answered(client: FlaskClient, credential: Credential) -> None:
    answer = client.options(address(credential))
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]


def test_refusals_can_be_read_by_other_sites(client: FlaskClient) -> None:
    answer = client.get(f"/credentials/{uuid.uuid4()}", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json["error"] == "credential_unknown"


def test_a_drawing_can_run_nothing(client: FlaskClient, credential: Credential) -> None:
    answer = client.get(address(credential, ".svg"))
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def meta(page: str, name: str) -> str:
    found = re.search(rf'<meta (?:property|name)="{name}" content="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


def test_other_sites_can_show_a_card_of_it(client: FlaskClient, credential: Credential) -> None:
    page = client.get(address(credential), headers=HTML).text
    assert meta(page, "og:title") == "Questions That Open, Wren Samplewood"
    assert meta(page, "og:url") == f"https://milepost.test/credentials/{credential.id}"
    assert meta(page, "og:description") == meta(page, "description")
    picture = urlsplit(meta(page, "og:image"))
    assert (picture.scheme, picture.netloc) == ("https", "milepost.test")
    assert client.get(picture.path).mimetype == "image/png"


def test_search_engines_are_asked_to_leave_it_out(
    client: FlaskClient, credential: Credential
) -> None:
    assert meta(client.get(address(credential), headers=HTML).text, "robots") == "noindex"


def test_the_page_says_who_what_when_and_how_well(
    client: FlaskClient, credential: Credential
) -> None:
    page = client.get(address(credential), headers=HTML).text
    for words in (
        "Valid, checked on",
        "<b>milepost.test</b>",
        "14 March 2026",
        "14 March 2029",
        "Planned questions",
        "<b>3 of 4</b> Secure",
        "Secure or better on every line of the rubric",
        "did:web:milepost.test:issuers:alder-valley",
    ):
        assert words in page


def test_linkedin_gets_every_value_encoded(client: FlaskClient, credential: Credential) -> None:
    page = client.get(address(credential), headers=HTML).text
    found = re.search(r'href="(https://www.linkedin.com/profile/add[^"]+)"', page)
    assert found
    values = parse_qs(urlsplit(html.unescape(found[1])).query)
    assert values == {
        "startTask": ["CERTIFICATION_NAME"],
        "name": ["Questions That Open"],
        "organizationName": ["Alder Valley Schools"],
        "issueYear": ["2026"],
        "issueMonth": ["3"],
        "expirationYear": ["2029"],
        "expirationMonth": ["3"],
        "certUrl": [f"https://milepost.test/credentials/{credential.id}"],
        "certId": [str(credential.id)],
    }


def revoke(runtime: Runtime, credential: Credential, reason: str) -> None:
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, credential.id, reason, None, runtime.now())


def test_a_withdrawn_badge_says_so_with_the_reason(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    assert "Valid, checked" in client.get(address(credential), headers=HTML).text
    revoke(runtime, credential, "issued <twice>")
    page = client.get(address(credential), headers=HTML).text
    assert "Withdrawn by its issuer" in page
    assert "issued &lt;twice&gt;" in page
    assert "Valid, checked" not in page


def test_an_expired_badge_says_so(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    runtime.clock = lambda: datetime(2030, 1, 1, tzinfo=UTC)
    page = client.get(address(credential), headers=HTML).text
    assert "Expired on 14 March 2029" in page
    assert "Out of date" in page


def test_a_badge_from_the_future_says_so(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    runtime.clock = lambda: datetime(2026, 3, 1, tzinfo=UTC)
    assert "Valid from 14 March 2026 on" in client.get(address(credential), headers=HTML).text


def test_a_hostile_name_is_shown_as_it_was_typed(
    client: FlaskClient, district: District, organisation: Organisation, runtime: Runtime
) -> None:
    name = '"><script>alert(1)</script> {{ 7*7 }} O’Neill & Söhne'
    person = add_person(runtime, organisation, name)
    found = issue_credential(district, person)
    page = client.get(address(found), headers=HTML).text
    assert "<script>alert" not in page
    assert "49" not in re.sub(r"[0-9a-f-]{12,}", "", meta(page, "og:title"))
    assert html.escape(name, quote=False).replace('"', "&#34;") in page
    assert meta(page, "og:title").endswith(name)


def test_no_session_or_cookie_changes_the_page(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    runtime.clock = lambda: NOON
    plain = client.get(address(credential), headers=HTML).text
    client.set_cookie("__Host-milepost-x", "secret", domain="localhost")
    assert client.get(address(credential), headers=HTML).text == plain
