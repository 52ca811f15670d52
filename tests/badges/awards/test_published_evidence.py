"""Evidence that an earner shows with a badge: issued anew with addresses, closed at once."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from badges.achievements.addresses import evidence_url
from badges.awards import published_evidence, service
from badges.awards.evidence_entries import Published, web_address, with_published
from badges.awards.evidence_models import PublishedEvidence
from badges.awards.models import Credential
from badges.awards.published_evidence import Piece
from badges.awards.reissuing import Change, reissue
from badges.awards.revisions import sign_revision
from badges.awards.signing import sign_credential
from badges.awards.versions import history
from badges.openbadges import model as ob
from badges.openbadges import version2_issue
from badges.openbadges.proofs import known_shape
from badges.pathways import service as pathways
from core.audit import AuditEvent
from core.errors import ConflictError, GoneError, NotFoundError, UnprocessableError
from core.outbox import OutboxMessage
from core.scope import unscoped
from tests.lti_tool.learning.conftest import mark_as_test_student
from tests.support.badges import NOW, District, add_person, both_databases, decision
from tests.support.verifying import verify_badge

LATER = NOW + timedelta(days=30)
PLANS = tuple(hashlib.sha256(data).hexdigest() for data in (b"one plan", b"another"))
TEXT = Piece("text:reflection", 2, "text", "text", "Reflection", "reflection", text="One pupil…")
LINK = Piece("link", 1, "link", "link", "Lesson plan", "lesson_plan", url="https://plans.example/1")
FILE = Piece(
    "file", 0, "file", "download", "Lesson plan", "lesson_plan", file_key="evidence/1",
    filename="Lesson plan.pdf", media_type="application/pdf", size=8, sha256=PLANS[1],
    read_sha256=PLANS[1],
)  # fmt: skip


@pytest.fixture(autouse=True)
def clock(district: District) -> None:
    district.runtime.clock = lambda: LATER + timedelta(minutes=1)


@pytest.fixture
def credential(district: District) -> Credential:
    """Published, and resting on two files and a text."""
    at = NOW + timedelta(hours=2)
    fact = replace(decision(district.version), evidence_files={"plan": PLANS})
    learner = district.learner
    with district.runtime.database.transaction() as session:
        pathways.enrol(session, learner, district.version, NOW)
        (award,) = pathways.record_fact(session, learner, fact, NOW + timedelta(hours=1))
        made = service.accept(
            session, award.id, learner.id, name="Wren", badge_url=district.badge_url, now=at
        )
    sign_credential(district.runtime, district.ring, made.id)
    with district.runtime.database.transaction() as session:
        service.publish(session, made.id, learner.id, at)
        return service.own_credential(session, made.id, learner.id)


def show(
    district: District, credential: Credential, *pieces: Piece, keep: tuple[str, ...] = (),
    consent: bool = True, at: Any = LATER,
) -> Credential:  # fmt: skip
    with district.runtime.database.transaction() as session:
        published_evidence.publish(
            session, credential.id, credential.person_id, pieces, keep=keep, consent=consent,
            badge_url=district.badge_url, now=at,
        )  # fmt: skip
    if not pieces:  # what is only taken back is written by a job
        published_evidence.rewrite(district.runtime, credential.id)
    return signed(district, credential)


def signed(district: District, credential: Credential) -> Credential:
    sign_revision(district.runtime, district.ring, credential.id)
    with district.runtime.database.snapshot() as session:
        return service.own_credential(session, credential.id, credential.person_id)


def opened(district: District, credential: Credential) -> list[PublishedEvidence]:
    with district.runtime.database.snapshot() as session:
        return published_evidence.open_pieces(session, credential.id)


def entries(credential: Credential) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(credential.document or "")["evidence"]
    return found


def versions(district: District, credential: Credential) -> int:
    with district.runtime.database.snapshot() as session:
        return len(history(session, credential.id))


def jobs(district: District) -> list[Any]:
    with district.runtime.database.snapshot() as session:
        query = select(OutboxMessage).where(OutboxMessage.topic == published_evidence.REWRITE)
        return list(session.scalars(query))


@both_databases
def test_a_badge_is_issued_anew_under_its_id_with_the_addresses_of_what_was_chosen(
    district: District, credential: Credential, ob3_folder: Path
) -> None:
    before, first = entries(credential), json.loads(credential.document or "")
    shown = show(district, credential, FILE, TEXT)
    by_piece = {row.piece: row for row in opened(district, credential)}
    after, now = entries(shown), json.loads(shown.document or "")
    assert now["id"] == first["id"]
    assert [item["name"] for item in after] == [item["name"] for item in before]
    assert after[0] == before[0], "the other file keeps its digest and no address"
    assert after[1] == {
        **before[1],
        "id": evidence_url(district.badge_url, credential.id, by_piece["file"].id),
        "description": "Read by the reviewers and shown here by its author.",
    }
    assert after[1]["digestMultibase"] == ob.sha256_multibase(PLANS[1])
    assert after[2]["id"].endswith(f"/evidence/{by_piece['text:reflection'].id}")
    assert "digestMultibase" not in after[2]
    unsigned = {name: value for name, value in now.items() if name != "proof"}
    assert known_shape.read(unsigned) is not None, "signed by the fast path as before"
    report = verify_badge(district, shown)
    assert report.valid, report.to_dict()
    schema = json.loads((ob3_folder / "ob_v3p0_achievementcredential_schema.json").read_text())
    jsonschema.validators.validator_for(schema)(schema).validate(now)
    earlier = verify_badge(district, credential)
    assert earlier.valid, "copies without the evidence stay valid"
    assert versions(district, credential) == 2


def test_a_link_is_its_own_address_and_stands_beside_the_files(
    district: District, credential: Credential
) -> None:
    shown = show(district, credential, LINK)
    assert [item.get("id") for item in entries(shown)] == [None, None, LINK.url, None]
    assert entries(shown)[2]["genre"] == "Lesson plan"
    assert verify_badge(district, shown).valid
    assert entries(show(district, shown, at=LATER + timedelta(hours=1))) == entries(credential)


def test_the_older_form_of_the_badge_names_the_address_too(
    district: District, credential: Credential
) -> None:
    document = json.loads(show(district, credential, FILE).document or "")
    older = version2_issue.assertion(document, "https://a.example/1", badge="https://a.example/b")
    assert older is not None
    assert [item.get("id") for item in older["evidence"]] == [
        item.get("id") for item in document["evidence"]
    ]


def test_doing_it_again_changes_nothing_and_keeps_the_address(
    district: District, credential: Credential
) -> None:
    show(district, credential, FILE, TEXT)
    first = {row.piece: row.id for row in opened(district, credential)}
    show(district, credential, FILE, keep=("text:reflection",), at=LATER + timedelta(hours=1))
    assert {row.piece: row.id for row in opened(district, credential)} == first
    assert versions(district, credential) == 2


@both_databases
def test_of_two_presses_at_once_one_publishes(district: District, credential: Credential) -> None:
    with ThreadPoolExecutor(2) as two:
        list(two.map(lambda _press: show(district, credential, FILE, TEXT), range(2)))
    assert len(opened(district, credential)) == 2
    assert versions(district, credential) == 2


def test_nothing_is_shown_without_consent(district: District, credential: Credential) -> None:
    with pytest.raises(UnprocessableError) as error:
        show(district, credential, FILE, consent=False)
    assert "consent" in error.value.fields
    assert opened(district, credential) == []
    show(district, credential, FILE)
    show(district, credential, keep=("file",), consent=False, at=LATER + timedelta(hours=1))
    assert len(opened(district, credential)) == 1, "keeping what is open asks for nothing"


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("https://x.example/?a[]=1&b=[x]", "https://x.example/?a%5B%5D=1&b=%5Bx%5D"),
        ("https://x.example/a#f[1]#2", "https://x.example/a#f%5B1%5D%232"),
        ("https://x.example/%zz%41", "https://x.example/%25zz%41"),
        ("https://x.example/é|\\^`{e}", "https://x.example/%C3%A9%7C%5C%5E%60%7Be%7D"),
        ("https://[2606:4700::1111]:8443/x", "https://[2606:4700::1111]:8443/x"),
    ],
)
def test_a_link_that_no_badge_could_name_as_it_is_is_written_so_that_it_can(
    district: District, credential: Credential, typed: str, named: str
) -> None:
    shown = show(district, credential, replace(LINK, url=typed))
    assert named in [item.get("id") for item in entries(shown)]
    assert verify_badge(district, shown).valid


def test_a_link_to_the_badge_itself_does_it_no_harm(
    district: District, credential: Credential
) -> None:
    own = json.loads(credential.document or "")["id"]
    assert verify_badge(district, show(district, credential, replace(LINK, url=own))).valid


@given(rest=st.text(max_size=40))
def test_whatever_stands_in_a_link_is_an_address_or_nothing(rest: str) -> None:
    found = web_address(f"https://x.example/{rest}")
    assert found is not None
    plain = r"(?:[A-Za-z0-9/?:@!$&'()*+,;=~._-]|%[0-9A-Fa-f]{2})*"
    assert re.fullmatch(rf"https://x\.example/{plain}(?:#{plain})?", found)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://x.example",
        "https://",
        "https://x.example/" + "é" * 999,
    ],
)  # fmt: skip
def test_a_link_that_is_no_web_address_is_refused(
    district: District, credential: Credential, url: str
) -> None:
    with pytest.raises(UnprocessableError):
        show(district, credential, replace(LINK, url=url))


def test_what_is_taken_back_is_closed_at_once_and_emptied_and_the_badge_follows(
    district: District, credential: Credential
) -> None:
    show(district, credential, FILE, TEXT)
    text = next(row for row in opened(district, credential) if row.kind == "text")
    with district.runtime.database.transaction() as session:
        published_evidence.take_back(session, text.id, credential.person_id, LATER)
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        with pytest.raises(GoneError):
            published_evidence.public_piece(session, credential.id, text.id)
        row = session.get_one(PublishedEvidence, text.id)
        assert (row.text, row.file_key, row.url) == (None, None, None)
        actions = session.scalars(
            select(AuditEvent.action).where(AuditEvent.subject_id == text.id).order_by("at")
        ).all()
    assert sorted(actions) == ["evidence.published", "evidence.withdrawn"]
    (job,) = jobs(district)
    for _again in range(2):  # a job that died and runs once more
        published_evidence.rewrite(district.runtime, uuid.UUID(job.payload["credential_id"]))
    after = entries(signed(district, credential))
    assert [("id" in item) for item in after] == [False, True, False]
    assert after[2] == entries(credential)[2]
    assert versions(district, credential) == 3


def test_it_can_be_taken_back_from_a_badge_that_its_issuer_withdrew(
    district: District, credential: Credential
) -> None:
    show(district, credential, FILE)
    (row,) = opened(district, credential)
    with district.runtime.database.transaction(district.organisation.scope) as session:
        service.revoke(session, credential.id, "Awarded by mistake.", None, LATER)
    with pytest.raises(ConflictError):
        show(district, credential, TEXT, keep=("file",))
    with district.runtime.database.transaction() as session:
        published_evidence.take_back(session, row.id, credential.person_id, LATER)
    published_evidence.rewrite(district.runtime, credential.id)
    assert opened(district, credential) == []
    assert versions(district, credential) == 2


def test_a_piece_that_was_taken_back_gets_another_address_when_it_is_shown_again(
    district: District, credential: Credential
) -> None:
    show(district, credential, FILE)
    (first,) = opened(district, credential)
    show(district, credential, at=LATER + timedelta(hours=1))
    show(district, credential, FILE, at=LATER + timedelta(hours=2))
    (second,) = opened(district, credential)
    assert first.id != second.id


def test_what_was_taken_back_in_another_tab_is_not_opened_by_keeping_it(
    district: District, credential: Credential
) -> None:
    show(district, credential, TEXT, keep=("file",))
    assert [row.piece for row in opened(district, credential)] == ["text:reflection"]


def test_nobody_publishes_or_closes_somebody_elses(
    district: District, credential: Credential
) -> None:
    other = add_person(district.runtime, district.organisation, "Noor Elsewhere")
    show(district, credential, FILE)
    (row,) = opened(district, credential)
    with district.runtime.database.transaction() as session:
        with pytest.raises(NotFoundError):
            published_evidence.take_back(session, row.id, other.id, LATER)
        with pytest.raises(NotFoundError):
            published_evidence.publish(
                session, credential.id, other.id, [TEXT], consent=True,
                badge_url=district.badge_url, now=LATER,
            )  # fmt: skip
    assert len(opened(district, credential)) == 1


def test_a_test_student_publishes_nothing(district: District, credential: Credential) -> None:
    mark_as_test_student(district.runtime, district.learner)
    with pytest.raises(ConflictError):
        show(district, credential, FILE)


def test_a_correction_leaves_the_addresses_as_they_are(
    district: District, credential: Credential
) -> None:
    shown = show(district, credential, FILE)
    at = LATER + timedelta(hours=1)
    with district.runtime.database.transaction(district.organisation.scope) as session:
        reissue(
            session, credential.id, Change("corrected", name="W. S.", note="Misspelt."),
            actor_id=None, badge_url=district.badge_url, now=at,
        )  # fmt: skip
    assert entries(signed(district, credential)) == entries(shown)


def test_everything_of_a_person_closes_together(district: District, credential: Credential) -> None:
    show(district, credential, FILE, TEXT)
    with district.runtime.database.transaction() as session:
        assert published_evidence.close_all(session, credential.person_id, None, LATER) == 2
    assert opened(district, credential) == []
    assert len(jobs(district)) == 1, "one new version for one badge"
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        assert session.scalar(select(func.count(PublishedEvidence.id))) == 2


def test_entries_without_a_place_of_their_own_come_after_those_of_their_name() -> None:
    private = [{"type": ["Evidence"], "name": name, "genre": "Video"} for name in ("A", "B")]
    links = [Published(f"https://x.example/{n}", "A", "Video", "Shown.") for n in (1, 2)]
    other = Published("https://x.example/3", "C", "Link", "Shown.")
    found = with_published(private, [*links, other])
    assert [(item["name"], item.get("id", "")[-1:]) for item in found] == [
        ("A", "1"), ("A", "2"), ("B", ""), ("C", "3"),
    ]  # fmt: skip
    assert with_published(private, []) == private
