"""Many credentials signed at once: as if each were signed alone."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.models import AchievementVersion
from badges.awards import service
from badges.awards.accepting import Answer, accept_all
from badges.awards.jobs import register_jobs
from badges.awards.models import Award, Credential, StatusList
from badges.awards.offering import offer_many
from badges.awards.proofs import IssuerKeys
from badges.awards.signing import ISSUED, sign_credential, sign_together
from badges.openbadges.errors import InvalidCredentialError
from badges.pathways import service as pathways
from badges.pathways.models import FactRow
from core.errors import NotFoundError
from core.identity import Person
from core.outbox import Job, OutboxMessage, begin, claim
from core.scope import unscoped
from core.worker import Worker
from keys.ring import KeyRing
from tests.support.badges import NOW, District, add_person, both_databases, micro_credential
from tests.support.verifying import verify_badge


def accepted(district: District, number: int) -> list[Credential]:
    people = [
        add_person(district.runtime, district.organisation, f"Person{one} Many")
        for one in range(number)
    ]
    with district.runtime.database.transaction() as session:
        made = offer_many(
            session, [one.id for one in people], district.version, actor=None, now=NOW
        )
        answers = [Answer(made[one.id], one.id, one.name) for one in people]  # type: ignore[arg-type]
        return accept_all(session, answers, badge_url=district.badge_url, now=NOW)


def jobs(district: District) -> list[Job]:
    """What the worker would be given for all that wait to be signed."""
    now = district.runtime.now()
    claimed = claim(district.runtime.database, limit=100, now=now)
    begun = [begin(district.runtime.database, job, now=now) for job in claimed]
    return [job for job in begun if job is not None and job.topic == service.SIGN]


def test_many_accepted_at_once_differ_in_all_that_must_differ(district: District) -> None:
    made = accepted(district, 12)
    assert len({one.id for one in made}) == 12
    places = {(one.status_list_id, one.status_index) for one in made}
    assert len(places) == 12
    subjects = {one.unsigned["credentialSubject"]["id"] for one in made}
    assert len(subjects) == 12
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        (status_list,) = session.scalars(select(StatusList))
        assert status_list.allocated == 12
        assert set(session.scalars(select(Award.state))) == {"accepted"}


def test_one_that_is_not_theirs_keeps_all_from_being_accepted(district: District) -> None:
    person = add_person(district.runtime, district.organisation, "Ada One")
    with district.runtime.database.transaction() as session:
        made = offer_many(session, [person.id], district.version, actor=None, now=NOW)
    answers = [
        Answer(made[person.id], person.id, "Ada"),  # type: ignore[arg-type]
        Answer(made[person.id], district.learner.id, "Wren"),  # type: ignore[arg-type]
    ]
    with (
        pytest.raises(NotFoundError),
        district.runtime.database.transaction() as session,
    ):
        accept_all(session, answers, badge_url=district.badge_url, now=NOW)
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        assert session.scalar(select(func.count()).select_from(Credential)) == 0


@both_databases
def test_they_are_signed_as_one_by_one_and_verify(district: District) -> None:
    made = accepted(district, 4)
    alone = made[0]
    sign_credential(district.runtime, district.ring, alone.id)
    todo = jobs(district)
    assert len(todo) == 4, "the one that is signed already is among them"
    assert sign_together(district.runtime, district.ring, todo) == {}
    assert sign_together(district.runtime, district.ring, todo) == {}
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        facts = session.scalars(select(FactRow.source_id).where(FactRow.kind == "badge")).all()
        news = session.scalars(
            select(OutboxMessage.payload).where(OutboxMessage.topic == ISSUED)
        ).all()
    assert sorted(facts) == sorted(str(one.id) for one in made)
    assert sorted(one["credential_id"] for one in news) == sorted(facts)
    assert len({tuple(sorted(one)) for one in news}) == 1
    for one in made[:2]:
        with district.runtime.database.snapshot() as session:
            whole = service.own_credential(session, one.id, one.person_id)
        assert whole.state == "signed"
        assert verify_badge(district, whole).valid


def test_one_that_cannot_be_signed_keeps_no_other_back(district: District) -> None:
    good, bad = accepted(district, 2)
    with district.runtime.database.transaction() as session, unscoped(session, "the test breaks"):
        session.get_one(Credential, bad.id).unsigned = json.loads('{"id": "urn:x"}')
    todo = jobs(district)
    faults = sign_together(district.runtime, district.ring, todo)
    (about,) = [job for job in todo if job.id in faults]
    assert about.payload["credential_id"] == str(bad.id)
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        assert session.get_one(Credential, good.id).state == "signed"
        assert session.get_one(Credential, bad.id).state == "accepted"


@both_databases
def test_what_cannot_be_signed_is_logged_put_off_with_its_kind_and_signed_once_it_can_be(
    district: District, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = accepted(district, 2)
    whole = bad.unsigned
    register_jobs(district.runtime.registry, district.runtime)
    worker = Worker(district.runtime.database, district.runtime.registry)
    for unsigned, expected in (({"id": "urn:x"}, "accepted"), (whole, "signed")):
        with district.runtime.database.transaction() as session, unscoped(session, "the test"):
            session.get_one(Credential, bad.id).unsigned = unsigned
            session.execute(update(OutboxMessage).values(next_run_at=NOW))
        worker.drain()
        with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
            assert session.get_one(Credential, good.id).state == "signed"
            assert session.get_one(Credential, bad.id).state == expected
            rows = session.scalars(
                select(OutboxMessage).where(OutboxMessage.topic == service.SIGN)
            ).all()
        put_off = [row.last_error for row in rows if row.state == "ready"]
        assert put_off == (["InvalidCredentialError"] if expected == "accepted" else [])
        assert len([row for row in rows if row.state == "done"]) == 2 - len(put_off)
    [told] = [record for record in caplog.records if record.message == "job raised"]
    assert isinstance(told.exc_info, tuple)
    assert isinstance(told.exc_info[1], InvalidCredentialError)


@both_databases
def test_a_key_that_was_withdrawn_elsewhere_signs_none_of_them(district: District) -> None:
    made = accepted(district, 3)
    elsewhere = KeyRing(district.runtime.database, district.runtime.config.master_key)
    old = IssuerKeys.of(elsewhere, district.issuer)  # it remembers this one for a minute
    with district.runtime.database.transaction() as session:
        district.ring.withdraw(session, old.embedded.kid, NOW)
    assert sign_together(district.runtime, elsewhere, jobs(district)) == {}
    for one in made:
        with district.runtime.database.snapshot() as session:
            whole = service.own_credential(session, one.id, one.person_id)
        assert verify_badge(district, whole).valid


def test_who_is_on_a_pathway_is_judged_by_the_new_badge(district: District) -> None:
    (credential,) = accepted(district, 1)
    with district.runtime.database.transaction() as session, unscoped(session, "the test plays"):
        person = session.get_one(Person, credential.person_id)
        other = _another(session, district)
        pathways.enrol(session, person, other, NOW)
    sign_together(district.runtime, district.ring, jobs(district))
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        fact = session.scalars(select(FactRow).where(FactRow.kind == "badge")).one()
    assert fact.person_id == credential.person_id


def _another(session: Session, district: District) -> AchievementVersion:
    made = achievements.create(session, district.issuer, micro_credential(name="Other"), NOW)
    return achievements.current(session, made.id)
