"""An invitation opens a badge for somebody known by an address alone, and confirms the address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from badges.awards.batches import running, service, table
from core import addresses
from core.db import utcnow
from core.identity import Person
from core.runtime import Runtime
from core.scope import unscoped
from core.worker import Worker
from lti_tool.access import inviting
from lti_tool.access.models import AccessInvitation
from lti_tool.app import create_app, register_jobs
from tests.support.badges import District, make_district
from tests.support.environment import BASE_URL
from tests.support.mailbox import Mailbox, with_mail

NEW = "new@elsewhere.example"


@dataclass
class Place:
    """A district that has offered a badge to somebody whom nobody knows."""

    district: District
    app: Flask
    mailbox: Mailbox

    @property
    def runtime(self) -> Runtime:
        return self.district.runtime

    def give(self, *emails: str) -> None:
        read = table.read(
            "\n".join(["email,name", *(f"{one},Nell New" for one in emails)]).encode()
        )
        with self.runtime.database.transaction(self.district.organisation.scope) as session:
            batch = service.write(
                session, self.district.organisation, self.district.version, read.lines,
                actor_id=None, invites=True, now=utcnow(),
            )  # fmt: skip
            service.start(session, batch.id, utcnow())
        running.run(self.runtime, batch.id, 0, 10)
        Worker(self.runtime.database, self.runtime.registry).drain()

    def path(self) -> str:
        return self.mailbox.only(NEW).path("/access/invitations/")

    def open(self, path: str, **options: object) -> TestResponse:
        return self.app.test_client().get(path, base_url=BASE_URL, **options)

    def person(self) -> Person:
        with self.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
            return session.scalars(select(Person).where(Person.email == NEW)).one()


@pytest.fixture
def place(runtime: Runtime) -> Place:
    mailbox = with_mail(runtime)
    register_jobs(runtime)
    made = Place(make_district(runtime), create_app(runtime=runtime), mailbox)
    made.give(NEW, "wren@alder-valley.example")
    return made


def test_the_letter_says_who_and_what_and_leads_to_the_badge(place: Place) -> None:
    mail = place.mailbox.only(NEW)
    assert mail.subject == "A badge waits for you: Questions That Open"
    assert "Hello Nell New," in mail.text
    assert "Alder Valley Schools has awarded you a badge" in mail.text
    assert not place.mailbox.only("wren@alder-valley.example").paths("/access/invitations/")


def test_looking_takes_nothing_and_the_button_opens_ones_badges(place: Place) -> None:
    path = place.path()
    for _look in range(2):
        page = place.open(path)
        assert page.status_code == 200
        assert "Questions That Open" in page.text
        assert page.headers["Referrer-Policy"] == "same-origin"
    assert place.person().email_verified_at is None
    client = place.app.test_client()
    taken = client.post(path, base_url=BASE_URL, headers={"Origin": BASE_URL})
    assert taken.status_code == 303
    badges = client.get(taken.location, base_url=BASE_URL)
    assert "Questions That Open" in badges.text
    assert place.person().verified_email == NEW
    root = re.match(r"/s/[^/]+", taken.location)
    assert root
    assert client.get(f"{root[0]}/give", base_url=BASE_URL).status_code == 403
    with place.runtime.database.snapshot() as session:
        (holder,) = addresses.holders(session, NEW)
    assert holder.id == place.person().id, "the way in by mail is theirs from now on"
    again = client.post(path, base_url=BASE_URL, headers={"Origin": BASE_URL})
    assert again.status_code == 410
    assert "used before" in again.text


def test_a_form_of_another_site_takes_nothing(place: Place) -> None:
    answer = place.app.test_client().post(
        place.path(), base_url=BASE_URL, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert place.person().email_verified_at is None


def test_an_invitation_ends_and_an_unknown_one_never_was(place: Place) -> None:
    path = place.path()
    assert place.open("/access/invitations/unknown").status_code == 404
    place.runtime.clock = lambda: utcnow() + inviting.LIFETIME
    assert place.open(path).status_code == 410
    assert "expired" in place.open(path).text
    with place.runtime.database.transaction() as session:
        assert inviting.forget(session, place.runtime.now() + timedelta(days=31)) == 1


def test_nobody_is_invited_twice_for_one_thing_or_once_they_have_come(place: Place) -> None:
    person = place.person()
    config, now = place.runtime.config, utcnow()
    with place.runtime.database.transaction() as session:
        assert inviting.invite(session, config, person.id, "another", now) is not None
        assert inviting.invite(session, config, person.id, "another", now) is None
        assert inviting.invite(session, config, place.district.learner.id, "x", now) is None
    with place.runtime.database.transaction() as session, unscoped(session, "the test plays"):
        session.get_one(Person, person.id).email_verified_at = now
        session.flush()
        assert inviting.invite(session, config, person.id, "third", now) is None
        assert len(session.scalars(select(AccessInvitation)).all()) == 2
