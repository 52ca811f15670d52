"""Badges on other people's pages, by private links, compared with an address, and printed."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from badges.awards import links
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.openbadges import baking
from badges.openbadges.report import Outcome
from badges.public import drawn_lines
from badges.public.certificate import CertificateWords, certificate_pdf, covered
from badges.public.verification import verify_address
from core.runtime import Runtime
from core.scope import unscoped
from tests.badges.public.conftest import HTML
from tests.support.badges import NOW, District, add_person, issue_credential

EMAIL = "wren@alder-valley.example"


def address(credential: Credential, tail: str = "") -> str:
    return f"/credentials/{credential.id}{tail}"


def revoke(runtime: Runtime, credential: Credential) -> None:
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, credential.id, "issued twice", None, runtime.now())


# The card for other sites


def test_the_card_may_stand_in_any_page_and_only_the_card(
    client: FlaskClient, credential: Credential
) -> None:
    card = client.get(address(credential, "/embed"), headers=HTML)
    assert "frame-ancestors *" in card.headers["Content-Security-Policy"]
    assert "<script" not in card.text
    assert "Wren Samplewood" in card.text
    assert "Valid, checked on" in card.text
    page = client.get(address(credential), headers=HTML)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert f"/credentials/{credential.id}/embed" in page.text


def test_the_card_of_a_withdrawn_badge_says_so_at_once(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    tag = client.get(address(credential, "/embed")).headers["ETag"]
    revoke(runtime, credential)
    card = client.get(address(credential, "/embed"), headers={"If-None-Match": tag})
    assert "Withdrawn by its issuer" in card.text


def test_an_unpublished_badge_has_no_card(client: FlaskClient, district: District) -> None:
    private = issue_credential(district, published=False)
    assert client.get(address(private, "/embed")).status_code == 404


# Is it this person's?


@pytest.mark.parametrize(
    ("typed", "words", "matches"),
    [
        (EMAIL, "Yes, it is theirs.", True),
        (f"  {EMAIL.upper()} ", "Yes, it is theirs.", True),
        ("somebody@else.example", "Not to this address.", False),
    ],
)
def test_an_address_is_compared_with_the_hash(
    client: FlaskClient, credential: Credential, typed: str, words: str, *, matches: bool
) -> None:
    form = {"email": typed}
    answer = client.post(address(credential, "/recipient"), data=form, headers=HTML)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert words in answer.text
    told = client.post(address(credential, "/recipient"), data=form)
    assert told.json == {"matches": matches}


def test_what_is_no_address_is_said_beside_the_field_and_kept(
    client: FlaskClient, credential: Credential
) -> None:
    answer = client.post(
        address(credential, "/recipient"), data={"email": "wren<at>home"}, headers=HTML
    )
    assert answer.status_code == 422
    assert "Type one whole address" in answer.text
    assert "wren&lt;at&gt;home" in answer.text
    assert client.post(address(credential, "/recipient"), data={}).status_code == 422


def test_a_badge_without_an_address_says_that_it_cannot_be_compared(
    client: FlaskClient, district: District
) -> None:
    person = add_person(district.runtime, district.organisation, "Ash Example", verified=False)
    found = issue_credential(district, person)
    assert "carries no e-mail address" in client.get(address(found), headers=HTML).text
    answer = client.post(address(found, "/recipient"), data={"email": "ash@alder-valley.example"})
    assert answer.json == {"matches": None}


def test_nobody_can_try_a_list_of_addresses(client: FlaskClient, credential: Credential) -> None:
    codes = [
        client.post(address(credential, "/recipient"), data={"email": f"a{n}@b.example"})
        for n in range(12)
    ]
    assert [answer.status_code for answer in codes].count(429) == 2
    assert codes[-1].headers["Retry-After"]


# Private links


@pytest.fixture
def link(district: District, runtime: Runtime) -> tuple[str, Credential]:
    """The path of a link to a badge that is not published."""
    runtime.clock = lambda: NOW + timedelta(hours=3)
    credential = issue_credential(district, published=False)
    with runtime.database.transaction() as session:
        made = links.make(
            session, runtime.config.master_key, credential.id, credential.person_id,
            days=7, label="", now=runtime.now(),
        )  # fmt: skip
    return f"/shared/{links.secret_of(runtime.config.master_key, made.id)}", credential


def test_a_link_shows_the_badge_in_every_form_and_lets_nobody_keep_it(
    client: FlaskClient, link: tuple[str, Credential]
) -> None:
    path, credential = link
    page = client.get(path, headers=HTML)
    assert "Wren Samplewood" in page.text
    assert "It works until 21 March 2026" in page.text
    assert "linkedin.com" not in page.text
    assert "/embed" not in page.text
    assert f"/credentials/{credential.id}" not in page.text
    for form in ("", ".json", ".jwt", ".png", ".svg", ".pdf"):
        answer = client.get(f"{path}{form}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    assert client.get(path).text == credential.document
    baked = baking.unbake(client.get(f"{path}.png").data)
    assert json.loads(baked.text) == json.loads(credential.document or "")
    answer = client.post(f"{path}/recipient", data={"email": EMAIL})
    assert answer.json == {"matches": True}


def test_a_linked_badge_can_be_verified_here_by_its_link(
    link: tuple[str, Credential], runtime: Runtime
) -> None:
    path, _credential = link
    report = verify_address(runtime, f"https://milepost.test{path}")
    assert report.outcome is Outcome.VALID


def test_a_link_that_is_over_or_never_was_opens_nothing(
    client: FlaskClient, link: tuple[str, Credential], runtime: Runtime
) -> None:
    path, _credential = link
    runtime.clock = lambda: NOW + timedelta(days=8)
    for form in ("", ".json", ".pdf"):
        over = client.get(f"{path}{form}", headers=HTML)
        assert (over.status_code, "This link has ended" in over.text) == (410, True)
    assert "no-store" in over.headers["Cache-Control"]
    for guess in ("x", "A" * 43, "A" * 500, "..%2f"):
        assert client.get(f"/shared/{guess}", headers=HTML).status_code == 404


def test_a_link_to_a_withdrawn_badge_says_so(
    client: FlaskClient, link: tuple[str, Credential], runtime: Runtime
) -> None:
    path, credential = link
    revoke(runtime, credential)
    assert "Do not rely on this badge" in client.get(path, headers=HTML).text


# The certificate

WORDS = CertificateWords(
    over_name="This badge was awarded to", name="Wren Samplewood", under_name="for",
    title="Questions That Open", level="Practitioner level", description="Plans questions.",
    facts=(("Awarded", "14 March 2026"),), scan="Scan the code.",
    address="https://milepost.test/credentials/0d2b4a1e-5a3e-4f3c-9c1f-7f6a6f1f2b3c",
    issuer="Alder Valley Schools", domain="milepost.test", warning="", made_on="Made today.",
    nameless="its holder", language="en", signed='{"a":"b"}', signed_name="badge.json",
    dated=datetime(2026, 11, 22, tzinfo=UTC),
)  # fmt: skip


def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGBA", (60, 60), (31, 111, 120, 128)).save(written, "PNG")
    return written.getvalue()


def named(name: str) -> CertificateWords:
    return CertificateWords(**{**vars(WORDS), "name": name})


def test_the_certificate_leads_to_the_page_and_differs_only_with_its_words(
    client: FlaskClient, credential: Credential, runtime: Runtime
) -> None:
    runtime.clock = lambda: NOW + timedelta(days=1)
    answer = client.get(address(credential, ".pdf"))
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert f"https://milepost.test/credentials/{credential.id}".encode() in answer.data
    assert "certificate-" in answer.headers["Content-Disposition"]
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert client.get(address(credential, ".pdf"), headers=tag).status_code == 304
    revoke(runtime, credential)
    after = client.get(address(credential, ".pdf"), headers=tag)
    assert after.status_code == 200
    assert after.data != answer.data


def test_the_same_words_give_the_same_page() -> None:
    assert certificate_pdf(WORDS, picture()) == certificate_pdf(WORDS, picture())


@settings(max_examples=6)
@given(st.text(min_size=1, max_size=60))
@example("محمد العربي")
@example("प्रियंका शर्मा")
@example("李小龍")
@example("\u0301\u0301 a\u0300\u0301\u0302")
@example("Ж" * 200)
@example("x" * 200)
@example("<&>\"'\x00\ufffe\ud800")
def test_no_name_breaks_the_certificate(name: str) -> None:
    assert certificate_pdf(named(name), picture()).startswith(b"%PDF-")


def test_letters_of_other_scripts_are_drawn_and_missing_ones_are_known() -> None:
    assert covered("Zoë Nguyễn Αθηνά Жанна")
    assert not covered("محمد")
    assert drawn_lines.missing("Wren") == ""
    nobody = "\U0010fffd"
    assert unicodedata.category(nobody) == "Co"
    (line,) = drawn_lines.draw("Wren", 30, (0, 0, 0), bold=True, width=400, lines=1)
    assert 40 < line.width < 120
    assert line.height == pytest.approx(52.5, abs=1)


def test_long_lines_are_broken_and_lose_nothing() -> None:
    text = "one two three fourteencharacters"
    lines = drawn_lines.broken(text, 8, len)
    assert all(len(line) <= 8 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert re.match("one two", lines[0])
