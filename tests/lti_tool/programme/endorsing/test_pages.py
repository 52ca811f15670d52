"""Endorsing as a lead does it, deciding as the other side does, and terms of use."""

from __future__ import annotations

import re
import uuid

import pytest
from flask import Flask

from badges.achievements.addresses import achievement_url, credential_url
from badges.awards import service as awards
from badges.endorsements import service
from badges.endorsements.signing import sign_endorsement
from core.identity import Organisation, Person, Role
from core.runtime import Runtime
from core.web.sessions import COOKIE, start_session
from keys.shared import ring_of
from lti_tool.app import create_app
from tests.badges.endorsements.conftest import Union, district, union
from tests.lti_tool.learning.conftest import Visit
from tests.support.badges import add_person, issue_credential

LEAD = frozenset({Role.LEAD})
WORDS = "We watched three lessons. <b>It holds.</b>"


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime=runtime)


def sign_in(
    app: Flask, person: Person, place: Organisation, roles: frozenset[Role] = LEAD
) -> Visit:
    runtime: Runtime = app.extensions["milepost"]
    with runtime.database.transaction() as session:
        started = start_session(
            session, person_id=person.id, organisation_id=place.id, organisation_path=place.path,
            context_id=None, platform_id=None, roles=roles, data={}, hours=8, now=runtime.now(),
        )  # fmt: skip
    client = app.test_client()
    client.set_cookie(f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True)
    return Visit(client, started.id, person)


def text_of(visit: Visit, path: str, status: int = 200) -> str:
    answer = visit.get(path)
    assert answer.status_code == status, answer.text
    return re.sub(r"\s+", " ", answer.text)


@pytest.fixture
def giver(app: Flask, union: Union) -> Visit:
    person = add_person(union.runtime, union.organisation, "Umar Unionlead")
    return sign_in(app, person, union.organisation)


@pytest.fixture
def receiver(app: Flask, union: Union) -> Visit:
    place = union.district.organisation
    return sign_in(app, add_person(union.runtime, place, "Lena Lead"), place)


def endorse(union: Union, giver: Visit, address: str) -> uuid.UUID:
    """Fill in the form and have it signed."""
    form = {"address": address, "issuer": str(union.issuer.id), "comment": WORDS, "until": ""}
    answer = giver.post("/endorsements", form, page="/endorsements/new")
    assert answer.status_code == 303, answer.text
    made = uuid.UUID(answer.location.rsplit("/", 1)[1])
    sign_endorsement(union.runtime, ring_of(union.runtime), made)
    return made


def test_one_side_says_it_and_the_other_shows_it(
    union: Union, giver: Visit, receiver: Visit
) -> None:
    address = achievement_url(union.district.badge_url, union.district.version.id)
    assert "You have endorsed nothing yet" in text_of(giver, "/endorsements")
    assert "Questions That Open" in text_of(giver, f"/endorsements/new?of={address}")
    made = endorse(union, giver, address)
    assert "Not answered yet" in text_of(giver, "/endorsements")
    public = giver.client.get(f"/endorsements/{made}", headers={"Accept": "text/html"})
    assert public.status_code == 404
    waiting = text_of(receiver, "/endorsements")
    assert "Waiting for your answer" in waiting
    assert "It holds.&lt;/b&gt;" in waiting
    own = f"/endorsements/{made}"
    shown = receiver.post(f"{own}/answer", {"do": "show"}, page=own)
    assert shown.status_code == 303
    page = giver.client.get(f"/endorsements/{made}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Teachers’ Union endorses Questions That Open" in page.text
    assert "&lt;b&gt;" in page.text
    signed = giver.client.get(f"/endorsements/{made}")
    assert signed.get_json()["credentialSubject"]["id"] == address
    token = giver.client.get(f"/endorsements/{made}", headers={"Accept": "application/jwt"})
    assert token.text.startswith("eyJ")
    assert token.text == giver.client.get(f"/endorsements/{made}.jwt").text
    assert giver.client.get(f"/endorsements/{made}.json").get_json() == signed.get_json()
    verified = giver.client.get(
        "/achievements/" + address.rsplit("/", 1)[1], headers={"Accept": "application/json"}
    )
    assert [one["id"] for one in verified.get_json()["endorsement"]] == [signed.get_json()["id"]]
    html = giver.client.get(verified.request.path, headers={"Accept": "text/html"})
    assert "What others say" in html.text
    # Taken back, it says so for ever.
    back = giver.post(f"{own}/revoke", {"reason": ""}, page=own)
    assert back.status_code == 422
    assert giver.post(f"{own}/revoke", {"reason": "A new text."}, page=own).status_code == 303
    gone = giver.client.get(f"/endorsements/{made}", headers={"Accept": "text/html"})
    assert "has been taken back" in gone.text
    assert "A new text." in text_of(giver, own)


def test_each_fault_is_told_at_its_place_and_nothing_typed_is_lost(
    union: Union, giver: Visit
) -> None:
    form = {"address": "https://elsewhere.example/x", "issuer": "", "comment": "", "until": "soon"}
    answer = giver.post("/endorsements", form, page="/endorsements/new")
    assert answer.status_code == 422
    for said in (
        "Nothing that can be endorsed was found", "Choose the issuer", "Say what you endorse",
        "There is no such day in the calendar.", "https://elsewhere.example/x",
    ):  # fmt: skip
        assert said in answer.text
    early = {"address": "", "issuer": "", "comment": "", "until": "2020-01-01"}
    assert "still to come" in giver.post("/endorsements", early, page="/endorsements/new").text
    for until in ("9999-12-31", "2200-01-01"):
        late = giver.post("/endorsements", {**early, "until": until}, page="/endorsements/new")
        assert late.status_code == 422
        assert "Choose a day within the next hundred years." in late.text
        assert f'value="{until}"' in late.text
    # Its own is not for it to endorse; what was typed is still there.
    own = {
        "address": f"{union.district.badge_url}/issuers/union",
        "issuer": str(union.issuer.id), "comment": WORDS, "until": "",
    }  # fmt: skip
    answer = giver.post("/endorsements", own, page="/endorsements/new")
    assert answer.status_code == 409
    assert "comes from somebody else" in answer.text
    assert "It holds." in answer.text


def test_the_holder_decides_what_their_badge_shows(app: Flask, union: Union, giver: Visit) -> None:
    there = union.district
    credential = issue_credential(there)
    made = endorse(union, giver, credential_url(there.badge_url, credential.id))
    holder = sign_in(app, there.learner, there.organisation, frozenset({Role.TEACHER}))
    place = f"/badges/{credential.award_id}"
    assert "Others have put their name to your badge" in text_of(holder, place)
    assert "Your turn" in text_of(holder, f"{place}/endorsements")
    answer = f"{place}/endorsements/{made}"
    for do, count, said in (("show", 1, "In your badge"), ("hide", 0, "Left out")):
        done = holder.post(answer, {"do": do}, page=f"{place}/endorsements")
        assert done.status_code == 303
        with union.runtime.database.snapshot() as session:
            now = awards.own_credential(session, credential.id, there.learner.id)
            assert (now.document or "").count("EndorsementCredential") == count
        assert said in text_of(holder, f"{place}/endorsements")
    # It is not for a lead to decide, nor for another's badge.
    unknown = f"{place}/endorsements/{uuid.uuid4()}"
    done = holder.post(unknown, {"do": "show"}, page=f"{place}/endorsements")
    assert done.status_code == 404


def test_who_leads_nothing_or_another_place_sees_nothing(
    app: Flask, union: Union, giver: Visit, receiver: Visit
) -> None:
    teacher = sign_in(
        app, union.district.learner, union.district.organisation, frozenset({Role.TEACHER})
    )
    issuer = f"/issuers/{union.district.issuer.id}/terms"
    for path in ("/endorsements", "/endorsements/new", issuer):
        assert teacher.get(path).status_code == 403
    made = union.endorse(
        union.target(f"{union.district.badge_url}/issuers/alder-valley"), shown=False
    )
    own = f"/endorsements/{made.id}"
    token = {"reason": "No."}
    assert receiver.post(f"{own}/revoke", token, page="/endorsements/new").status_code in (404, 422)
    assert giver.post(f"{own}/answer", {"do": "show"}, page=own).status_code == 404
    assert giver.get(issuer).status_code == 404
    with union.runtime.database.snapshot() as session:
        found = service.find(session, made.id)
        assert (found.answer, found.revoked_at) == ("waiting", None)


def test_terms_are_published_read_and_ended(union: Union, receiver: Visit) -> None:
    place = f"/issuers/{union.district.issuer.id}/terms"
    assert (
        receiver.post(place, {"text": "You may share it.\n\nDo not alter it."}).status_code == 303
    )
    public = receiver.client.get("/issuers/alder-valley/terms/1")
    assert "<p>Do not alter it.</p>" in public.text
    assert "Version 1" in text_of(receiver, place)
    receiver.post(place, {"text": "You may share it."})
    assert "There are newer terms" in receiver.client.get("/issuers/alder-valley/terms/1").text
    receiver.post(place, {"text": ""})
    assert "These terms have ended" in receiver.client.get("/issuers/alder-valley/terms/2").text
    assert receiver.client.get("/issuers/alder-valley/terms/3").status_code == 404
    assert receiver.post(place, {"text": "x" * 20_001}).status_code == 422
    for number in ("0", "9" * 9, "9" * 20, "9" * 400):
        missing = receiver.client.get(f"/issuers/alder-valley/terms/{number}")
        assert missing.status_code == 404


def test_of_two_who_publish_terms_at_once_the_second_is_told(union: Union, receiver: Visit) -> None:
    place = f"/issuers/{union.district.issuer.id}/terms"
    assert 'name="seen" value="0"' in receiver.get(place).text
    assert receiver.post(place, {"text": "You may share it.", "seen": "0"}).status_code == 303
    late = receiver.post(place, {"text": "You may not.", "seen": "0"})
    assert late.status_code == 409
    long = receiver.post(place, {"text": "x" * 20_001, "seen": "0"})
    assert long.status_code == 422
    assert 'name="seen" value="0"' in long.text
    assert "Somebody has published other terms since you opened this page" in late.text
    assert "You may not." in late.text
    assert 'name="seen" value="1"' in late.text
    assert receiver.client.get("/issuers/alder-valley/terms/2").status_code == 404
    assert receiver.post(place, {"text": "You may not.", "seen": "1"}).status_code == 303


__all__ = ["district", "union"]
