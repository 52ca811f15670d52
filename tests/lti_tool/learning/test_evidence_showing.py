"""A teacher shows evidence with their badge: sees all of it, chooses, confirms, takes it back."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from badges.achievements import service as achievements
from badges.awards import published_evidence, service
from badges.awards.models import Award, Credential
from badges.awards.revisions import sign_revision
from badges.awards.signing import sign_credential
from badges.openbadges.model import sha256_multibase
from badges.pathways import service as pathways
from core.runtime import Runtime
from keys.shared import ring_of
from lti_tool.evidence import drafts, images
from lti_tool.evidence.uploads import ReceivedFile
from lti_tool.learning.evidence_pieces import pieces_of
from lti_tool.review import intake
from tests.lti_tool.learning.conftest import Visit, mark_as_test_student, visit_as
from tests.lti_tool.review.world import COACH, NOW, REFLECTION, World, make_world
from tests.support.badges import DOCUMENT

LATER = NOW + timedelta(hours=3)
LINK = "https://docs.example.org/plan"
PLAN = b"%PDF-1.7 a plan"
CONSENT = {"consent": "yes", "do": "show"}
ASKED = [
    DOCUMENT["evidence_asked"][0] | {"maximum": 4},
    DOCUMENT["evidence_asked"][1],
    {
        "id": "work", "kind": "student_work", "title": "Work of pupils", "help": "Two pieces.",
        "minimum": 0, "maximum": 2, "required": False,
    },
]  # fmt: skip


@dataclass
class Earned:
    """Wren's published badge, and what it rests on."""

    world: World
    award: Award
    credential: Credential
    visit: Visit

    @property
    def page(self) -> str:
        return f"/badges/{self.award.id}/evidence"

    def keys(self) -> dict[str, str]:
        """The pieces' keys by their labels."""
        with self.world.read() as session:
            return {one.label: one.piece.key for one in pieces_of(session, self.award)}

    def send(self, *labels: str, **values: str) -> TestResponse:
        """Tick these and press a button."""
        keys = self.keys()
        data: MultiDict[str, str] = MultiDict(values)
        data.setlist("piece", [keys.get(label, label) for label in labels])
        data["csrf_token"] = self.visit.token(self.page)
        return self.visit.client.post(
            f"/s/{self.visit.sid}{self.page}", base_url="https://milepost.test", data=data
        )

    def addresses(self) -> list[str]:
        found = re.findall(r'readonly value="([^"]+)"', self.visit.get(self.page).text)
        return [unescape(address) for address in found]

    def document(self) -> dict[str, Any]:
        """The badge as it says now, once what waits is signed."""
        runtime = self.world.runtime
        sign_revision(runtime, ring_of(runtime), self.credential.id)
        with runtime.database.snapshot() as session:
            found = service.own_credential(session, self.credential.id, self.credential.person_id)
        document: dict[str, Any] = json.loads(found.document or "")
        return document


def photo() -> bytes:
    """A photograph that tells where it was taken."""
    made = Image.new("RGB", (40, 30), "teal")
    exif = Image.Exif()
    exif[0x010E] = "Room 12, Elm Hill School"
    out = io.BytesIO()
    made.save(out, "JPEG", exif=exif)
    return out.getvalue()


def put(runtime: Runtime, data: bytes, name: str, media_type: str) -> ReceivedFile:
    kept = runtime.files.put(io.BytesIO(data), folder="evidence", max_bytes=100_000)
    if not media_type.startswith("image/jp"):
        return ReceivedFile(kept.key, name, media_type, kept.sha256, kept.size)
    drawn = images.preview(io.BytesIO(data))
    shown = runtime.files.put(io.BytesIO(drawn.data), folder="evidence", max_bytes=100_000)
    return ReceivedFile(
        kept.key, name, media_type, kept.sha256, kept.size, shown.key, drawn.media_type
    )


@pytest.fixture
def earned(app: Flask, runtime: Runtime) -> Earned:
    runtime.clock = lambda: LATER
    world = make_world(runtime, review=COACH, evidence_asked=ASKED)
    wren = world.people["Wren"]
    with world.write() as session:
        version = achievements.current(session, world.achievement.id)
        pathways.enrol(session, wren, version, NOW)
    revision = world.draft("Wren")
    files = [
        ("plan", put(runtime, PLAN, "Plan for Ana Elm.pdf", "application/pdf")),
        ("plan", put(runtime, b"<html><script>1</script>", "Page.html", "text/html")),
        ("work", put(runtime, photo(), "IMG_2041.jpeg", "image/jpeg")),
    ]
    with world.write() as session:
        for asked, received in files:
            drafts.add_file(session, revision.id, wren.id, asked, received, NOW)
        drafts.save(
            session, revision.id, wren.id, texts={}, releases={"work": "released"}, version=None,
            now=NOW,
        )  # fmt: skip
        intake.send(session, revision.id, wren.id, key="k1", now=NOW)
    world.review("Otto", revision, 3, 3)
    with runtime.database.transaction() as session:
        (award,) = service.offers(session, wren.id)
        made = service.accept(
            session, award.id, wren.id, name="Wren", badge_url=runtime.config.badge_url, now=NOW
        )
    sign_credential(runtime, ring_of(runtime), made.id)
    with runtime.database.transaction() as session:
        service.publish(session, made.id, wren.id, NOW)
        credential = service.own_credential(session, made.id, wren.id)
    return Earned(world, award, credential, visit_as(app, world, wren))  # type: ignore[arg-type]


def test_every_piece_that_the_badge_rests_on_is_listed_with_its_kind_and_size(
    earned: Earned,
) -> None:
    badge = earned.visit.get(f"/badges/{earned.award.id}").text
    assert "Show evidence with this badge" in badge
    page = unescape(earned.visit.get(earned.page).text)
    for words in (
        "My plan", "Link to docs.example.org, for “Lesson plan”",
        "Plan for Ana Elm.pdf", "PDF file, 15 B, for “Lesson plan”", "Page.html",
        "IMG_2041.jpeg", "You said that pupils can be recognised in it.",
        "Reflection", f"What you wrote, {len(REFLECTION.split())} words",
        "Account of what was done",
        "Everybody who has the badge can open these pieces", "need their consent",
    ):  # fmt: skip
        assert words in page, words
    assert "checked" not in page


def test_what_will_be_shown_is_seen_before_anything_is_shown(earned: Earned) -> None:
    page = earned.send("Reflection", "My plan", "IMG_2041.jpeg", do="look")
    text = unescape(page.text)
    assert page.status_code == 200
    assert REFLECTION[:40] in text
    assert LINK in text
    assert "Others get it as “Work of pupils.jpg”." in text
    assert "Plan for Ana Elm" not in text
    assert earned.addresses() == []
    picture = re.search(r'img src="/s/[^/]+(/badges/[^"]+)"', page.text)
    assert picture
    look = earned.visit.get(picture[1])
    assert look.mimetype == "image/jpeg"
    assert look.headers["Cache-Control"] == "private, no-store"
    assert b"Elm Hill" not in look.data, "what is seen is what strangers get"
    again = earned.send("Reflection", do="choose").text
    assert again.count("checked") == 1


def test_without_consent_nothing_is_shown_and_nothing_is_lost(earned: Earned) -> None:
    answer = earned.send("Reflection", do="show")
    assert answer.status_code == 422
    assert "Confirm this first." in answer.text
    assert REFLECTION[:40] in unescape(answer.text)
    assert earned.addresses() == []


def test_what_is_confirmed_is_open_to_strangers_and_stands_in_the_badge(
    earned: Earned, app: Flask
) -> None:
    earned.send("Reflection", "My plan", "Plan for Ana Elm.pdf", **CONSENT)
    document, stranger = earned.document(), app.test_client()
    addresses = earned.addresses()
    ids = [item["id"] for item in document["evidence"] if "id" in item]
    assert sorted(ids) == sorted(addresses)
    assert LINK in ids
    found = {
        address: stranger.get(address.removeprefix("https://milepost.test"))
        for address in ids
        if address != LINK
    }
    plan, text = sorted(found.values(), key=lambda answer: answer.mimetype)
    assert plan.data == PLAN
    assert plan.headers["Content-Disposition"] == 'attachment; filename="Lesson plan.pdf"'
    assert REFLECTION[:40] in text.get_data(as_text=True)
    assert "Ana Elm" not in json.dumps(document)
    assert earned.visit.get(f"/badges/{earned.award.id}").text.count("(3 pieces)") == 1


def test_a_picture_is_shown_without_what_the_camera_noted_and_its_digest_is_its_own(
    earned: Earned, app: Flask
) -> None:
    earned.send("IMG_2041.jpeg", **CONSENT)
    (entry,) = [item for item in earned.document()["evidence"] if "id" in item]
    answer = app.test_client().get(entry["id"].removeprefix("https://milepost.test"))
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert b"Elm Hill" in photo()
    assert b"Elm Hill" not in answer.data
    assert answer.headers["Content-Length"] == str(len(answer.data))
    digest = hashlib.sha256(answer.data).hexdigest()
    assert entry["digestMultibase"] == sha256_multibase(digest)


def test_a_page_that_somebody_uploaded_is_never_a_page_of_ours(earned: Earned, app: Flask) -> None:
    earned.send("Page.html", **CONSENT)
    (address,) = earned.addresses()
    answer = app.test_client().get(address.removeprefix("https://milepost.test"))
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_each_piece_is_taken_back_by_one_press(earned: Earned, app: Flask) -> None:
    earned.send("Reflection", **CONSENT)
    (address,) = earned.addresses()
    back = re.search(r'action="/s/[^/]+(/badges/[^"]+/back)"', earned.visit.get(earned.page).text)
    assert back
    assert earned.visit.post(back[1], {}, page=earned.page).status_code == 303
    answer = app.test_client().get(
        address.removeprefix("https://milepost.test"), headers={"Accept": "text/html"}
    )
    assert answer.status_code == 410
    assert earned.visit.post(back[1], {}, page=earned.page).status_code == 303
    published_evidence.rewrite(earned.world.runtime, earned.credential.id)
    assert all("id" not in item for item in earned.document()["evidence"])


def test_unticking_takes_back_too_and_is_seen_first(earned: Earned) -> None:
    earned.send("Reflection", "My plan", **CONSENT)
    look = earned.send("My plan", do="look").text
    assert "What is taken back" in look
    assert "Nobody can be recognised in it" not in look, "nothing new is shown"
    earned.send("My plan", do="show")
    assert earned.addresses() == [LINK]


def test_only_ones_own_evidence_and_only_of_the_revision_that_counted_is_shown(
    earned: Earned, app: Flask
) -> None:
    robin = earned.world.send("Robin")
    with earned.world.read() as session:
        foreign = [str(item.id) for item in session.merge(robin).items]
    look = earned.send(*foreign, "text:plan", do="look").text
    assert "No piece of evidence will be shown" in look
    earned.send(*foreign, **CONSENT)
    assert earned.addresses() == []
    other = visit_as(app, earned.world, earned.world.people["Robin"])  # type: ignore[arg-type]
    assert other.get(earned.page).status_code == 404
    picture = earned.keys()["IMG_2041.jpeg"]
    assert earned.visit.get(f"{earned.page}/{picture}").status_code == 200
    assert other.get(f"{earned.page}/{picture}").status_code == 404
    assert earned.visit.get(f"{earned.page}/{foreign[0]}").status_code == 404
    assert other.post(earned.page, {**CONSENT}, page="/notices").status_code == 404


def test_a_file_that_was_lost_is_told_and_nothing_is_shown(
    earned: Earned, runtime: Runtime
) -> None:
    with earned.world.read() as session:
        key = next(
            one.piece.file_key
            for one in pieces_of(session, earned.award)
            if one.label == "Plan for Ana Elm.pdf"
        )
    runtime.files.delete(key or "")
    answer = earned.send("Plan for Ana Elm.pdf", "Reflection", **CONSENT)
    assert answer.status_code == 404
    assert "This file is no longer here." in answer.text
    assert earned.addresses() == []


def test_a_badge_without_evidence_and_a_test_student_are_told(
    earned: Earned, runtime: Runtime
) -> None:
    mark_as_test_student(runtime, earned.world.people["Wren"])
    assert earned.send("Reflection", **CONSENT).status_code == 409
    with earned.world.write() as session:
        award = session.get_one(Award, earned.award.id)
        award.receipt = {**award.receipt, "facts": []}
    assert "There is no evidence to show" in earned.visit.get(earned.page).text


def test_ones_archive_and_what_is_kept_tell_of_it(earned: Earned) -> None:
    earned.send("Reflection", **CONSENT)
    archive = zipfile.ZipFile(io.BytesIO(earned.visit.get("/archive.zip").data))
    (told,) = json.loads(archive.read("data.json"))["published_evidence"]
    assert (told["name"], told["address"]) == ("Reflection", earned.addresses()[0])
    assert told["taken_back_at"] is None
    assert "Evidence that you showed with badges" in earned.visit.get("/kept").text
