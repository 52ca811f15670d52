"""Facts and awards: once each, locked, with a receipt that computes again."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from badges.achievements import service as achievements
from badges.awards import service as awards
from badges.awards.models import Award
from badges.pathways import jobs, service
from badges.pathways.facts import AttestationFact, BadgeFact, HoursFact
from badges.pathways.models import Enrolment, FactRow, Pathway, PathwayVersion
from badges.pathways.rules import Status, parse
from core.errors import ConflictError
from core.identity import Person, owner_like
from core.outbox import DeliveryError, OutboxMessage, publish
from core.runtime import Runtime
from core.scope import unscoped
from core.worker import Worker
from tests.support.badges import (
    NOW,
    District,
    add_person,
    decision,
    earn,
    issue_credential,
    make_district,
    micro_credential,
)

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def district(any_runtime: Runtime) -> District:
    return make_district(any_runtime)


def add_pathway(district: District, root: dict[str, object]) -> PathwayVersion:
    """A pathway with a rule of its own to the sample micro-credential."""
    rule = parse({"schema": 1, "root": root})
    with district.runtime.database.transaction() as session:
        pathway = Pathway(
            **owner_like(district.version),
            id=uuid.uuid4(),
            achievement_id=district.achievement.id,
            own=False,
            created_at=NOW,
        )
        session.add(pathway)
        session.flush()
        version = PathwayVersion(
            **owner_like(district.version),
            id=uuid.uuid4(),
            pathway_id=pathway.id,
            achievement_version_id=district.version.id,
            number=1,
            rule=rule.to_dict(),
            rule_hash=rule.hash,
            published_at=NOW,
        )
        session.add(version)
    return version


def begin(district: District, person: Person, version: PathwayVersion) -> Enrolment:
    with district.runtime.database.transaction() as session:
        enrolment = Enrolment(
            **owner_like(person),
            id=uuid.uuid4(),
            person_id=person.id,
            pathway_id=version.pathway_id,
            pathway_version_id=version.id,
            enrolled_at=NOW,
        )
        session.add(enrolment)
    return enrolment


def awards_of(district: District, person: Person) -> list[Award]:
    with district.runtime.database.snapshot() as session:
        return awards.awards(session, person.id)


def test_a_decision_that_meets_the_rubric_is_awarded_once(district: District) -> None:
    fact = decision(district.version)
    with district.runtime.database.transaction() as session:
        enrolment = service.enrol(session, district.learner, district.version, NOW)
        (award,) = service.record_fact(session, district.learner, fact, LATER)
        assert service.record_fact(session, district.learner, fact, LATER) == []
        assert enrolment.state == "completed"
        assert award.achievement_version_id == district.version.id
    assert [a.id for a in awards_of(district, district.learner)] == [award.id]


def test_the_offer_is_told_as_news_in_the_same_transaction(district: District) -> None:
    def earn_and_break() -> None:
        with district.runtime.database.transaction() as session:
            earn(session, district)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        earn_and_break()
    with district.runtime.database.transaction() as session:
        assert session.scalars(select(OutboxMessage)).all() == []
        award = earn(session, district)
    with district.runtime.database.snapshot() as session:
        (news,) = session.scalars(select(OutboxMessage))
    assert news.topic == awards.OFFERED
    assert news.payload == {"award_id": str(award.id), "person_id": str(district.learner.id)}


@pytest.mark.parametrize(("outcome", "level"), [("not_yet", 3), ("met", 2)])
def test_a_decision_below_the_required_level_awards_nothing(
    district: District, outcome: str, level: int
) -> None:
    with district.runtime.database.transaction() as session:
        enrolment = service.enrol(session, district.learner, district.version, NOW)
        fact = decision(district.version, outcome=outcome, level=level)
        assert service.record_fact(session, district.learner, fact, LATER) == []
        _rule, result = service.progress(session, enrolment, LATER)
    assert result.status is Status.UNMET
    assert enrolment.state == "active"


def test_a_second_revision_that_meets_the_rubric_is_awarded(district: District) -> None:
    submission = uuid.uuid4()
    first = decision(district.version, outcome="not_yet", level=1, submission=submission)
    second = decision(district.version, submission=submission, revision=1, at=LATER)
    with district.runtime.database.transaction() as session:
        service.enrol(session, district.learner, district.version, NOW)
        assert service.record_fact(session, district.learner, first, LATER) == []
        assert len(service.record_fact(session, district.learner, second, LATER)) == 1


def test_the_same_place_in_the_ledger_never_says_something_else(district: District) -> None:
    submission = uuid.uuid4()
    with district.runtime.database.transaction() as session:
        service.record_fact(
            session, district.learner, decision(district.version, submission=submission), LATER
        )
        other = decision(district.version, level=1, submission=submission)
        with pytest.raises(ConflictError):
            service.record_fact(session, district.learner, other, LATER)


def test_a_fact_of_one_person_is_refused_for_another(district: District) -> None:
    other = add_person(district.runtime, district.organisation, "Moss Testfield")
    fact = decision(district.version)
    with district.runtime.database.transaction() as session:
        service.record_fact(session, district.learner, fact, LATER)
        with pytest.raises(ConflictError):
            service.record_fact(session, other, fact, LATER)


def test_starting_twice_is_one_enrolment_pinned_to_the_first_version(district: District) -> None:
    scope = district.organisation.scope
    with district.runtime.database.transaction(scope) as session:
        first = service.enrol(session, district.learner, district.version, NOW)
        newer = achievements.publish(
            session, district.achievement, micro_credential(minutes=900), LATER
        )
        again = service.enrol(session, district.learner, newer, LATER)
        assert again.id == first.id
        assert again.version.achievement_version_id == district.version.id
        listed = service.enrolments(session, district.learner.id)
        assert [e.id for e in listed] == [first.id]
        found = service.enrolment_for(session, district.learner.id, district.achievement.id)
        assert found is not None
        assert found.id == first.id


def test_starting_again_after_the_award_does_not_award_again(district: District) -> None:
    with district.runtime.database.transaction() as session:
        earn(session, district)
        service.enrol(session, district.learner, district.version, LATER)
    assert len(awards_of(district, district.learner)) == 1


def test_what_is_known_before_the_start_counts_at_once(district: District) -> None:
    with district.runtime.database.transaction() as session:
        service.record_fact(session, district.learner, decision(district.version), LATER)
        enrolment = service.enrol(session, district.learner, district.version, LATER)
    assert enrolment.state == "completed"
    assert len(awards_of(district, district.learner)) == 1


def test_the_receipt_computes_again_to_the_same_decision(district: District) -> None:
    with district.runtime.database.transaction() as session:
        award = earn(session, district)
    with district.runtime.database.transaction() as session:
        # What came later has no part in the decision of then.
        hours = HoursFact("log", "1", 0, LATER, minutes=60, activity="x")
        service.record_fact(session, district.learner, hours, LATER)
        result = service.recompute(session, award)
    assert result.status is Status.MET
    assert [list(key) for key in result.used] == award.receipt["facts"]
    assert award.receipt["reviewers"] == [
        {"role": "coach", "at": (NOW + timedelta(hours=1)).isoformat()}
    ]


def test_a_rule_that_was_changed_behind_a_receipt_is_noticed(district: District) -> None:
    with district.runtime.database.transaction() as session:
        award = earn(session, district)
    with district.runtime.database.transaction() as session:
        other = parse({"schema": 1, "root": {"id": "h", "op": "hours", "min": 1}})
        with unscoped(session, "a test that tampers"):
            session.execute(update(PathwayVersion).values(rule=other.to_dict()))
        with pytest.raises(ConflictError, match="receipt_mismatch"):
            service.recompute(session, award)


def test_a_badge_earned_counts_in_a_pathway_of_badges(district: District) -> None:
    badge = {"id": "b", "op": "badge", "achievement": str(district.achievement.id)}
    enrolment = begin(district, district.learner, add_pathway(district, badge))
    credential = issue_credential(district)
    granted = awards_of(district, district.learner)
    assert {a.enrolment_id for a in granted} >= {enrolment.id}
    assert len(granted) == 2
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        (fact,) = session.scalars(select(FactRow).where(FactRow.source == "credential"))
    assert fact.source_id == str(credential.id)


def test_time_that_completes_a_rule_is_noticed_by_the_sweep(district: District) -> None:
    runtime = district.runtime
    badge = {"id": "b", "op": "badge", "achievement": "elsewhere"}
    enrolment = begin(district, district.learner, add_pathway(district, badge))
    fact = BadgeFact(
        "other", "1", 0, NOW,
        achievement="elsewhere", credential="c", valid_from=NOW + timedelta(days=7),
    )  # fmt: skip
    with runtime.database.transaction() as session:
        assert service.record_fact(session, district.learner, fact, NOW) == []
        with unscoped(session, "test"):
            stored = session.get_one(Enrolment, enrolment.id)
        assert stored.next_eval_at == NOW + timedelta(days=7)
    runtime.clock = lambda: NOW + timedelta(days=6)
    jobs.sweep(runtime, due_at=runtime.now())
    assert awards_of(district, district.learner) == []
    runtime.clock = lambda: NOW + timedelta(days=7)
    jobs.sweep(runtime, due_at=runtime.now())
    jobs.sweep(runtime, due_at=None)
    assert len(awards_of(district, district.learner)) == 1


def test_the_nightly_sweep_finds_what_nobody_told(district: District) -> None:
    runtime = district.runtime
    version = add_pathway(district, {"id": "h", "op": "hours", "min": 1})
    fact = HoursFact("log", "1", 0, NOW, minutes=60, activity="x")
    with runtime.database.transaction() as session:
        service.record_fact(session, district.learner, fact, NOW)
    begin(district, district.learner, version)  # by hand, so that nothing looks at the facts
    runtime.clock = lambda: LATER
    jobs.sweep(runtime, due_at=None)
    assert len(awards_of(district, district.learner)) == 1


@pytest.mark.postgres
def test_two_last_facts_arriving_together_award_exactly_once(runtime_pg: Runtime) -> None:
    rounds = 200
    district = make_district(runtime_pg)
    version = add_pathway(
        district,
        {
            "id": "r",
            "op": "all",
            "of": [
                {"id": "h", "op": "hours", "min": 1},
                {"id": "a", "op": "attest", "role": "lead"},
            ],
        },
    )
    people = [add_person(runtime_pg, district.organisation, f"Learner {n}") for n in range(rounds)]
    for person in people:
        begin(district, person, version)
    barrier = threading.Barrier(2)
    granted: list[int] = []
    errors: list[BaseException] = []

    def record(make: type[HoursFact] | type[AttestationFact]) -> None:
        for person in people:
            key = str(person.id)
            fact = (
                HoursFact("log", key, 0, NOW, minutes=60, activity="x")
                if make is HoursFact
                else AttestationFact("attest", key, 0, NOW, statement="s", role="lead", by="b")
            )
            barrier.wait(30)
            try:
                with runtime_pg.database.transaction() as session:
                    granted.append(len(service.record_fact(session, person, fact, LATER)))
            except BaseException as error:
                errors.append(error)

    threads = [
        threading.Thread(target=record, args=(kind,)) for kind in (HoursFact, AttestationFact)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert sum(granted) == rounds
    with runtime_pg.database.snapshot() as session, unscoped(session, "test"):
        per_person = list(session.scalars(select(Award.person_id)))
    assert sorted(per_person) == sorted(person.id for person in people)


@pytest.mark.postgres
def test_starting_while_the_last_fact_arrives_misses_nothing(runtime_pg: Runtime) -> None:
    district = make_district(runtime_pg)
    people = [add_person(runtime_pg, district.organisation, f"Learner {n}") for n in range(50)]
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def run(starts: bool) -> None:
        for person in people:
            barrier.wait(30)
            try:
                with runtime_pg.database.transaction() as session:
                    if starts:
                        service.enrol(session, person, district.version, LATER)
                    else:
                        fact = decision(district.version)
                        service.record_fact(session, person, fact, LATER)
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=run, args=(starts,)) for starts in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    assert all(len(awards_of(district, person)) == 1 for person in people)


@pytest.mark.postgres
def test_the_first_two_to_start_share_one_pathway(runtime_pg: Runtime) -> None:
    district = make_district(runtime_pg)
    people = [add_person(runtime_pg, district.organisation, f"Learner {n}") for n in range(4)]
    barrier = threading.Barrier(len(people))

    def start(person: Person) -> None:
        barrier.wait(30)
        with runtime_pg.database.transaction() as session:
            service.enrol(session, person, district.version, NOW)

    threads = [threading.Thread(target=start, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with runtime_pg.database.snapshot() as session, unscoped(session, "test"):
        assert len(session.scalars(select(Pathway)).all()) == 1
        assert len(session.scalars(select(Enrolment)).all()) == len(people)


def test_a_person_whose_ledger_cannot_be_read_does_not_hold_up_the_others(
    runtime: Runtime,
) -> None:
    district = make_district(runtime)
    version = add_pathway(district, {"id": "h", "op": "hours", "min": 1})
    other = add_person(runtime, district.organisation, "Moss Testfield")
    for person in (district.learner, other):
        fact = HoursFact("log", str(person.id), 0, NOW, minutes=60, activity="x")
        with runtime.database.transaction() as session:
            service.record_fact(session, person, fact, NOW)
        begin(district, person, version)
    with runtime.database.transaction() as session, unscoped(session, "a test that damages"):
        session.execute(
            update(FactRow).where(FactRow.person_id == other.id).values(data={"kind": "?"})
        )
    runtime.clock = lambda: LATER
    with pytest.raises(DeliveryError, match=r"could not be judged \(FactError: 1\)"):
        jobs.sweep(runtime, due_at=None)
    assert len(awards_of(district, district.learner)) == 1


def test_a_sweep_that_could_not_judge_everybody_is_tried_again_and_says_why(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    district = make_district(runtime)
    version = add_pathway(district, {"id": "h", "op": "hours", "min": 1})
    with runtime.database.transaction() as session:
        fact = HoursFact("log", "1", 0, NOW, minutes=60, activity="x")
        service.record_fact(session, district.learner, fact, NOW)
    begin(district, district.learner, version)
    damage, mend = {"kind": "?", "words": "Confided to nobody."}, fact.to_dict()
    jobs.register_jobs(runtime.registry, runtime)
    worker = Worker(runtime.database, runtime.registry)
    for data, state in ((damage, "ready"), (mend, "done")):
        with runtime.database.transaction() as session, unscoped(session, "a test that damages"):
            session.execute(update(FactRow).values(data=data))
            publish(session, "pathways.sweep", "tonight", {})
            session.execute(update(OutboxMessage).values(next_run_at=NOW))
        worker.drain()
        with runtime.database.snapshot() as session:
            row = session.scalars(select(OutboxMessage).where(OutboxMessage.key == "tonight")).one()
        assert row.state == state
        if state == "ready":
            assert row.last_error == "Some people's pathways could not be judged (FactError: 1)."
    assert "a person's pathways could not be judged" in caplog.messages
    assert "job postponed" in caplog.messages
    assert len(awards_of(district, district.learner)) == 1


@pytest.mark.parametrize("kind", ["peer", "coach"])
def test_the_largest_document_has_a_rule_that_may_be_published(runtime: Runtime, kind: str) -> None:
    levels = [{"id": f"l{n}", "name": f"L{n}", "description": "d"} for n in range(8)]
    criteria = [
        {"id": f"c{n}", "name": "C", "description": "", "required_level": 8, "levels": levels}
        for n in range(12)
    ]
    document = micro_credential(
        rubric={"criteria": criteria}, review={"kind": kind, "k": 9, "blindness": "double"}
    )
    district = make_district(runtime)
    with runtime.database.transaction(district.organisation.scope) as session:
        version = achievements.publish(session, district.achievement, document, NOW)
        rule = parse(service.publish_own(session, version, NOW).rule)
        assert service.publish_own(session, version, NOW).rule_hash == rule.hash
