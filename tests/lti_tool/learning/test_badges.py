"""My badges: the offer as it will be, the name on it, and who may see what."""

from __future__ import annotations

import html
import json
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from badges.awards import service as awards
from badges.awards.batches.models import Newcomer
from badges.awards.models import Award, Credential
from badges.awards.signing import sign_credential
from badges.openbadges.report import Outcome
from badges.public.verification import verify_document
from core.identity import Person, owner_like
from core.runtime import Runtime
from core.scope import unscoped
from tests.lti_tool.learning.conftest import NOW, Visit, mark_as_test_student, visit_as
from tests.support.badges import District, add_person, earn, issue_credential


@pytest.fixture
def award(district: District, runtime: Runtime) -> Award:
    runtime.clock = lambda: NOW + timedelta(hours=3)
    with runtime.database.transaction() as session:
        return earn(session, district)


def claim(award: Award) -> str:
    return f"/badges/{award.id}"


def credential_of(runtime: Runtime, award: Award) -> Credential:
    with runtime.database.snapshot() as session:
        found = awards.credential_of(session, award)
        assert found is not None
        return awards.own_credential(session, found.id, award.person_id)


def signed(runtime: Runtime, district: District, award: Award) -> Credential:
    sign_credential(runtime, district.ring, credential_of(runtime, award).id)
    return credential_of(runtime, award)


def test_an_empty_shelf_says_what_will_stand_there(visit: Visit) -> None:
    assert "Your first badge will stand here" in visit.get("/badges").text


def test_an_offer_waits_on_the_shelf(visit: Visit, award: Award) -> None:
    page = visit.get("/badges").text
    assert "Waiting for you" in page
    assert f"/badges/{award.id}" in page


def test_the_offer_shows_all_that_the_badge_will_say(visit: Visit, award: Award) -> None:
    page = visit.get(claim(award)).text
    for words in (
        "Wren Samplewood",
        "Planned questions",
        "<b>3 of 4</b> Secure",
        "Lesson plan",
        "14 March 2029",
        "Reviewed by 1 coach",
        "The one that your school gave: wren@alder-valley.example",
    ):
        assert words in page
    document = re.search(r"<textarea[^>]*id=\"f-document\"[^>]*>\n(.*?)</textarea>", page, re.S)
    assert document
    shown = json.loads(html.unescape(document[1]))
    assert shown["credentialSubject"]["achievement"]["name"] == "Questions That Open"
    assert "proof" not in shown


def test_an_address_that_nobody_confirmed_stays_out_and_the_page_says_why(
    app: Flask, district: District, runtime: Runtime
) -> None:
    person = add_person(runtime, district.organisation, "Ash Example", verified=False)
    with runtime.database.transaction() as session:
        award = earn(session, district, person)
    page = visit_as(app, district, person).get(claim(award)).text
    assert "nobody has confirmed yet that ash@alder-valley.example is yours" in page


def test_looking_at_another_name_changes_nothing(
    visit: Visit, award: Award, runtime: Runtime
) -> None:
    answer = visit.post(claim(award), {"do": "preview", "name": "own", "own": "W. S."})
    assert answer.status_code == 200
    assert "W. S." in answer.text
    with runtime.database.snapshot() as session:
        assert awards.credential_of(session, award) is None


def test_what_no_form_offers_is_refused_and_nothing_is_accepted(
    visit: Visit, award: Award, runtime: Runtime
) -> None:
    for form in (
        {"do": "accept", "name": "full", "address": "zzz"},
        {"do": "preview", "name": "own", "own": ""},
        {"do": "preview", "name": "own", "own": "Wren\u202enhoJ"},
    ):
        answer = visit.post(claim(award), form)
        assert answer.status_code == 422
        assert 'id="errors"' in answer.text
    with runtime.database.snapshot() as session:
        assert awards.credential_of(session, award) is None


def test_who_was_invited_by_mail_is_not_told_that_a_school_gave_the_address(
    visit: Visit, award: Award, runtime: Runtime, district: District
) -> None:
    with runtime.database.transaction() as session:
        session.add(
            Newcomer(
                **owner_like(district.learner), id=uuid.uuid4(), person_id=district.learner.id,
                lookup="wren@alder-valley.example", since=NOW,
            )
        )  # fmt: skip
    page = visit.get(claim(award)).text
    assert "The one that you were invited by: wren@alder-valley.example" in page
    assert "your school gave" not in page


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ({"name": "full"}, "Wren Samplewood"),
        ({"name": "given"}, "Wren"),
        ({"name": "own", "own": " A  Pen Name "}, "A Pen Name"),
        ({"name": "none"}, None),
    ],
)
def test_the_badge_carries_the_name_that_was_chosen(
    visit: Visit, award: Award, runtime: Runtime, form: dict[str, str], name: str | None
) -> None:
    answer = visit.post(claim(award), {"do": "accept", **form})
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(claim(award))
    found = credential_of(runtime, award)
    assert found.recipient_name == name
    identities = found.unsigned["credentialSubject"]["identifier"]
    names = [item["identityHash"] for item in identities if item["identityType"] == "name"]
    assert names == ([name] if name else [])
    assert ("Samplewood" in json.dumps(found.unsigned)) == (name == "Wren Samplewood")


@pytest.mark.parametrize("own", ["", "   ", "a\u202eb", "x" * 300])
def test_a_name_that_cannot_stand_is_refused_beside_its_field(
    visit: Visit, award: Award, runtime: Runtime, own: str
) -> None:
    answer = visit.post(claim(award), {"do": "accept", "name": "own", "own": own})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "One thing to look at" in answer.text
    with runtime.database.snapshot() as session:
        assert awards.credential_of(session, award) is None


def test_an_accepted_badge_is_being_signed_until_it_is(
    visit: Visit, award: Award, runtime: Runtime, district: District
) -> None:
    visit.post(claim(award), {"do": "accept", "name": "full"})
    page = visit.get(claim(award)).text
    assert "It is being signed now" in page
    assert "Look again" in page
    assert "Being signed" in visit.get("/badges").text
    assert visit.get(f"{claim(award)}/download.png").status_code == 404
    signed(runtime, district, award)
    page = visit.get(claim(award)).text
    assert "Only you can see it" in page
    assert "If you publish it:" in page


def test_accepting_twice_is_accepting_once(visit: Visit, award: Award, runtime: Runtime) -> None:
    token = visit.token(claim(award))
    for _press in range(2):
        answer = visit.client.post(
            f"/s/{visit.sid}{claim(award)}",
            base_url="https://milepost.test",
            data={"csrf_token": token, "do": "accept", "name": "full"},
        )
        assert answer.status_code == 303
    with runtime.database.snapshot() as session:
        assert len(awards.credentials(session, award.person_id)) == 1


def test_declining_keeps_the_offer(visit: Visit, award: Award, runtime: Runtime) -> None:
    answer = visit.post(claim(award), {"do": "decline"})
    assert answer.headers["Location"].endswith("/badges")
    assert "They stay offered" in visit.get("/badges").text
    assert visit.post(claim(award), {"do": "accept", "name": "full"}).status_code == 303
    assert credential_of(runtime, award).state == "accepted"


def test_publishing_shows_it_and_taking_it_back_hides_it(
    app: Flask, visit: Visit, district: District, runtime: Runtime, award: Award
) -> None:
    visit.post(claim(award), {"do": "accept", "name": "full"})
    found = signed(runtime, district, award)
    stranger = app.test_client()
    public = f"/credentials/{found.id}"
    assert stranger.get(public).status_code == 404
    assert visit.post(f"{claim(award)}/publish", {}, page=claim(award)).status_code == 303
    assert stranger.get(public).status_code == 200
    page = visit.get(claim(award)).text
    assert f"https://milepost.test{public}" in page
    assert "Add to LinkedIn" in page
    assert "Published" in visit.get("/badges").text
    assert visit.post(f"{claim(award)}/unpublish", {}, page=claim(award)).status_code == 303
    assert stranger.get(public).status_code == 404


def test_what_was_done_is_said_and_an_ended_badge_says_first_that_it_is(
    visit: Visit, award: Award, runtime: Runtime, district: District
) -> None:
    visit.post(claim(award), {"do": "accept", "name": "full"})
    signed(runtime, district, award)
    visit.post(f"{claim(award)}/publish", {}, page=claim(award))
    assert "Published. Everybody who has its address" in visit.get(claim(award)).text
    visit.post(f"{claim(award)}/unpublish", {}, page=claim(award))
    assert "Taken back. Its address shows the badge to nobody" in visit.get(claim(award)).text
    visit.post(f"{claim(award)}/publish", {}, page=claim(award))
    with runtime.database.transaction() as session, unscoped(session, "a test ends a badge"):
        session.execute(update(Credential).values(valid_until=NOW - timedelta(days=1)))
    shelf = " ".join(re.sub(r"<[^>]+>", " ", visit.get("/badges").text).split())
    assert 0 < shelf.find("Expired") < shelf.find("Published", shelf.find("Expired"))


def test_the_owner_may_download_a_private_badge_that_verifies(
    visit: Visit, district: District, runtime: Runtime, award: Award
) -> None:
    visit.post(claim(award), {"do": "accept", "name": "full"})
    signed(runtime, district, award)
    for form in ("png", "svg", "json", "jwt"):
        answer = visit.get(f"{claim(award)}/download.{form}")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert verify_document(runtime, answer.data).outcome is Outcome.VALID
    assert visit.get(f"{claim(award)}/download.exe").status_code == 404


def test_somebody_elses_award_is_not_there(
    app: Flask, district: District, runtime: Runtime, award: Award
) -> None:
    other = visit_as(app, district, add_person(runtime, district.organisation, "Kit Example"))
    with runtime.database.transaction() as session:
        mine = earn(session, district, other.person)
    page = claim(mine)
    assert other.get(claim(award)).status_code == 404
    assert other.get(f"{claim(award)}/download.png").status_code == 404
    for path, form in (
        (claim(award), {"do": "accept", "name": "full"}),
        (claim(award), {"do": "decline"}),
        (claim(award), {"do": "preview"}),
        (f"{claim(award)}/publish", {}),
        (f"{claim(award)}/unpublish", {}),
    ):
        assert other.post(path, form, page=page).status_code == 404
    with runtime.database.snapshot() as session, unscoped(session, "a test"):
        assert session.get_one(Award, award.id).state == "offered"
    assert other.get(claim(award)).status_code == other.get(f"/badges/{uuid.uuid4()}").status_code


def test_a_form_without_its_mark_changes_nothing(
    visit: Visit, award: Award, runtime: Runtime
) -> None:
    for token in ("", "forged", "A" * 88):
        answer = visit.client.post(
            f"/s/{visit.sid}{claim(award)}",
            base_url="https://milepost.test",
            data={"do": "accept", "name": "full", "csrf_token": token},
        )
        assert answer.status_code == 403
    with runtime.database.snapshot() as session:
        assert awards.credential_of(session, award) is None


def test_publishing_before_the_signature_is_refused_kindly(visit: Visit, award: Award) -> None:
    token = visit.token(claim(award))
    visit.post(claim(award), {"do": "accept", "name": "full"})
    answer = visit.client.post(
        f"/s/{visit.sid}{claim(award)}/publish",
        base_url="https://milepost.test",
        data={"csrf_token": token},
    )
    assert answer.status_code == 409
    assert "still being signed" in answer.text


def test_a_withdrawn_badge_says_so_to_its_holder(
    visit: Visit, district: District, runtime: Runtime
) -> None:
    found = issue_credential(district)
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, found.id, "a mistake of ours", None, runtime.now())
    with runtime.database.snapshot() as session:
        (award,) = awards.awards(session, district.learner.id)
    page = visit.get(claim(award)).text
    assert "Withdrawn by its issuer" in page
    assert "a mistake of ours" in page
    assert "Publish it" not in page
    assert "Withdrawn by its issuer" in visit.get("/badges").text


def test_a_test_student_is_told_kindly_that_badges_are_for_people(
    visit: Visit, award: Award, runtime: Runtime
) -> None:
    mark_as_test_student(runtime, visit.person)
    answer = visit.post(claim(award), {"do": "accept", "name": "full"})
    assert answer.status_code == 409
    assert "Test students are given no badges" in answer.text
    assert "Open the activity as yourself" in answer.text
    with runtime.database.snapshot() as session:
        assert awards.credential_of(session, award) is None


@pytest.mark.parametrize("zone", ["localtime", "Nowhere/Bad", "right/Europe/Vienna"])
def test_a_time_zone_that_nobody_knows_breaks_no_page(
    visit: Visit, award: Award, runtime: Runtime, zone: str
) -> None:
    table = Person.__table__
    with runtime.database.transaction() as session:
        session.connection().execute(update(table).values(timezone=zone))  # type: ignore[arg-type]
    assert visit.get(claim(award)).status_code == 200
    lost = visit.get(f"/badges/{uuid.uuid4()}")
    assert (lost.status_code, "UTC" in lost.text) == (404, True)


def test_a_test_students_offer_says_that_it_is_practice(
    visit: Visit, award: Award, runtime: Runtime
) -> None:
    mark_as_test_student(runtime, visit.person)
    page = visit.get(claim(award)).text
    assert "Practice only." in page
    assert "Accept this badge" not in page
    assert "No, thank you" in page


def test_who_has_no_name_is_asked_for_one_and_not_scolded(
    visit: Visit, award: Award, runtime: Runtime
) -> None:
    with runtime.database.transaction() as session:
        table: Any = Person.__table__
        session.connection().execute(
            update(table).where(table.c.id == visit.person.id).values(name=None, given_name=None)
        )
    page = visit.get(claim(award)).text
    assert "Under which name?" in page
    assert 'id="errors"' not in page
    answer = visit.post(claim(award), {"name": "own", "own": "", "do": "accept"})
    assert answer.status_code == 422
    assert "Write the name that should stand on the badge." in answer.text
