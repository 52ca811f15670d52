"""From a launch to a badge that a stranger can verify, with nothing replaced."""

from __future__ import annotations

import io
import json
import re

from PIL import Image
from sqlalchemy import func, select

from badges.awards.models import Award, Credential
from badges.openbadges.baking import unbake
from badges.pathways.models import FactRow
from core.identity import Person
from core.outbox import OutboxMessage
from core.scope import unscoped
from lti_tool.review.models import Decision
from tests.support.district import District, Page, Visitor

WREN, TEO, NOOR, ILSE, ROSA, PIA = "3", "4", "5", "6", "7", "2"
NOTICING, OPENING = "Noticing Student Thinking", "Questions That Open"
WORDS = (
    "R. said it is the same because both have one bit missing, so I asked everybody to draw it. "
)


def picture() -> tuple[io.BytesIO, str]:
    """A photo of pupils' work, as a phone would send it."""
    data = io.BytesIO()
    Image.new("RGB", (320, 240), "#88aa44").save(data, "JPEG")
    data.seek(0)
    return data, "notes.jpg"


def begin(district: District, person: str, title: str) -> tuple[Visitor, Page]:
    visitor, page = district.launch(person, title)
    return visitor, visitor.submit(page, "/start")


def send_noticing(district: District, person: str) -> tuple[Visitor, Page]:
    """Write, attach, check and send; returns the page with the receipt."""
    visitor, draft = begin(district, person, NOTICING)
    upload = draft.form("/draft")
    action = draft.url.replace("/draft", "/files/notes")
    page = visitor._send(
        "POST",
        action,
        data={**upload.fields, "file-notes": picture(), "text-reflection": WORDS * 3},
    )
    assert "notes.jpg" in page.text
    check = visitor.submit(
        page,
        "/draft",
        {"text-reflection": WORDS * 3, "release-notes": "not_recognisable", "go": "check"},
    )
    assert "Send to reviewers" in check.text, check.text
    receipt = visitor.submit(check, "/send")
    assert receipt.status == 200
    return visitor, receipt


def review(
    district: District, person: str, levels: dict[str, int], comment: str = "Thank you."
) -> Page:
    """Take the oldest work there is and score it; returns the page afterwards."""
    visitor, queue = district.launch(person, "Reviews")
    score = visitor.submit(queue, "/claim")
    values = {f"level-{name}": str(level) for name, level in levels.items()}
    values |= {f"comment-{name}": comment for name in levels}
    return visitor.submit(score, "Finish", {**values, "go": "finish"})


def be_met_by_a_coach(district: District, *, work: bool = True) -> Visitor:
    """Wren's evidence is read by Ilse and met; returns Wren's browser."""
    visitor, _receipt = send_noticing(district, WREN)
    review(district, ILSE, {"attending": 3, "deciding": 4})
    if work:
        district.work()
    return visitor


def accept(visitor: Visitor) -> Page:
    """Take the offered badge; returns the page after it."""
    shelf = visitor.open(_place(visitor, "/badges"))
    offer = visitor.open(shelf.link("/badges/"))
    assert "everything this badge will say" in offer.text
    return visitor.submit(offer, "Accept", {"do": "accept"})


def _place(visitor: Visitor, path: str) -> str:
    cookie = next(
        key for key in visitor.client._cookies if re.search(r"-[0-9a-f]{8}-[0-9a-f]{4}-", key[2])
    )
    return f"/s/{cookie[2].removeprefix('__Host-milepost-')}{path}"


def counted(district: District, person: str) -> dict[str, int]:
    with district.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        wanted = session.scalars(select(Person.id).where(Person.name == person)).one()
        found = {}
        for kind in (Award, Credential, FactRow):
            query = select(func.count()).select_from(kind).where(kind.person_id == wanted)
            found[kind.__tablename__] = session.scalar(query) or 0
        return found


def test_from_a_launch_to_a_badge_that_a_stranger_verifies(district: District) -> None:
    visitor = be_met_by_a_coach(district)
    grade = district.sandbox.grade(WREN, NOTICING)
    assert grade is not None
    assert grade.result == 100
    accept(visitor)
    district.work()
    shelf = visitor.open(_place(visitor, "/badges"))
    mine = visitor.open(shelf.link("/badges/"))
    published = visitor.submit(mine, "/publish")
    address = re.search(r"http://localhost:8000(/credentials/[0-9a-f-]{36})", published.html)
    assert address, published.text
    stranger = Visitor(district.app.test_client())
    page = stranger.open(address[1], Accept="text/html")
    assert page.status == 200
    assert "Wren Samplewood" in page.text
    assert 'property="og:title"' in page.html
    document = stranger.client.get(f"{address[1]}.json", base_url="http://localhost:8000").data
    assert json.loads(document)["credentialSubject"]["achievement"]["name"] == NOTICING
    for kind in ("json", "jwt", "png", "svg"):
        body = stranger.client.get(f"{address[1]}.{kind}", base_url="http://localhost:8000").data
        if kind in ("png", "svg"):
            assert unbake(body).version == 3
        report = stranger.client.post(
            "/verify",
            base_url="http://localhost:8000",
            data={"file": (io.BytesIO(body), f"badge.{kind}")},
            headers={"Accept": "application/json"},
        )
        assert report.get_json()["valid"], (kind, report.get_json())
    assert counted(district, "Wren Samplewood") == {"awards": 1, "credentials": 1, "facts": 2}
    with district.runtime.database.snapshot() as session:
        # The course's list is read a few minutes later.
        due = (OutboxMessage.state != "done", OutboxMessage.topic != "lti.roster")
        left = session.scalars(select(OutboxMessage).where(*due)).all()
        assert [(row.topic, row.last_error) for row in left] == []


def test_before_it_is_published_a_badge_looks_as_if_it_did_not_exist(district: District) -> None:
    visitor = be_met_by_a_coach(district)
    accept(visitor)
    district.work()
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        wren = session.scalars(select(Person.id).where(Person.name == "Wren Samplewood")).one()
        found = session.scalars(select(Credential).where(Credential.person_id == wren)).one()
    stranger = Visitor(district.app.test_client())
    for suffix in ("", ".json", ".jwt", ".png", ".svg"):
        assert stranger.open(f"/credentials/{found.id}{suffix}").status == 404


def test_not_yet_leads_to_a_new_revision_that_can_be_met(district: District) -> None:
    visitor, _receipt = send_noticing(district, WREN)
    review(district, ILSE, {"attending": 2, "deciding": 3}, "Could you quote one pupil?")
    district.work()
    grade = district.sandbox.grade(WREN, NOTICING)
    assert grade is not None
    assert grade.result == 50
    mine = visitor.open(_place(visitor, "/evidence"))
    page = visitor.open(mine.link("/evidence/"))
    assert "Could you quote one pupil?" in page.text
    draft = visitor.submit(page, "/revise")
    check = visitor.submit(draft, "/draft", {"text-reflection": WORDS * 4, "go": "check"})
    visitor.submit(check, "/send")
    review(district, ILSE, {"attending": 3, "deciding": 3})
    district.work()
    grade = district.sandbox.grade(WREN, NOTICING)
    assert grade is not None
    assert grade.result == 100
    assert counted(district, "Wren Samplewood")["awards"] == 1


def test_two_colleagues_decide_where_two_are_asked(district: District) -> None:
    for person in (TEO, NOOR):
        district.launch(person, OPENING)
    visitor, draft = begin(district, WREN, OPENING)
    page = draft
    for part in ("plan", "work"):
        form = page.form("/draft")
        page = visitor._send(
            "POST",
            draft.url.replace("/draft", f"/files/{part}"),
            data={**form.fields, f"file-{part}": picture()},
        )
        assert page.status == 200, page.text
    releases = {"release-plan": "not_recognisable", "release-work": "not_recognisable"}
    check = visitor.submit(
        page, "/draft", {"text-reflection": WORDS * 4, "go": "check", **releases}
    )
    visitor.submit(check, "/send")
    levels = {"planned": 3, "building": 3, "reflection": 3}
    _, own = district.launch(WREN, "Reviews")
    assert "Wren Samplewood" not in own.text.replace("WS Wren Samplewood", "")
    after = review(district, TEO, levels)
    # A blind label may be a wren as well.
    assert "Samplewood" not in after.text, "reviewers are blind"
    assert counted(district, "Wren Samplewood")["awards"] == 0
    review(district, NOOR, levels)
    assert counted(district, "Wren Samplewood")["awards"] == 1
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        decision = session.scalars(
            select(Decision).order_by(Decision.decided_at.desc()).limit(1)
        ).one()
    assert len(decision.review_ids) == 2


def test_however_often_the_button_is_pressed_there_is_one_revision(district: District) -> None:
    visitor, draft = begin(district, WREN, NOTICING)
    form = draft.form("/draft")
    page = visitor._send(
        "POST",
        draft.url.replace("/draft", "/files/notes"),
        data={**form.fields, "file-notes": picture()},
    )
    check = visitor.submit(
        page,
        "/draft",
        {"text-reflection": WORDS * 3, "release-notes": "not_recognisable", "go": "check"},
    )
    receipts = {
        re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", visitor.submit(check, "/send").text) for _ in range(3)
    }
    assert len({found[0] for found in receipts if found}) == 1


def test_roles_reach_their_own_pages_and_no_others(district: District) -> None:
    teacher, _ = district.launch(WREN, "Milepost")
    lead, today = district.launch(ROSA, "Milepost")
    administrator, connections = district.launch(PIA, "Milepost")
    assert "Today" in today.text
    assert "Practice LMS" in connections.text
    assert teacher.open(_place(teacher, "/today")).status == 403
    assert teacher.open(_place(teacher, "/connections")).status == 403
    assert lead.open(_place(lead, "/connections")).status == 403
    assert administrator.open(_place(administrator, "/deliveries")).status == 200


def test_a_dead_lms_delays_the_grade_and_loses_nothing(district: District) -> None:
    be_met_by_a_coach(district, work=False)
    store = district.sandbox
    issue = store.issue_token
    store.issue_token = lambda *_a, **_k: (_ for _ in ()).throw(RuntimeError("down"))  # type: ignore[method-assign]
    district.work()
    with district.runtime.database.snapshot() as session:
        [waiting] = session.scalars(
            select(OutboxMessage).where(OutboxMessage.topic == "review.decided>grade.post",
                                        OutboxMessage.state == "ready")
        ).all()  # fmt: skip
    assert waiting.last_error
    store.issue_token = issue  # type: ignore[method-assign]
    with district.runtime.database.transaction() as session:
        session.execute(OutboxMessage.__table__.update().values(next_run_at=waiting.created_at))
    district.work()
    grade = district.sandbox.grade(WREN, NOTICING)
    assert grade is not None
    assert grade.result == 100
