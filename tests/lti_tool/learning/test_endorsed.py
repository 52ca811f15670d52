"""An endorsement waits: whoever has to answer it is told, once, and sees it on their pages."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from badges.achievements import service as achievements
from badges.achievements.addresses import achievement_url, credential_url, issuer_url
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.endorsements import service
from badges.endorsements.models import Endorsement
from core import identity, mail
from core.db import utcnow
from core.identity import Organisation, OrganisationKind, Person, Role
from core.outbox import OutboxMessage
from core.runtime import Runtime
from core.worker import Worker
from lti_tool.app import create_app, register_jobs
from lti_tool.learning.notices import choices, endorsed
from tests.badges.endorsements.conftest import Union, union
from tests.lti_tool.learning.conftest import visit_as
from tests.support.badges import NOW, District, add_person, issue_credential, make_district
from tests.support.mailbox import Mailbox, with_mail

WREN, LENA = "wren@alder-valley.example", "lena@alder-valley.example"
WORDS = "We watched three lessons. <b>It holds.</b>"


@pytest.fixture
def box(runtime: Runtime) -> Mailbox:
    return with_mail(runtime)


@pytest.fixture
def app(runtime: Runtime, box: Mailbox) -> Flask:
    register_jobs(runtime)
    return create_app(runtime=runtime)


@pytest.fixture
def district(app: Flask, runtime: Runtime, organisation: Organisation) -> District:
    return make_district(runtime, organisation)


@pytest.fixture
def badge(district: District, box: Mailbox) -> Credential:
    """Wren's published badge, of which all was told that there was to tell."""
    credential = issue_credential(district)
    work(district.runtime)
    box.empty()
    return credential


def work(runtime: Runtime) -> None:
    Worker(runtime.database, runtime.registry).drain()


def work_until_it_is_queued(runtime: Runtime) -> None:
    """Everything up to the mail itself, which is not sent yet."""
    worker = Worker(runtime.database, runtime.registry)
    worker.batch = 1
    while queued(runtime) == 0:
        assert worker.run_due()


def queued(runtime: Runtime) -> int:
    with runtime.database.snapshot() as session:
        rows = select(func.count()).select_from(OutboxMessage)
        return session.scalar(rows.where(OutboxMessage.topic == mail.SEND)) or 0


def of_the_badge(union: Union, badge: Credential, **changes: Any) -> Endorsement:
    address = credential_url(union.district.badge_url, badge.id)
    return union.endorse(union.target(address), shown=False, comment=WORDS, **changes)


def lead(runtime: Runtime, place: Organisation, name: str, role: Role = Role.LEAD) -> Person:
    person = add_person(runtime, place, name)
    with runtime.database.transaction() as session:
        identity.grant(session, person, role, organisation=place, source="test", now=utcnow())
    return person


def test_the_holder_is_told_once_and_without_their_data_in_the_row(
    union: Union, badge: Credential, box: Mailbox
) -> None:
    of_the_badge(union, badge)
    work(union.runtime)
    work(union.runtime)
    told = box.only(WREN)
    assert told.subject == "Somebody has put their name to your badge: Questions That Open"
    assert "Teachers’ Union has put its name to your badge" in told.text
    assert "Nobody else sees that unless you want them to." in told.text
    assert "It holds.&lt;/b&gt;" in told.html
    assert told.paths("/access") == ["/access"]
    with union.runtime.database.snapshot() as session:
        payloads = json.dumps(session.scalars(select(OutboxMessage.payload)).all())
    assert WREN not in payloads
    assert "lessons" not in payloads


@pytest.mark.parametrize("does", ["shows", "hides", "takes back", "revokes the badge"])
def test_what_was_decided_before_the_mail_went_is_not_told(
    union: Union, badge: Credential, box: Mailbox, does: str
) -> None:
    made = of_the_badge(union, badge)
    work_until_it_is_queued(union.runtime)
    if does == "takes back":
        union.revoke(made)
    elif does == "revokes the badge":
        with union.runtime.database.transaction(union.district.organisation.scope) as session:
            awards.revoke(session, badge.id, "A mistake.", None, utcnow())
    else:
        with union.runtime.database.transaction() as session:
            service.answer(
                session, made.id, shown=does == "shows", actor_id=badge.person_id,
                badge_url=union.district.badge_url, now=utcnow(),
            )  # fmt: skip
    work(union.runtime)
    assert [one.subject for one in box.mails() if "put their name" in one.subject] == []


def test_what_is_shown_from_the_start_or_comes_from_oneself_is_not_told(
    union: Union, badge: Credential, box: Mailbox
) -> None:
    of_the_badge(union, badge, actor_id=badge.person_id)
    lead(union.runtime, union.district.organisation, "Lena Lead")
    union.endorse(union.target(issuer_url(union.district.badge_url, "alder-valley")), shown=True)
    work(union.runtime)
    assert box.mails() == []


def test_a_holder_who_does_not_want_it_hears_nothing(
    union: Union, badge: Credential, box: Mailbox
) -> None:
    of_the_badge(union, badge)
    work_until_it_is_queued(union.runtime)
    with union.runtime.database.transaction() as session:
        choices.choose(session, badge.person_id, set(choices.KINDS) - {"endorsed"}, utcnow())
    work(union.runtime)
    assert box.mails() == []


def test_the_leads_of_what_is_endorsed_are_told_each_once(
    union: Union, district: District, box: Mailbox
) -> None:
    runtime, base, place = union.runtime, district.badge_url, district.organisation
    lena = lead(runtime, place, "Lena Lead")
    lead(runtime, place, "Ada Admin", Role.ADMINISTRATOR)
    with runtime.database.transaction() as session:
        identity.grant(
            session, lena, Role.ADMINISTRATOR, organisation=place, source="test", now=utcnow()
        )
    former = lead(runtime, place, "Former Lead")
    lead(runtime, union.organisation, "Umar Unionlead")
    with runtime.database.transaction() as session:
        identity.end_grant(session, former, Role.LEAD, organisation=place, now=utcnow())
    union.endorse(union.target(achievement_url(base, district.version.id)), shown=False)
    work(runtime)
    assert sorted(one.to for one in box.mails()) == ["ada@alder-valley.example", LENA]
    told = box.only(LENA)
    assert told.subject == "An endorsement waits for your answer: Questions That Open"
    assert "until a programme lead of Alder Valley Schools has answered" in told.text


def test_where_a_school_has_no_lead_the_nearest_above_is_told(
    union: Union, district: District, box: Mailbox
) -> None:
    runtime, base = union.runtime, district.badge_url
    with runtime.database.transaction() as session:
        school, sibling = (
            identity.create_organisation(
                session, name=name, slug=name.lower(), kind=OrganisationKind.SCHOOL,
                parent=district.organisation,
            )
            for name in ("Beech", "Cedar")
        )  # fmt: skip
        achievements.create_issuer(
            session, school, ring=district.ring, slug="beech", name="Beech School",
            badge_url=base, now=NOW,
        )  # fmt: skip
    lead(runtime, sibling, "Sibling Lead")
    lead(runtime, district.organisation, "Lena Lead")
    union.endorse(union.target(issuer_url(base, "beech")), shown=False)
    work(runtime)
    assert [one.to for one in box.mails()] == [LENA]


def test_who_leads_no_more_when_the_mail_goes_hears_nothing(
    union: Union, district: District, box: Mailbox
) -> None:
    runtime, place = union.runtime, district.organisation
    lena = lead(runtime, place, "Lena Lead")
    union.endorse(union.target(issuer_url(district.badge_url, "alder-valley")), shown=False)
    work_until_it_is_queued(runtime)
    with runtime.database.transaction() as session:
        identity.end_grant(session, lena, Role.LEAD, organisation=place, now=utcnow())
    work(runtime)
    assert box.mails() == []


def test_both_see_on_their_first_page_what_waits_until_they_answer(
    app: Flask, union: Union, district: District, badge: Credential
) -> None:
    runtime, base = union.runtime, district.badge_url
    holder = visit_as(app, district, district.learner)
    boss = visit_as(app, district, add_person(runtime, district.organisation, "Lena Lead"),
                    roles=frozenset({Role.LEAD}))  # fmt: skip
    waits = "Somebody has put their name to “Questions That Open”."
    assert waits not in holder.get("/badges").text
    assert "waits for your answer" not in boss.get("/today").text
    mine = of_the_badge(union, badge)
    theirs = union.endorse(union.target(issuer_url(base, "alder-valley")), shown=False)
    assert waits in holder.get("/badges").text
    assert "One endorsement waits for your answer." in boss.get("/today").text
    place = f"/badges/{badge.award_id}/endorsements"
    assert holder.post(f"{place}/{mine.id}", {"do": "maybe"}, page=place).status_code == 422
    assert waits in holder.get("/badges").text, "it is still to be answered"
    assert holder.post(f"{place}/{mine.id}", {"do": "hide"}, page=place).status_code == 303
    own = f"/endorsements/{theirs.id}"
    assert boss.post(f"{own}/answer", {}, page=own).status_code == 422
    assert boss.post(f"{own}/answer", {"do": "show"}, page=own).status_code == 303
    assert waits not in holder.get("/badges").text
    assert "waits for your answer" not in boss.get("/today").text


def test_an_endorsement_that_is_gone_is_nobodys_to_answer(union: Union, box: Mailbox) -> None:
    with union.runtime.database.transaction() as session:
        assert endorsed.queue(session, union.runtime, uuid.uuid4()) == 0


__all__ = ["union"]
