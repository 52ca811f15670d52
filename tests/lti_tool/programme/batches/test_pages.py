"""A lead gives badges: to one person, and to everybody in a file that is checked first."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from badges.awards.models import Award
from core.db import utcnow
from core.identity import Person, Role, create_organisation, grant
from core.runtime import Runtime
from core.scope import unscoped
from core.web.sessions import COOKIE, start_session
from core.worker import Worker
from lti_tool.app import create_app, register_jobs
from tests.support.badges import NOW, District, add_person, make_district
from tests.support.environment import BASE_URL
from tests.support.mailbox import Mailbox, with_mail


@dataclass
class Office:
    """A lead in front of the pages."""

    district: District
    app: Flask
    lead: Person
    mailbox: Mailbox

    @property
    def runtime(self) -> Runtime:
        return self.district.runtime

    def visit(self, *roles: Role, person: Person | None = None) -> Visit:
        who, place = person or self.lead, self.district.organisation
        with self.runtime.database.transaction() as session:
            started = start_session(
                session, person_id=who.id, organisation_id=place.id, organisation_path=place.path,
                context_id=None, platform_id=None, roles=frozenset(roles or {Role.LEAD}), data={},
                hours=8, now=utcnow(),
            )  # fmt: skip
        client = self.app.test_client()
        client.set_cookie(
            f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True
        )
        return Visit(client, f"/s/{started.id}")

    def work(self) -> None:
        Worker(self.runtime.database, self.runtime.registry).drain()

    def awards(self) -> int:
        with self.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
            return session.scalar(select(func.count(Award.id))) or 0


@dataclass
class Visit:
    """A browser with one session."""

    client: FlaskClient
    root: str

    def get(self, path: str) -> TestResponse:
        path = path if path.startswith("/s/") else self.root + path
        return self.client.get(path, base_url=BASE_URL)

    def post(self, path: str, **data: object) -> TestResponse:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/give").text)
        assert token
        return self.client.post(
            path if path.startswith("/s/") else self.root + path,
            data={"csrf_token": token[1], **data}, base_url=BASE_URL,
            headers={"Origin": BASE_URL},
        )  # fmt: skip

    def upload(
        self, district: District, text: str | bytes, name: str = "staff.csv"
    ) -> TestResponse:
        data = text if isinstance(text, bytes) else text.encode()
        return self.post(
            "/give/many", many_achievement=str(district.achievement.id),
            file=(io.BytesIO(data), name),
        )  # fmt: skip


def words(answer: TestResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


@pytest.fixture
def office(runtime: Runtime) -> Office:
    mailbox = with_mail(runtime)
    register_jobs(runtime)
    district = make_district(runtime)
    lead = add_person(runtime, district.organisation, "Lea Lead")
    with runtime.database.transaction() as session:
        grant(session, lead, Role.LEAD, organisation=district.organisation, source="t", now=NOW)
    return Office(district, create_app(runtime=runtime), lead, mailbox)


@pytest.mark.parametrize("role", [Role.TEACHER, Role.COACH])
def test_who_leads_nothing_gives_nothing(office: Office, role: Role) -> None:
    wren = office.visit(role, person=office.district.learner)
    assert wren.get("/give").status_code == 403
    assert wren.get("/give/template.csv").status_code == 403
    answer = wren.client.post(f"{wren.root}/give/one", base_url=BASE_URL)
    assert answer.status_code == 403


def test_with_nothing_to_give_the_page_says_so(office: Office) -> None:
    with office.runtime.database.transaction() as session:
        brook = create_organisation(session, name="Brook", slug="brook")
    office.district.organisation = brook
    assert "There is no badge to give yet" in words(office.visit().get("/give"))


def test_one_person_is_offered_a_badge_by_their_address(office: Office) -> None:
    visit, district = office.visit(), office.district
    answer = visit.post(
        "/give/one", achievement=str(district.achievement.id), email="WREN@alder-valley.example"
    )
    assert answer.status_code == 303
    assert "being offered" in words(visit.get(answer.location))
    office.work()
    page = words(visit.get(answer.location))
    assert "One badge was offered." in page
    assert "Wren Samplewood" in page
    assert office.awards() == 1
    assert "waits for you" in office.mailbox.only("wren@alder-valley.example").subject


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("", "Write the e-mail address of the person."),
        ("wren", "not a whole e-mail address"),
        ("lea@alder-valley.example", "nobody awards a badge to themselves"),
    ],
)
def test_what_is_wrong_with_one_person_is_said_beside_the_field(
    office: Office, email: str, said: str
) -> None:
    visit = office.visit()
    achievement = str(office.district.achievement.id)
    answer = visit.post("/give/one", achievement=achievement, email=email, name="A name kept")
    assert answer.status_code == 422
    assert said in words(answer)
    assert 'value="A name kept"' in answer.text
    assert f'<option value="{achievement}" selected' in answer.text
    assert office.awards() == 0
    assert "Nothing yet." in words(visit.get("/give")), "no trace of it is kept"


def test_a_micro_credential_has_to_be_chosen(office: Office) -> None:
    answer = office.visit().post("/give/one", achievement="", email="wren@alder-valley.example")
    assert answer.status_code == 422
    assert "Choose a micro-credential." in words(answer)


def test_a_file_is_checked_then_offered_then_followed(office: Office) -> None:
    visit = office.visit()
    answer = visit.upload(
        office.district,
        "email,name,school\nwren@alder-valley.example,,Elm\nnew@elsewhere.example,New B,Elm\n"
        "nonsense,<b>Bold</b>,Elm\n",
        "C:/fakepath/staff.csv",
    )
    assert answer.status_code == 303
    page = visit.get(answer.location)
    seen = words(page)
    assert "Nobody was offered anything yet." in seen
    assert "One line has to be mended." in seen
    assert "These columns were not read: school." in seen
    assert "not a whole e-mail address" in seen
    assert "<b>Bold</b>" not in page.text
    assert "Offer the badge to 2 people" in seen
    assert "1 person is not known here." in seen
    assert office.awards() == 0
    visit.post(f"{answer.location}/start")
    assert "being offered" in words(visit.get(answer.location))
    office.work()
    done = words(visit.get(answer.location + "?show=offered"))
    assert "2 badges were offered." in done
    assert "Invited by mail, has not come yet" in done
    assert "One of them was invited by mail and has not come yet." in done
    assert "staff.csv" in done
    assert "fakepath" not in done
    assert office.awards() == 2
    again = visit.post(f"{answer.location}/start")
    office.work()
    assert (again.status_code, office.awards()) == (303, 2)
    assert "Done" in words(visit.get("/give"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "This file is empty."),
        (b"PK\x03\x04", "This is a workbook."),
        (b"first,last\nA,B\n", "has to name the columns"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_beside_its_field(
    office: Office, data: bytes, said: str
) -> None:
    answer = office.visit().upload(office.district, data)
    assert answer.status_code == 422
    assert said in words(answer)
    assert office.awards() == 0


def test_without_a_file_the_page_asks_for_one(office: Office) -> None:
    visit = office.visit()
    answer = visit.post("/give/many", many_achievement=str(office.district.achievement.id))
    assert answer.status_code == 422
    assert "Choose a file first." in words(answer)


def test_a_page_that_is_not_there_is_the_last_one(office: Office) -> None:
    visit = office.visit()
    answer = visit.upload(office.district, "email,name\nok@x.example,Ok\n")
    for number in ("0", "2", "9" * 20, "9" * 5000, "x"):
        page = visit.get(f"{answer.location}?page={number}")
        assert page.status_code == 200
        assert "ok@x.example" in page.text


def test_lines_are_saved_as_a_file_without_formulas(office: Office) -> None:
    visit = office.visit()
    answer = visit.upload(office.district, 'email,name\n"=HYPERLINK(1)@x",+Ada\nok@x.example,Ok\n')
    saved = visit.get(f"{answer.location}/lines.csv?show=faults")
    assert saved.mimetype == "text/csv"
    assert "attachment" in saved.headers["Content-Disposition"]
    (head, row) = saved.text.removeprefix("\ufeff").splitlines()
    assert head == "line,email,person,name,state,what is wrong"
    assert row.startswith("2,'=HYPERLINK(1)@x,,'+Ada,fault,\"email: This is not a whole")
    assert visit.get("/give/template.csv").text.startswith("\ufeffemail,name\r\n")


def test_a_checked_file_can_be_thrown_away(office: Office) -> None:
    visit = office.visit()
    answer = visit.upload(office.district, "email\nwren@alder-valley.example\n")
    gone = visit.post(f"{answer.location}/discard")
    assert "Nobody was offered anything." in words(visit.get(gone.location))
    assert visit.get(answer.location).status_code == 404


def test_another_organisations_file_is_not_to_be_seen(office: Office) -> None:
    answer = office.visit().upload(office.district, "email\nwren@alder-valley.example\n")
    path = re.sub(r"/s/[^/]+", "", answer.location)
    with office.runtime.database.transaction() as session:
        office.district.organisation = create_organisation(session, name="Far", slug="far")
    far = office.visit()
    assert far.get(path).status_code == 404
    assert far.get(f"{path}/lines.csv").status_code == 404


def test_without_a_micro_credential_the_file_is_said_to_be_chosen_again(office: Office) -> None:
    visit = office.visit()
    file = (io.BytesIO(b"email\nwren@alder-valley.example\n"), "staff.csv")
    answer = visit.post("/give/many", many_achievement="", file=file)
    assert answer.status_code == 422
    page = words(answer)
    assert "Choose a micro-credential." in page
    kept = "Everything you typed is still here."
    assert f"{kept} The chosen file is not, because no browser keeps one: choose it again." in page
    plain = words(visit.post("/give/many", many_achievement=""))
    assert kept in plain
    assert "no browser keeps one" not in plain


def test_a_file_tells_results_and_the_page_says_what_is_wrong_with_them(office: Office) -> None:
    visit = office.visit()
    answer = visit.upload(
        office.district,
        "email,Planned questions,wait,Mood\nwren@alder-valley.example,Splendid,,Fine\n"
        "new@elsewhere.example,Secure,Extending,\n",
    )
    page = words(visit.get(answer.location))
    assert "These columns were not read: Mood." in page
    assert "Planned questions: This must be one of: Beginning, Developing, Secure" in page
    assert "Wait time: Nothing is told here, and the micro-credential requires it." in page
    saved = visit.get(f"{answer.location}/lines.csv?show=faults").text
    head, row = saved.removeprefix("\ufeff").splitlines()
    assert head == "line,email,person,name,Planned questions,Wait time,state,what is wrong"
    assert row.startswith("2,wren@alder-valley.example,,,Splendid,,fault,")
    visit.post(f"{answer.location}/start")
    office.work()
    with office.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        (receipt,) = session.scalars(select(Award.receipt))
    assert receipt["levels"] == {"planned": 3, "wait": 4}


def test_a_column_that_is_missing_beside_results_is_asked_for(office: Office) -> None:
    text = "email,wait\nwren@alder-valley.example,Secure\n"
    answer = office.visit().upload(office.district, text)
    assert answer.status_code == 422
    assert "It has no column for: Planned questions." in words(answer)


def test_the_file_to_begin_with_has_the_results_of_what_is_chosen(office: Office) -> None:
    visit, achievement = office.visit(), str(office.district.achievement.id)
    head = "\ufeffemail,name,Planned questions,Wait time\r\n"
    chosen = visit.post("/give/template.csv", many_achievement=achievement)
    assert chosen.text.startswith(head)
    assert "attachment" in chosen.headers["Content-Disposition"]
    assert visit.get(f"/give/template.csv?badge={achievement}").text == chosen.text
    plain = visit.post("/give/template.csv", many_achievement="")
    assert plain.text.startswith("\ufeffemail,name\r\n")
    assert visit.post("/give/template.csv", many_achievement="nonsense").status_code == 422


def test_a_file_of_the_stated_size_is_read_and_a_larger_one_refused_in_words(
    office: Office,
) -> None:
    visit, mark = office.visit(), "a-boundary"
    token = re.search(r'name="csrf_token" value="([^"]+)"', visit.get("/give").text)
    assert token

    def upload(size: int) -> TestResponse:
        fields = {"csrf_token": token[1], "many_achievement": str(office.district.achievement.id)}
        parts = "".join(
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
            for name, text in fields.items()
        )
        file = "email\nwren@alder-valley.example\n" + f"{' ' * 99_999}\n" * (size // 100_000)
        body = (
            f'{parts}--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"'
            f"\r\n\r\n{file}\r\n--{mark}--\r\n"
        )
        return visit.client.post(
            f"{visit.root}/give/many", base_url=BASE_URL, headers={"Origin": BASE_URL},
            data=body.encode(), content_type=f"multipart/form-data; boundary={mark}",
        )  # fmt: skip

    assert upload(3_000_000).status_code == 303
    refused = upload(5_000_000)
    assert refused.status_code == 413
    assert "This file is larger than 4 MB. Split it into several files." in words(refused)
