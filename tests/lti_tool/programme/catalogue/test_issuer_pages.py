"""The pages of issuers: who may, what is kept when something is wrong, what strangers then see."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from flask import Flask
from sqlalchemy import select

from badges.achievements.models import Issuer
from core.audit import AuditEvent
from core.identity import Role, create_organisation
from core.runtime import Runtime
from core.scope import unscoped
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District, add_person

NORTH = {
    "name": "North Academy", "slug": "north", "url": "https://north.example", "phone": "+43 1 234",
    "email": "badges@north.example", "official": "The head", "description": "A school.",
    "address.address_locality": "Graz", "address.address_country_code": "at",
    "parent_slug": "alder-valley", "identifiers[0].identifier": "60-7",
    "identifiers[0].type": "systemId", "identifiers[1].identifier": "",
}  # fmt: skip


def rows(district: District, model: Any, *where: Any) -> list[Any]:
    with (
        district.runtime.database.snapshot() as session,
        unscoped(session, "a test looks at everything"),
    ):
        return list(session.scalars(select(model).where(*where)))


def issuer(district: District, slug: str) -> Issuer:
    (found,) = rows(district, Issuer, Issuer.slug == slug)
    assert isinstance(found, Issuer)
    return found


def test_an_issuer_is_made_and_its_profile_is_public(
    app: Flask, district: District, lead: Visit
) -> None:
    answer = lead.post("/issuers", NORTH, page="/issuers/new")
    made = issuer(district, "north")
    assert answer.status_code == 303
    assert answer.location.endswith(f"/issuers/{made.id}")
    assert "North Academy is ready to sign badges." in lead.get(f"/issuers/{made.id}").text
    client = app.test_client()
    profile = client.get("/issuers/north", base_url="https://milepost.test").get_json(force=True)
    assert profile["id"] == made.did
    assert profile["phone"] == "+43 1 234"
    assert profile["address"]["addressCountryCode"] == "AT"
    assert profile["parentOrg"]["id"] == district.issuer.did
    assert profile["otherIdentifier"][0]["identifier"] == "60-7"
    page = client.get(
        "/issuers/north", base_url="https://milepost.test", headers={"Accept": "text/html"}
    ).text
    assert "Graz" in page
    assert "Alder Valley Schools" in page
    assert (
        client.get("/issuers/north/did.json", base_url="https://milepost.test").status_code == 200
    )


def test_what_is_wrong_is_named_and_nothing_typed_is_lost(district: District, lead: Visit) -> None:
    wrong = {**NORTH, "slug": "alder-valley", "phone": "call me", "url": "north",
             "address.address_country_code": "Austria", "name": ""}  # fmt: skip
    answer = lead.post("/issuers", wrong, page="/issuers/new")
    assert answer.status_code == 422
    for sentence in (
        "There is already an issuer at this address.", "Write a telephone number",
        "Name: This must",
        "Country in two letters: This must be two letters",
    ):  # fmt: skip
        assert sentence in answer.text
    for kept in ("call me", "Austria", "60-7", "A school."):
        assert kept in answer.text
    assert [one.slug for one in rows(district, Issuer)] == ["alder-valley"]


def test_a_profile_is_changed_as_a_whole_and_noted(district: District, lead: Visit) -> None:
    path = f"/issuers/{district.issuer.id}"
    seen = re.search(r'name="seen" value="([^"]*)"', lead.get(path).text)
    assert seen
    form = {"name": "Alder Valley", "address.postal_code": "8010", "seen": seen[1]}
    assert lead.post(path, form).status_code == 303
    assert "Saved." in lead.get(path).text
    found = issuer(district, "alder-valley")
    assert (found.name, found.address) == ("Alder Valley", {"postal_code": "8010"})
    (event,) = rows(district, AuditEvent, AuditEvent.action == "issuer.changed")
    assert event.actor_id == lead.person.id
    assert set(event.details["fields"]) == {"name", "address"}
    late = lead.post(path, {**form, "name": "Too late"})
    assert late.status_code == 409
    assert "Somebody else has changed this issuer" in late.text
    assert "Too late" in late.text
    assert issuer(district, "alder-valley").name == "Alder Valley"


def test_a_page_that_was_overtaken_can_be_saved_once_it_was_seen(
    district: District, lead: Visit
) -> None:
    path = f"/issuers/{district.issuer.id}"
    assert lead.post(path, {"name": "First", "seen": ""}).status_code == 303
    clash = lead.post(path, {"name": "Second", "seen": ""})
    seen = re.search(r'name="seen" value="([^"]+)"', clash.text)
    assert clash.status_code == 409
    assert seen
    assert lead.post(path, {"name": "Second", "seen": seen[1]}).status_code == 303
    assert issuer(district, "alder-valley").name == "Second"


def test_a_school_reads_its_districts_issuer_and_does_not_change_it(
    district: District, lead_below: Visit
) -> None:
    path = f"/issuers/{district.issuer.id}"
    page = lead_below.get(path).text
    assert "It belongs to an organisation above yours" in page
    assert ">Save<" not in page
    refused = lead_below.post(path, {"name": "Ours now", "seen": ""})
    assert refused.status_code == 403
    assert "You can read it, not change it." in refused.text
    assert issuer(district, "alder-valley").name == "Alder Valley Schools"


def test_who_leads_nothing_is_told_so(app: Flask, district: District) -> None:
    person = add_person(district.runtime, district.organisation, "Tim")
    visit = visit_as(app, district, person, frozenset({Role.TEACHER, Role.COACH}))
    one = f"/micro-credentials/{district.achievement.id}"
    for path in ("/issuers", "/issuers/new", "/micro-credentials", "/frameworks", one):
        answer = visit.get(path)
        assert answer.status_code == 403
        assert "Your role here does not include this page." in answer.text


def test_with_no_issuer_the_pages_say_what_comes_here(
    app: Flask, runtime: Runtime, district: District
) -> None:
    with runtime.database.transaction() as session:
        far = create_organisation(session, name="Far", slug="far")
    visit = visit_as(
        app, replace(district, organisation=far), add_person(runtime, far, "Zoe"),
        frozenset({Role.ADMINISTRATOR}),
    )  # fmt: skip
    assert "No issuer yet" in visit.get("/issuers").text
    page = visit.get("/micro-credentials").text
    assert "Nothing is published yet" in page
    assert "No issuer of your own yet" in page
    assert visit.get(f"/issuers/{district.issuer.id}").status_code == 404
