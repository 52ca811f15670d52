"""A file of recipients is checked, carried out once, and taken up again where it was cut off."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from badges.awards import service as awards
from badges.awards.batches import inviting, running, service, table
from badges.awards.batches.models import Batch, BatchLine, Newcomer
from badges.awards.models import Award
from badges.pathways.models import Enrolment, FactRow
from core.audit import AuditEvent
from core.errors import ConflictError, NotFoundError
from core.identity import Person, Role, create_organisation, grant, owner_of
from core.outbox import OutboxMessage
from core.scope import unscoped
from tests.support.badges import NOW, District, add_person, both_databases, decision, earn
from tests.support.badges import make_district as _make

LATER = NOW + timedelta(days=1)


@pytest.fixture
def district(request: pytest.FixtureRequest) -> District:
    return _make(request.getfixturevalue(getattr(request, "param", "runtime")))


def write(
    district: District, text: str, actor: Person | None = None, *, invites: bool = True
) -> Batch:
    """Check a file."""
    read = table.read(text.encode())
    assert read.fault is None
    with district.runtime.database.transaction(district.organisation.scope) as session:
        return service.write(
            session, district.organisation, district.version, read.lines,
            actor_id=actor.id if actor else None, invites=invites, now=LATER,
        )  # fmt: skip


def start(district: District, batch: Batch) -> None:
    with district.runtime.database.transaction(district.organisation.scope) as session:
        service.start(session, batch.id, LATER)


def give(district: District, text: str) -> Batch:
    """Check a file and carry it out."""
    batch = write(district, text)
    start(district, batch)
    running.run(district.runtime, batch.id, 0, 10**6)
    return batch


def lines(district: District, batch: Batch) -> list[BatchLine]:
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        return service.lines(session, batch)


def told(district: District, batch: Batch) -> list[tuple[int, str, list[str]]]:
    return [
        (row.number, row.state, [fault["code"] for fault in row.faults])
        for row in lines(district, batch)
    ]


def count(district: District, *models: type) -> list[int]:
    with district.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        return [session.scalar(select(func.count()).select_from(one)) or 0 for one in models]


def addresses(number: int) -> str:
    return "email\n" + "".join(f"teacher{one}@school.example\n" for one in range(number))


@both_databases
def test_checking_tells_of_every_line_and_offers_nothing(district: District) -> None:
    lead = add_person(district.runtime, district.organisation, "Lea Lead")
    holder = add_person(district.runtime, district.organisation, "Holly Holds")
    claimed = add_person(district.runtime, district.organisation, "Una Sure", verified=False)
    with district.runtime.database.transaction() as session:
        earn(session, district, holder)
        twin = Person(
            **owner_of(district.organisation), name="Twin", email="TWIN@alder-valley.example",
            email_verified_at=NOW,
        )  # fmt: skip
        test = Person(**owner_of(district.organisation), name="Test Student", is_test=True)
        other = Person(
            **owner_of(district.organisation), name="Twin too", email="twin@alder-valley.example",
            email_verified_at=NOW,
        )  # fmt: skip
        joined = Person(
            **owner_of(district.organisation), name=None, merged_into_id=district.learner.id
        )
        session.add_all([twin, test, other, joined])
    batch = write(
        district,
        "email,person\n"
        "wren@alder-valley.example,\n"
        "new@elsewhere.example,\n"
        f"{holder.email},\n"
        f"{claimed.email},\n"
        "twin@alder-valley.example,\n"
        f"{lead.email},\n"
        f",{test.id}\n"
        f",{uuid.uuid4()}\n"
        f",{joined.id}\n"
        f"new2@elsewhere.example,{twin.id}\n"
        f",{district.learner.id}\n",
        lead,
    )
    assert told(district, batch) == [
        (2, "ready", []),
        (3, "ready", []),
        (4, "already", []),
        (5, "fault", ["unverified"]),
        (6, "fault", ["several"]),
        (7, "fault", ["oneself"]),
        (8, "fault", ["person_test"]),
        (9, "fault", ["person_unknown"]),
        (10, "fault", ["person_joined"]),
        (11, "fault", ["address_differs"]),
        (12, "fault", ["twice"]),
    ]
    assert [row.is_new for row in lines(district, batch)][:2] == [False, True]
    assert count(district, Award) == [1], "only the one that was there"


def test_where_no_mail_is_sent_strangers_are_a_fault(district: District) -> None:
    batch = write(district, "email\nnew@elsewhere.example\n", invites=False)
    assert told(district, batch) == [(2, "fault", ["no_mail"])]
    with pytest.raises(ConflictError, match="batch_empty"):
        start(district, batch)


@both_databases
def test_everybody_in_order_is_offered_the_badge_on_the_record(district: District) -> None:
    wren = district.learner
    batch = give(district, "email,name\nwren@alder-valley.example,X\nnew@elsewhere.example,New B\n")
    assert [state for _number, state, _faults in told(district, batch)] == ["offered", "offered"]
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        found = service.find(session, batch.id)
        assert (found.state, found.done_at is not None) == ("done", True)
        counts = service.counts(session, found)
        assert (counts.offered, counts.accepted, counts.lines) == (2, 0, 2)
        person = session.scalars(select(Person).where(Person.name == "New B")).one()
        assert (person.email, person.verified_email) == ("new@elsewhere.example", None)
        award = session.scalars(select(Award).where(Award.person_id == wren.id)).one()
        assert (award.state, award.receipt["basis"]) == ("offered", "direct")
        enrolment = session.get_one(Enrolment, award.enrolment_id)
        assert enrolment.state == "completed"
        noted = session.scalars(
            select(AuditEvent.subject_id).where(AuditEvent.action == "award.direct")
        ).all()
        assert award.id in noted
        topics = Counter(
            session.scalars(
                select(OutboxMessage.topic).where(OutboxMessage.topic.like("badge.%offered"))
            )
        )
    assert topics == {"badge.award_offered": 2, "badge.newcomer_offered": 1}
    with district.runtime.database.transaction() as session:
        credential = awards.accept(
            session, award.id, wren.id, name="Wren", badge_url=district.badge_url, now=LATER
        )
        assert "Awarded directly by the issuer" in str(credential.unsigned)


@both_databases
def test_the_same_file_once_more_offers_nobody_anything_twice(district: District) -> None:
    text = addresses(5)
    give(district, text)
    again = write(district, text + "teacher9@school.example\n")
    states = [state for _number, state, _faults in told(district, again)]
    assert states == ["already"] * 5 + ["ready"]
    start(district, again)
    running.run(district.runtime, again.id, 0, 10**6)
    assert count(district, Award, Newcomer) == [6, 6]


def test_somebody_with_a_history_goes_the_way_of_one(district: District) -> None:
    from badges.pathways import service as pathways

    begun = add_person(district.runtime, district.organisation, "Bea Gun")
    met = add_person(district.runtime, district.organisation, "Met All")
    with district.runtime.database.transaction() as session:
        pathways.enrol(session, begun, district.version, NOW)
        session.flush()
        pathways.record_fact(session, met, decision(district.version), NOW)
    batch = give(district, f"email\n{begun.email}\n{met.email}\n{district.learner.email}\n")
    rows = lines(district, batch)
    assert [row.state for row in rows] == ["offered", "already", "offered"]
    assert count(district, Award, Enrolment) == [3, 3]
    with district.runtime.database.snapshot() as session:
        (award,) = awards.offers(session, met.id)
    assert award.receipt["basis"] == "rule", "they had met it before anybody enrolled them"


def test_a_badge_is_not_given_by_who_has_lost_the_right_meanwhile(district: District) -> None:
    lead = add_person(district.runtime, district.organisation, "Lea Lead")
    batch = write(district, "email\nwren@alder-valley.example\n", lead)
    start(district, batch)
    running.run(district.runtime, batch.id, 0, 10**6)
    assert told(district, batch) == [(2, "refused", ["award_not_allowed"])]
    assert count(district, Award) == [0]


def test_a_lead_of_a_school_gives_to_its_own_people_alone(district: District) -> None:
    with district.runtime.database.transaction() as session:
        school = create_organisation(session, name="Elm", slug="elm", parent=district.organisation)
    lead = add_person(district.runtime, school, "Lea Lead")
    with district.runtime.database.transaction() as session:
        grant(session, lead, Role.LEAD, organisation=school, source="test", now=NOW)
    with district.runtime.database.transaction(school.scope) as session:
        read = table.read(f"person\n{district.learner.id}\n".encode())
        batch = service.write(
            session, school, district.version, read.lines, actor_id=lead.id, invites=True, now=NOW
        )
        assert service.lines(session, batch)[0].faults[0]["code"] == "person_unknown"
    with district.runtime.database.transaction() as session:
        far = create_organisation(session, name="Far", slug="far")
    with (
        district.runtime.database.snapshot(far.scope) as session,
        pytest.raises(NotFoundError),
    ):
        service.find(session, batch.id)


class Killed(BaseException):
    """The process ends here."""


def test_a_run_that_is_cut_off_goes_on_without_doubles(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 10)
    batch = write(district, addresses(35))
    start(district, batch)
    real, calls = running._write, Counter[str]()

    def dies(session: object, values: Sequence[object]) -> None:
        calls["writes"] += 1
        if calls["writes"] == 2:  # everything of this piece is written, and not committed
            raise Killed
        real(session, values)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "_write", dies)
    with pytest.raises(Killed):
        running.run(district.runtime, batch.id, 0, 10**6)
    assert count(district, Award, Newcomer) == [10, 10]
    monkeypatch.setattr(running, "_write", real)
    running.run(district.runtime, batch.id, 0, 10**6)
    running.run(district.runtime, batch.id, 0, 10**6)
    assert count(district, Award, Newcomer) == [35, 35]
    assert {state for _number, state, _faults in told(district, batch)} == {"offered"}


@pytest.mark.postgres
@pytest.mark.parametrize("district", ["runtime_pg"], indirect=True)
def test_two_files_and_two_workers_at_once_make_one_offer_each(district: District) -> None:
    first, second = write(district, addresses(20)), write(district, addresses(20))
    start(district, first)
    start(district, second)
    faults: list[BaseException] = []

    def work(batch: Batch) -> None:
        try:
            running.run(district.runtime, batch.id, 0, 10**6)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in (first, first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert count(district, Award, Newcomer) == [20, 20]
    states = Counter(
        state for one in (first, second) for _number, state, _faults in told(district, one)
    )
    assert states == {"offered": 20, "already": 20}


def test_who_was_invited_and_has_not_come_is_told_once_more_a_day(district: District) -> None:
    batch = give(district, "email\nnew@elsewhere.example\nwren@alder-valley.example\n")
    with district.runtime.database.transaction(district.organisation.scope) as session:
        today = district.runtime.now()
        later = today + timedelta(days=1)
        assert inviting.invite_again(session, batch, today) == (0, 1), "the offer's own letter"
        assert inviting.invite_again(session, batch, later) == (1, 0)
        assert inviting.invite_again(session, batch, later) == (0, 1)
        news = select(func.count()).where(OutboxMessage.topic == running.NEWCOMER_OFFERED)
        assert session.scalar(news) == 2, "the first one and today's"
        person = session.scalars(
            select(Person).where(Person.email == "new@elsewhere.example")
        ).one()
        person.email_verified_at = LATER
        session.flush()
        assert inviting.invite_again(session, batch, later + timedelta(days=1)) == (0, 0)


def test_a_file_that_was_only_checked_can_be_thrown_away_and_is_forgotten(
    district: District,
) -> None:
    kept = give(district, "email\nwren@alder-valley.example\n")
    thrown, old = write(district, addresses(3)), write(district, addresses(2))
    with district.runtime.database.transaction(district.organisation.scope) as session:
        service.discard(session, thrown.id)
        with pytest.raises(ConflictError, match="batch_started"):
            service.discard(session, kept.id)
        with pytest.raises(NotFoundError):
            service.find(session, thrown.id)
    with district.runtime.database.transaction() as session:
        assert service.tidy(session, LATER + timedelta(days=6)) == 0
        assert service.tidy(session, LATER + timedelta(days=8)) == 1
        service.tidy(session, district.runtime.now() + timedelta(days=91))
    assert count(district, Batch, BatchLine) == [1, 1]
    (row,) = lines(district, kept)
    assert (row.email, row.given, row.state) == (None, {}, "offered")
    assert old.id != kept.id
    assert count(district, FactRow) == [1]
