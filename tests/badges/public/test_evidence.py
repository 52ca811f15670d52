"""Published evidence, as strangers get it: never as a page of ours, nor once it is taken back."""

from __future__ import annotations

import hashlib
import io
import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from badges.awards import links, published_evidence, service
from badges.awards.evidence_models import PublishedEvidence
from badges.awards.models import Credential
from badges.awards.published_evidence import Piece
from badges.awards.revisions import sign_revision
from badges.openbadges import model as ob
from badges.public import evidence
from badges.public.verification import verify_document
from core.runtime import Runtime
from tests.badges.public.conftest import HTML
from tests.support.badges import NOW, District

LATER = NOW + timedelta(days=30)
BASE = "https://milepost.test"
TEXT = Piece(
    "text:reflection", 1, "text", "text", "Reflection", "reflection",
    text="One pupil said <script>alert(1)</script>.\n\nThen I waited.",
)  # fmt: skip
SCRIPT = b"<!doctype html><script>alert(document.domain)</script>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(autouse=True)
def clock(runtime: Runtime) -> None:
    runtime.clock = lambda: LATER


def stored(runtime: Runtime, data: bytes, media_type: str, shown_as: str = "download") -> Piece:
    """A file as the evidence room would hand it over."""
    kept = runtime.files.put(io.BytesIO(data), folder="evidence", max_bytes=10_000)
    return Piece(
        "file", 0, "file", shown_as, "Lesson plan", "lesson_plan", file_key=kept.key,
        filename="Lesson plan.bin", media_type=media_type, size=kept.size, sha256=kept.sha256,
        read_sha256=kept.sha256,
    )  # fmt: skip


def show(district: District, credential: Credential, *pieces: Piece) -> dict[str, str]:
    """Publish exactly these; the addresses by the pieces' keys."""
    with district.runtime.database.transaction() as session:
        published_evidence.publish(
            session, credential.id, credential.person_id, pieces, consent=True,
            badge_url=district.badge_url, now=LATER,
        )  # fmt: skip
    sign_revision(district.runtime, district.ring, credential.id)
    return {row.piece: address(row) for row in opened(district, credential)}


def opened(district: District, credential: Credential) -> list[PublishedEvidence]:
    with district.runtime.database.snapshot() as session:
        return published_evidence.open_pieces(session, credential.id)


def address(row: PublishedEvidence) -> str:
    return f"/credentials/{row.credential_id}/evidence/{row.id}"


def refusal(client: FlaskClient, at: str) -> tuple[int, str]:
    """The status and the code of an answer to a program."""
    answer = client.get(at, headers={"Accept": "application/json"})
    return answer.status_code, answer.json["error"]


def take_back(district: District, credential: Credential) -> None:
    with district.runtime.database.transaction() as session:
        for row in published_evidence.open_pieces(session, credential.id):
            published_evidence.take_back(session, row.id, credential.person_id, LATER)


def test_a_text_is_a_small_page_in_which_nothing_is_markup(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    at = show(district, credential, TEXT)["text:reflection"]
    answer = client.get(at, headers=HTML)
    assert answer.status_code == 200
    assert "Then I waited." in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text
    assert "Wren Samplewood" in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["Cache-Control"] == "public, no-cache"
    again = client.get(at, headers={**HTML, "If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_file_comes_whole_in_ranges_and_once(
    client: FlaskClient, district: District, credential: Credential, runtime: Runtime
) -> None:
    film = b"\x00\x00\x00\x18ftypmp42" + bytes(range(200))
    at = show(district, credential, stored(runtime, film, "video/mp4", "video"))["file"]
    whole = client.get(at)
    assert (whole.data, whole.mimetype) == (film, "video/mp4")
    assert whole.headers["Content-Disposition"].startswith("inline")
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    part = client.get(at, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data) == (206, b"ftyp")
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(film)}"
    assert client.get(at, headers={"Range": "bytes=9999-"}).status_code == 416
    tag = {"If-None-Match": whole.headers["ETag"]}
    assert client.get(at, headers=tag).status_code == 304
    assert client.head(at).headers["Content-Length"] == str(len(film))


def test_what_stands_at_the_address_has_the_digest_that_the_badge_names(
    client: FlaskClient, district: District, credential: Credential, runtime: Runtime
) -> None:
    at = show(district, credential, stored(runtime, b"%PDF-1.7 a plan", "application/pdf"))["file"]
    document = client.get(f"/credentials/{credential.id}.json").json
    (entry,) = [item for item in document["evidence"] if item.get("id") == f"{BASE}{at}"]
    found = hashlib.sha256(client.get(at).data).hexdigest()
    assert entry["digestMultibase"] == ob.sha256_multibase(found)
    assert verify_document(runtime, json.dumps(document).encode()).valid
    answer = client.get(at)
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("data", "media_type", "shown_as"),
    [
        (SCRIPT, "text/html", "download"),
        (DRAWING, "image/svg+xml", "download"),
        (DRAWING, "image/svg+xml", "image"),
        (SCRIPT, "text/html", "video"),
        (SCRIPT, "application/xhtml+xml", "download"),
        (SCRIPT, "text/xml", "download"),
        (SCRIPT, "text/javascript", "download"),
        (b"\x89PNG", "image/png", "download"),
    ],
)
def test_nothing_that_could_run_is_shown_in_a_window_or_named_as_markup(
    client: FlaskClient,
    district: District,
    credential: Credential,
    runtime: Runtime,
    data: bytes,
    media_type: str,
    shown_as: str,
) -> None:
    at = show(district, credential, stored(runtime, data, media_type, shown_as))["file"]
    answer = client.get(at)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_what_is_taken_back_is_gone_in_words_before_the_badge_says_so(
    client: FlaskClient, district: District, credential: Credential, runtime: Runtime
) -> None:
    pieces = (stored(runtime, b"plan", "text/plain"), TEXT)
    for at in show(district, credential, *pieces).values():
        assert client.get(at).status_code == 200
        tag = client.get(at).headers["ETag"]
        row = next(row for row in opened(district, credential) if address(row) == at)
        with runtime.database.transaction() as session:
            published_evidence.take_back(session, row.id, credential.person_id, LATER)
        answer = client.get(at, headers={**HTML, "If-None-Match": tag})
        assert answer.status_code == 410
        assert "taken this piece of evidence back" in answer.text
        assert refusal(client, at) == (410, "evidence_withdrawn")
        document = client.get(f"/credentials/{credential.id}.json").text
        assert at in document, "the badge is not issued anew yet"


def test_with_a_private_badge_its_evidence_is_private_too(
    client: FlaskClient, district: District, credential: Credential, runtime: Runtime
) -> None:
    at = show(district, credential, TEXT)["text:reflection"]
    with runtime.database.transaction() as session:
        service.unpublish(session, credential.id, credential.person_id, LATER)
        link = links.make(
            session, runtime.config.master_key, credential.id, credential.person_id, days=7,
            label="", now=LATER,
        )  # fmt: skip
    badge = refusal(client, f"/credentials/{credential.id}.json")
    assert refusal(client, at) == badge == (404, "credential_unknown")
    shared = f"/shared/{links.secret_of(runtime.config.master_key, link.id)}"
    page = client.get(shared, headers=HTML).text
    assert "shows this evidence with the badge: Reflection." in page
    assert at not in page
    assert client.get(at).status_code == 404, "a private link opens the badge, not its evidence"
    take_back(district, credential)
    assert client.get(at).status_code == 404, "whether there was any is nobody's business"
    with runtime.database.transaction() as session:
        service.publish(session, credential.id, credential.person_id, LATER)
    assert client.get(at).status_code == 410


def test_the_page_of_the_badge_lists_what_can_be_opened_and_names_the_rest(
    client: FlaskClient, district: District, credential: Credential, runtime: Runtime
) -> None:
    link = Piece("link", 2, "link", "link", "Lesson plan", "lesson_plan", url="https://x.example/1")
    before = client.get(f"/credentials/{credential.id}", headers=HTML)
    at = show(district, credential, TEXT, link)["text:reflection"]
    page = client.get(f"/credentials/{credential.id}", headers=HTML)
    assert f'href="{BASE}{at}"' in page.text
    assert 'href="https://x.example/1" rel="noopener noreferrer nofollow"' in page.text
    assert "On another site: x.example" in page.text
    assert page.headers["ETag"] != before.headers["ETag"]
    assert "It stays private" not in page.text
    assert "It stays private" in before.text
    report = client.post("/verify", data={"url": f"{BASE}/credentials/{credential.id}"},
                         headers=HTML)  # fmt: skip
    assert f'href="{BASE}{at}"' in report.text
    with runtime.database.transaction(district.organisation.scope) as session:
        service.revoke(session, credential.id, "Awarded by mistake.", None, LATER)
    assert at not in client.get(f"/credentials/{credential.id}", headers=HTML).text


def test_addresses_that_nobody_published_look_alike(
    client: FlaskClient, district: District, credential: Credential
) -> None:
    at = show(district, credential, TEXT)["text:reflection"]
    place = at.rsplit("/", 1)[1]
    for wrong in (
        f"/credentials/{credential.id}/evidence/{uuid.uuid4()}",
        f"/credentials/{uuid.uuid4()}/evidence/{place}",
    ):
        assert refusal(client, wrong) == (404, "credential_unknown")
    link = Piece("link", 2, "link", "link", "Lesson plan", "lesson_plan", url="https://x.example/1")
    assert client.get(show(district, credential, link)["link"]).status_code == 404


def test_a_file_that_was_lost_is_said_to_be(
    client: FlaskClient, district: District, credential: Credential, runtime: Runtime
) -> None:
    piece = stored(runtime, b"plan", "text/plain")
    at = show(district, credential, piece)["file"]
    runtime.files.delete(piece.file_key or "")
    answer = client.get(at, headers=HTML)
    assert answer.status_code == 404
    assert "This file is no longer here." in answer.text


def test_nobody_opens_it_without_end(
    client: FlaskClient,
    district: District,
    credential: Credential,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evidence, "PER_MINUTE", 2)
    at = show(district, credential, replace(TEXT, text="Short."))["text:reflection"]
    assert [client.get(at).status_code for _look in range(3)] == [200, 200, 429]
