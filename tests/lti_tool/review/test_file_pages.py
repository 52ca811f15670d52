"""Files in the pages: taken, refused by name, served to who may see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.audit import AuditEvent
from core.runtime import Runtime
from lti_tool.evidence.models import EvidenceItem, Revision
from tests.lti_tool.review.browser import (
    HEIC,
    app_of,
    begin,
    send,
    text_of,
    upload,
    visit,
)
from tests.lti_tool.review.world import COACH, NOW, REFLECTION, World, huge_png, make_world, png


@pytest.fixture
def world(runtime: Runtime) -> World:
    made = make_world(runtime)
    runtime.clock = lambda: NOW
    return made


def test_a_file_is_kept_shown_and_removed(world: World) -> None:
    who, draft = begin(world)
    assert upload(who, draft, "plan.png", png()).status_code == 303
    with world.read() as session:
        item = session.scalars(select(EvidenceItem)).one()
    assert item.media_type == "image/png"
    assert "not scanned for viruses" in text_of(who.get(f"{draft}/draft"))
    served = who.get(f"/evidence/files/{item.id}")
    assert served.status_code == 200
    assert served.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Disposition"].startswith("inline")
    assert who.post(f"{draft}/items/{item.id}/remove", {"version": "0"}).status_code == 303
    assert who.get(f"/evidence/files/{item.id}").status_code == 404
    assert not world.runtime.files.filesystem.find(world.runtime.files.root)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("plan.exe", b"MZ" + bytes(64), "“plan.exe” is not a kind of file"),
        ("plan.pdf", png(), "“plan.pdf” is not what its name says"),
        ("plan.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "cannot be opened"),
        (
            "huge.png",
            huge_png(10_000),
            "“huge.png” has 100 million pixels; at most 25 million can be taken",
        ),
        ("plan.heic", HEIC, "“plan.heic” may carry your name"),
        ("plan.svg", b"<svg xmlns='x'></svg>", "Save it as JPEG or PNG"),
        ("plan.txt", b"", "“plan.txt” is empty"),
        ("plan.txt", b"<html><script>alert(1)</script>", "is not what its name says"),
    ],
)
def test_wrong_files_are_refused_by_name(world: World, name: str, data: bytes, words: str) -> None:
    who, draft = begin(world)
    answer = upload(who, draft, name, data, **{"text-reflection": "kept text"})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "kept text" in text_of(answer)
    assert not world.runtime.files.filesystem.find(world.runtime.files.root)


def test_a_file_over_the_limit_is_told_both_sizes(world: World) -> None:
    who, draft = begin(world)
    answer = upload(who, draft, "plan.txt", b"a" * 6_000_000)
    assert answer.status_code == 413
    assert "This file is 6 MB; the limit is 5.2 MB" in text_of(answer)
    answer = upload(who, draft, "plan.txt", b"a" * (7 * 1024 * 1024))
    assert answer.status_code == 413
    assert "This file is 7.3 MB; the limit is 5.2 MB" in text_of(answer)


@pytest.mark.parametrize(
    ("name", "data"),
    [("page.html", b"<!doctype html><script>x</script>"), ("a.svg", b"<svg xmlns='x'></svg>")],
)
def test_html_and_svg_are_only_ever_attachments(world: World, name: str, data: bytes) -> None:
    world.publish(review={**COACH, "blindness": "open"})
    who, draft = begin(world)
    assert upload(who, draft, name, data).status_code == 303
    with world.read() as session:
        item = session.scalars(select(EvidenceItem)).one()
    served = who.get(f"/evidence/files/{item.id}")
    assert served.headers["Content-Disposition"].startswith("attachment")
    assert served.headers["Content-Type"] == "application/octet-stream"


def test_a_picture_that_cannot_be_drawn_anew_is_taken_where_names_are_shown(world: World) -> None:
    world.publish(review={**COACH, "blindness": "single"})
    who, draft = begin(world)
    assert ".heif" in who.get(f"{draft}/draft").get_data(as_text=True)
    assert upload(who, draft, "plan.heic", HEIC).status_code == 303


def test_a_picture_of_an_open_version_does_not_come_into_a_blind_one(world: World) -> None:
    world.publish(review={**COACH, "blindness": "single"})
    who, draft = begin(world)
    form = {"text-reflection": REFLECTION, "text-_narrative": "Fractions."}
    upload(who, draft, "plan.heic", HEIC, **form)
    path = send(who, draft)
    with world.read() as session:
        revision = session.scalars(select(Revision)).one()
    world.review("Ilse", revision, 1, 1)
    world.publish(review=COACH)
    again = who.post(f"{path}/revise").location.split(who.sid)[1].removesuffix("/draft")
    assert ".heif" not in who.get(f"{again}/draft").get_data(as_text=True)
    check = who.get(f"{again}/check").get_data(as_text=True)
    assert "holds a picture that may carry your name" in check
    assert who.post(f"{again}/send", {"key": "k"}).status_code == 422


def test_each_look_at_a_film_is_noted_once_an_hour_wherever_it_begins(world: World) -> None:
    who, draft = begin(world)
    data = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(1000)
    upload(who, draft, "lesson.mp4", data, **{"text-reflection": REFLECTION})
    who.post(f"{draft}/draft", {"text-_narrative": "x", "version": "1"})
    send(who, draft)
    with world.read() as session:
        item = session.scalars(select(EvidenceItem)).one()
        revision = session.scalars(select(Revision)).one()
    world.claim("Robin", revision)
    world.claim("Jay", revision)
    path = f"/evidence/files/{item.id}"
    looks = select(func.count()).where(AuditEvent.action == "evidence.file_viewed")

    def looked(name: str, *ranges: str) -> int:
        peer = visit(world, app_of(world), name)
        for wanted in ranges:
            assert peer.get(path, headers={"Range": wanted}).status_code == 206
        with world.read() as session:
            return session.scalar(looks) or 0

    assert looked("Robin", "bytes=1-") == 1
    assert looked("Robin", "bytes=500-600", "bytes=0-", "bytes=-5") == 1
    assert looked("Jay", "bytes=7-") == 2
    world.runtime.clock = lambda: NOW + timedelta(minutes=61)
    assert looked("Robin", "bytes=9-") == 3
    who.get(path)
    assert looked("Robin", "bytes=9-") == 3


def test_who_no_longer_belongs_to_the_course_does_not_see_its_files(world: World) -> None:
    who, draft = begin(world)
    upload(who, draft, "plan.png", png(), **{"text-reflection": REFLECTION})
    who.post(f"{draft}/draft", {"text-_narrative": "x", "version": "1"})
    send(who, draft)
    with world.read() as session:
        item = session.scalars(select(EvidenceItem)).one()
        revision = session.scalars(select(Revision)).one()
    world.claim("Robin", revision)
    peer = visit(world, app_of(world), "Robin")
    assert peer.get(f"/evidence/files/{item.id}").status_code == 200
    world.leave("Robin")
    assert peer.get(f"/evidence/files/{item.id}").status_code == 404


def test_video_answers_ranges(world: World) -> None:
    who, draft = begin(world)
    data = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(range(256)) * 4
    assert upload(who, draft, "lesson.mp4", data).status_code == 303
    with world.read() as session:
        item = session.scalars(select(EvidenceItem)).one()
    part = who.get(f"/evidence/files/{item.id}", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.data == data[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(data)}"
    last = who.get(f"/evidence/files/{item.id}", headers={"Range": "bytes=-5"})
    assert last.data == data[-5:]
    beyond = who.get(f"/evidence/files/{item.id}", headers={"Range": "bytes=99999-"})
    assert beyond.status_code == 416


def test_reviewers_see_files_without_names_and_each_look_is_noted(world: World) -> None:
    who, draft = begin(world)
    upload(who, draft, "Wren Samplewood.png", png(), **{"text-reflection": REFLECTION})
    who.post(f"{draft}/draft", {"text-_narrative": "x", "version": "1"})
    send(who, draft)
    with world.read() as session:
        item = session.scalars(select(EvidenceItem)).one()
        revision = session.scalars(select(Revision)).one()
    peer = visit(world, app_of(world), "Robin")
    assert peer.get(f"/evidence/files/{item.id}").status_code == 404
    peer.post(f"/queue/{revision.id}/claim")
    page = peer.get(f"/reviews/{revision.id}").get_data(as_text=True)
    assert "Samplewood" not in page
    served = peer.get(f"/evidence/files/{item.id}?original=1")
    assert served.status_code == 200
    assert "Samplewood" not in str(served.headers)
    assert served.headers["Content-Type"] == "image/jpeg"
    with world.read() as session:
        seen = list(session.scalars(select(AuditEvent)))
    assert {one.action for one in seen} == {"evidence.viewed", "evidence.file_viewed"}
    assert {one.about_id for one in seen} == {world.people["Wren"].id}
    assert {one.actor_id for one in seen} == {world.people["Robin"].id}
