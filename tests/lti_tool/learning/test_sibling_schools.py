"""Somebody of one school who comes in through a sibling school of the same LMS."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from badges.awards import service as awards
from badges.awards.models import Award, Credential
from badges.awards.signing import sign_credential
from badges.pathways import service as pathways
from core.identity import (
    Organisation,
    OrganisationKind,
    Person,
    create_organisation,
    organisation_by_slug,
    owner_of,
)
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.app import create_app
from lti_tool.evidence.assignments import assignment_for
from lti_tool.evidence.models import Revision, Submission
from lti_tool.lti.models import Platform
from lti_tool.lti.registration import add_deployment
from lti_tool.lti.views import EXTENSION
from tests.lti_tool.lti.harness import Browser, prepare
from tests.support.badges import District, earn
from tests.support.local_http import local_server


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The whole tool: these pages link to all the others."""
    return create_app(runtime=runtime)


@pytest.fixture
def browser(app: Flask, runtime: Runtime, district: District) -> Any:
    """One platform with a deployment for each of two schools: alder and birch."""
    with local_server() as server:
        made = prepare(app, app.extensions[EXTENSION], district.organisation, server)
        with runtime.database.transaction() as session:
            schools = [
                create_organisation(
                    session, name=f"{name} School", slug=name, kind=OrganisationKind.SCHOOL,
                    parent=district.organisation,
                )
                for name in ("alder", "birch")
            ]  # fmt: skip
        with runtime.database.transaction(district.organisation.scope) as session:
            platform = session.get_one(Platform, made.platform_id)
            for school in schools:
                add_deployment(
                    session, platform, school.slug, organisation=school, now=runtime.now()
                )
        yield made.browser()


def come_in(browser: Browser, school: str) -> str:
    """Launch through that school; the path of the visit."""
    pending = browser.begin(target_link_uri=f"{browser.installation.base}/to/home")
    answer = browser.finish(pending, deployment_id=school)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    found = re.match(r"/s/[0-9a-f-]{36}", urlsplit(answer.headers["Location"]).path)
    assert found
    return found[0]


@pytest.fixture
def award(browser: Browser, runtime: Runtime, district: District) -> Award:
    """Earned at alder, whose person they are."""
    come_in(browser, "alder")
    with runtime.database.transaction() as session, unscoped(session, "test"):
        person = session.scalars(
            select(Person).join(Organisation, Organisation.id == Person.owner_id)
            .where(Organisation.slug == "alder")
        ).one()  # fmt: skip
        return earn(session, district, person)


def credential_of(runtime: Runtime, award: Award) -> Credential:
    with runtime.database.snapshot() as session:
        found = awards.credential_of(session, award)
    assert found is not None
    return found


def post(browser: Browser, page: str, path: str, **data: str) -> Any:
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(page).text)
    assert token, f"no form on {page}"
    return browser.post(path, data={"csrf_token": token[1], **data})


def test_their_offer_is_shown_named_accepted_and_published_there(
    browser: Browser, runtime: Runtime, district: District, award: Award
) -> None:
    visit = come_in(browser, "birch")
    offer = f"{visit}/badges/{award.id}"
    assert "Mara Example" in browser.get(offer).text
    assert f"/badges/{award.id}" in browser.get(f"{visit}/badges").text
    again = post(browser, offer, offer, do="preview", name="own", own="M. E.")
    assert (again.status_code, "M. E." in again.text) == (200, True)
    assert post(browser, offer, offer, do="accept", name="own", own=" ").status_code == 422
    assert post(browser, offer, offer, do="accept", name="full").status_code == 303
    assert browser.get(offer).status_code == 200
    sign_credential(runtime, district.ring, credential_of(runtime, award).id)
    assert "Mara Example" in browser.get(offer).text
    assert post(browser, offer, f"{offer}/publish").status_code == 303
    assert credential_of(runtime, award).published_at is not None
    assert browser.get(f"{offer}/download.json").status_code == 200


def test_their_offer_can_be_declined_there(
    browser: Browser, runtime: Runtime, award: Award
) -> None:
    visit = come_in(browser, "birch")
    offer = f"{visit}/badges/{award.id}"
    assert post(browser, offer, offer, do="decline").status_code == 303
    with runtime.database.snapshot() as session:
        assert awards.award(session, award.id, award.person_id).state == "declined"


def test_their_path_is_the_same_through_both_schools(
    browser: Browser, runtime: Runtime, district: District, award: Award
) -> None:
    pages = [browser.get(f"{come_in(browser, school)}/path") for school in ("alder", "birch")]
    assert [page.status_code for page in pages] == [200, 200]
    assert all("Your badge is ready" in page.text for page in pages)


def test_evidence_sent_at_one_school_is_with_its_reviewers_at_the_other_too(
    browser: Browser, runtime: Runtime, district: District
) -> None:
    come_in(browser, "alder")
    with runtime.database.transaction() as session, unscoped(session, "test"):
        alder = organisation_by_slug(session, "alder")
        person = session.scalars(select(Person).where(Person.owner_id == alder.id)).one()
        pathways.enrol(session, person, district.version, runtime.now())
        assignment = assignment_for(
            session, achievement_id=district.achievement.id, context=None, scope=alder.scope,
            now=runtime.now(),
        )  # fmt: skip
        submission = Submission(
            **owner_of(alder), id=uuid.uuid4(), assignment_id=assignment.id, person_id=person.id,
            created_at=runtime.now(),
        )  # fmt: skip
        revision = Revision(
            **owner_of(alder), submission_id=submission.id, n=1, state="submitted",
            achievement_version_id=district.version.id, policy={}, receipt="MP-1234-5678",
            idempotency_key=str(uuid.uuid4()), created_at=runtime.now(), saved_at=runtime.now(),
            submitted_at=runtime.now(),
        )  # fmt: skip
        session.add(submission)
        session.flush()
        session.add(revision)
    for school in ("alder", "birch"):
        page = browser.get(f"{come_in(browser, school)}/path").text
        assert "There is nothing for you to do today." in page, school
        assert "Gather evidence" not in page, school


def test_nobody_else_of_the_other_school_sees_it(browser: Browser, award: Award) -> None:
    other = browser.installation.browser()
    pending = other.begin(target_link_uri=f"{other.installation.base}/to/home")
    answer = other.finish(pending, deployment_id="birch", sub="8", name="Teo Example")
    visit = urlsplit(answer.headers["Location"]).path.removesuffix("/home")
    assert other.get(f"{visit}/badges/{award.id}").status_code == 404
