"""The lead's list of accepted issuers: who may change it, what is asked, what it says."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from badges.holdings import accepting
from badges.openbadges.did import did_web_url
from core.db import utcnow
from core.identity import Organisation, Role, create_organisation
from core.runtime import Runtime
from core.web.sessions import COOKIE, start_session
from lti_tool.app import create_app
from tests.support.badges import District, make_district
from tests.support.elsewhere import ACHIEVEMENT, PARTNER
from tests.support.environment import BASE_URL
from tests.support.meeting import meet

PAGE = "/accepted-issuers"


@dataclass
class Room:
    """One person's visit."""

    client: FlaskClient
    start: str

    def get(self, query: str = "") -> TestResponse:
        return self.client.get(f"{self.start}{PAGE}{query}", base_url=BASE_URL)

    def post(self, path: str, data: dict[str, str]) -> TestResponse:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get().text)
        token = found[1] if found else ""
        return self.client.post(
            f"{self.start}{path}", base_url=BASE_URL, data={"csrf_token": token, **data}
        )


@pytest.fixture
def district(runtime: Runtime) -> District:
    return make_district(runtime)


@pytest.fixture
def app(runtime: Runtime, district: District) -> Flask:
    return create_app(runtime=runtime)


def room(app: Flask, district: District, *roles: Role, place: Organisation | None = None) -> Room:
    organisation = place or district.organisation
    with district.runtime.database.transaction() as session:
        started = start_session(
            session, person_id=district.learner.id, organisation_id=organisation.id,
            organisation_path=organisation.path, context_id=None, platform_id=None,
            roles=frozenset(roles), data={}, hours=8, now=utcnow() - timedelta(minutes=1),
        )  # fmt: skip
    client = app.test_client()
    client.set_cookie(f"{COOKIE}{started.id}", started.secret, domain="milepost.test", secure=True)
    return Room(client, f"/s/{started.id}")


def words(page: str) -> str:
    return " ".join(page.split())


def test_a_line_is_put_on_the_list_and_ended(app: Flask, district: District) -> None:
    lead = room(app, district, Role.LEAD)
    assert "No other issuer counts yet" in lead.get().text
    answer = lead.post(
        PAGE,
        {
            "issuer": PARTNER, "name": "Partner Institute", "achievement": ACHIEVEMENT,
            "counts_as": str(district.achievement.id),
        },
    )  # fmt: skip
    assert answer.status_code == 303
    page = words(lead.get().text)
    for said in ("Partner Institute", "partner.example", ACHIEVEMENT, "Questions That Open"):
        assert said in page
    line = re.search(r"/accepted-issuers/([0-9a-f-]{36})/end", page)
    assert line
    again = lead.post(PAGE, {"issuer": PARTNER, "achievement": ACHIEVEMENT})
    assert again.status_code == 409
    assert "This is on the list already." in again.text
    assert lead.post(f"{PAGE}/{line[1]}/end", {}).status_code == 303
    assert "No other issuer counts yet" in lead.get().text


def test_faults_stand_beside_their_fields_with_what_was_typed(
    app: Flask, district: District
) -> None:
    lead = room(app, district, Role.ADMINISTRATOR)
    answer = lead.post(PAGE, {"issuer": "Partner", "name": "Kept", "counts_as": "nonsense"})
    assert answer.status_code == 422
    page = words(answer.text)
    for said in (
        "Write it as their badges do", "Say which of their badges stands for one of yours.",
        "Choose one of the micro-credentials on the list.", 'value="Kept"',
    ):  # fmt: skip
        assert said in page


def test_an_issuer_of_ones_own_is_no_other_issuer(app: Flask, district: District) -> None:
    lead = room(app, district, Role.LEAD)
    own = district.achievement.issuer.did
    for issuer in (own, did_web_url(own).removesuffix("/did.json")):
        answer = lead.post(PAGE, {"issuer": issuer, "name": "Ourselves"})
        assert answer.status_code == 422
        assert "This is an issuer of your own" in answer.text


def test_the_form_is_filled_in_by_a_link_of_the_list(app: Flask, district: District) -> None:
    page = room(app, district, Role.LEAD).get(f"?issuer={PARTNER}&name=P&achievement=urn:a").text
    assert f'value="{PARTNER}"' in page
    assert 'value="urn:a"' in page


def test_nobody_else_sees_or_changes_it(app: Flask, district: District) -> None:
    for role in (Role.TEACHER, Role.COACH):
        other = room(app, district, role)
        assert other.get().status_code == 403
        assert other.post(PAGE, {"issuer": PARTNER}).status_code == 403


def test_a_school_reads_what_its_district_set_and_cannot_end_it(
    app: Flask, district: District
) -> None:
    with district.runtime.database.transaction() as session:
        school = create_organisation(
            session, name="North", slug="north", parent=district.organisation
        )
    room(app, district, Role.LEAD).post(PAGE, {"issuer": PARTNER, "name": "Partner"})
    lead = room(app, district, Role.LEAD)
    line = re.search(r"/accepted-issuers/([0-9a-f-]{36})/end", lead.get().text)
    assert line
    below = room(app, district, Role.LEAD, place=school)
    assert "Set above you" in below.get().text
    assert below.post(f"{PAGE}/{line[1]}/end", {}).status_code == 403
    assert below.post(f"{PAGE}/{uuid.uuid4()}/end", {}).status_code == 404
    assert line[1] in lead.get().text


def test_a_line_that_another_lead_adds_in_this_moment_is_said_to_be_there(
    runtime_pg: Runtime,
) -> None:
    district = make_district(runtime_pg)
    lead = room(create_app(runtime=runtime_pg), district, Role.LEAD)
    answer = meet(
        runtime_pg,
        district.organisation.scope,
        lambda session: accepting.accept(
            session, district.organisation, issuer=PARTNER, name="Theirs",
            actor_id=district.learner.id, now=utcnow(),
        ),
        lambda: lead.post(PAGE, {"issuer": PARTNER, "name": "Mine"}),
    )  # fmt: skip
    assert answer.status_code == 409
    assert "This is on the list already." in answer.text
    assert 'value="Mine"' in answer.text
    with runtime_pg.database.snapshot(district.organisation.scope) as session:
        assert [row.name for row in accepting.accepted(session)] == ["Theirs"]
