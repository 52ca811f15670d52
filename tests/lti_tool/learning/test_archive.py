"""Everything one holds as one archive: complete, readable elsewhere, and one's own alone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask

from badges.achievements.images import ImageStore
from badges.openbadges import unbake
from badges.public.verification import verify_document
from core.errors import NotFoundError
from core.runtime import Runtime
from lti_tool.access.leaving_views import may_open
from lti_tool.evidence import drafts
from lti_tool.evidence.uploads import ReceivedFile
from lti_tool.learning.archive import views
from lti_tool.learning.archive.contents import archive_of
from lti_tool.learning.archive.names import Names, plain
from lti_tool.learning.archive.zipping import Entry, stream
from lti_tool.review import intake
from tests.lti_tool.learning.conftest import NOW, Visit
from tests.lti_tool.review.world import COACH, make_world
from tests.support.badges import District, add_person, issue_credential
from tests.support.elsewhere import Network, badge

AT = datetime(2026, 3, 14, 10, 30, tzinfo=UTC)


def opened(data: bytes) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return archive


def test_everything_of_ones_own_is_in_it_and_verifies_without_us(
    app: Flask, visit: Visit, district: District, runtime: Runtime
) -> None:
    runtime.http = Network()  # type: ignore[assignment]
    held = issue_credential(district, published=False)
    other = issue_credential(district, add_person(runtime, district.organisation, "Ash Example"))
    visit.post("/elsewhere", {"text": json.dumps(badge())})
    visit.post("/portfolio/begin", {}, page="/portfolio")
    assert "1 badge, in all its forms" in visit.get("/archive").text
    answer = visit.get("/archive.zip")
    assert answer.mimetype == "application/zip"
    assert "Wren-Samplewood-" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "private, no-store"
    archive = opened(answer.data)
    names = archive.namelist()
    folder = "badges/Questions-That-Open"
    assert names[0] == "READ ME FIRST.txt"
    assert {f"{folder}/badge.{form}" for form in ("json", "jwt", "png", "svg")} <= set(names)
    assert archive.read(f"{folder}/badge.json").decode() == held.document
    assert archive.read(f"{folder}/certificate.pdf").startswith(b"%PDF")
    for form in ("png", "svg"):
        assert json.loads(unbake(archive.read(f"{folder}/badge.{form}")).text)["id"].endswith(
            str(held.id)
        )
    assert verify_document(runtime, archive.read(f"{folder}/badge.jwt")).version == 3
    brought = archive.read("badges-from-elsewhere/Listening/badge.json")
    assert json.loads(brought) == badge()
    data = json.loads(archive.read("data.json"))
    assert data["person"]["email"] == "wren@alder-valley.example"
    assert data["badges"][0]["credentials"][0]["folder"] == folder
    assert data["page"]["sections"][0]["title"] == "My badges"
    assert [one["kind"] for one in data["facts"]] == ["decision", "badge"]
    assert data["facts"][0]["reviews"] == [{"role": "coach", "independent": True}]
    whole = b"".join(archive.read(name) for name in names)
    assert str(other.id).encode() not in whole
    paper = archive.read(names[0]).decode()
    assert "Made on" in paper
    assert "Wren Samplewood" in paper


def test_evidence_is_in_it_with_what_was_answered_and_without_who_reviewed(
    runtime: Runtime,
) -> None:
    world = make_world(runtime, review=COACH)
    wren, plan = world.people["Wren"].id, b"%PDF-1.7 a plan"
    revision = world.draft("Wren")
    kept = runtime.files.put(io.BytesIO(plan), folder="evidence", max_bytes=1000)
    received = ReceivedFile(kept.key, "Plan.pdf", "application/pdf", kept.sha256, kept.size)
    with world.write() as session:
        drafts.add_file(session, revision.id, wren, "plan", received, NOW)
        intake.send(session, revision.id, wren, key="k1", now=NOW)
    world.review("Otto", revision, 3, 3)
    images = ImageStore(runtime.config.home / "images")
    with world.read() as session:
        found = archive_of(session, runtime, images, wren, NOW)
        other = archive_of(session, runtime, images, world.people["Otto"].id, NOW)
    archive = opened(b"".join(stream(found.entries)))
    data = json.loads(archive.read("data.json"))
    [work] = data["evidence"]
    [sent] = work["revisions"]
    path = "evidence/Questions-That-Open/revision-1/Plan.pdf"
    assert [item.get("file") or item["url"] for item in sent["items"]] == [
        "https://docs.example.org/plan", path,
    ]  # fmt: skip
    assert (found.files, found.file_bytes) == (1, len(plan))
    assert archive.read(path) == plan
    assert b"Reflection\n\n" in archive.read("evidence/Questions-That-Open/revision-1/texts.txt")
    assert (sent["state"], sent["feedback"]["met"]) == ("met", True)
    assert sent["feedback"]["criteria"][0]["remarks"][0]["comment"] == "About planned."
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert str(world.people["Otto"].id).encode() not in whole
    assert b"Otto" not in whole
    assert other.works == 0, "reviews of others' work are not in one's own archive"


def test_who_holds_nothing_is_told_so_and_still_gets_their_data(visit: Visit) -> None:
    page = visit.get("/archive").text
    assert "You hold no badge and have sent no evidence yet." in page
    assert opened(visit.get("/archive.zip").data).namelist() == ["READ ME FIRST.txt", "data.json"]


def test_it_may_not_be_taken_without_end(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PER_PERSON", replace(views.PER_PERSON, most=2))
    sizes = [len(visit.get("/archive.zip").data) for _time in range(2)]  # sent to the end
    assert all(sizes)
    assert visit.get("/archive.zip").status_code == 429


def test_nobody_without_a_visit_gets_one(app: Flask, district: District, visit: Visit) -> None:
    stranger = app.test_client().get(
        f"/s/{visit.sid}/archive.zip", base_url="https://milepost.test"
    )
    assert stranger.status_code == 401


def test_whoever_comes_by_mail_after_leaving_takes_it_along_too() -> None:
    for endpoint in ("archive", "archive_file", "portfolio_page", "elsewhere", "bring"):
        assert may_open(f"learning.{endpoint}"), endpoint


def test_a_file_is_sent_piece_by_piece_and_a_lost_one_leaves_a_note() -> None:
    taken: list[int] = []

    def large() -> Iterator[bytes]:
        for number in range(20):
            taken.append(number)
            yield b"x" * 50_000

    def lost() -> Iterator[bytes]:
        raise NotFoundError("gone")
        yield b""

    pieces = stream([Entry("a.bin", large, AT), Entry("b.bin", lost, AT)])
    first = next(pieces)
    assert first.startswith(b"PK")
    assert len(taken) <= 2, "the rest is read when it is sent"
    archive = opened(first + b"".join(pieces))
    assert archive.namelist() == ["a.bin", "b.bin.missing.txt"]
    assert len(archive.read("a.bin")) == 1_000_000
    assert archive.getinfo("a.bin").date_time[:3] == (2026, 3, 14)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Questions: what & why?", "Questions-what-why"),
        ("../../etc/passwd", "etc-passwd"),
        ("Prüfung 3.pdf", "Prüfung-3.pdf"),
        ("प्रश्न पूछना", "प्रश्न-पूछना"),
        ("CON", "file-CON"),
        ("   ", "file"),
        ("a" * 300 + ".docx", "a" * 60 + ".docx"),
        ("new\nline\x00.txt", "new-line.txt"),
        ("..", "file"),
    ],
)
def test_names_are_safe_on_every_system(title: str, name: str) -> None:
    assert plain(title) == name


def test_no_name_is_given_twice() -> None:
    names = Names()
    found = [names.of("evidence", name) for name in ("Plan.pdf", "plan.PDF", "Plan.pdf", "x", "x")]
    assert found == [
        "evidence/Plan.pdf", "evidence/plan-2.PDF", "evidence/Plan-3.pdf", "evidence/x",
        "evidence/x-2",
    ]  # fmt: skip
