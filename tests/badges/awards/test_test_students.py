"""A test student of an LMS walks every path and is given no badge at its end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from badges.awards import service
from badges.awards.direct import issue_directly
from badges.awards.models import Award, Credential
from badges.pathways import service as pathways
from badges.pathways.models import FactRow
from badges.pathways.rules import Status
from core.errors import ConflictError
from core.identity import Person
from core.outbox import OutboxMessage
from core.scope import unscoped
from tests.support.badges import NOW, District, decision, earn, issue_credential

LATER = NOW + timedelta(hours=1)


def mark(district: District, *, is_test: bool = True) -> None:
    """Say that the district's learner is a test student, or is one no more."""
    table = Person.__table__
    with district.runtime.database.transaction() as session:
        session.connection().execute(
            update(table).where(table.c.id == district.learner.id).values(is_test=is_test)  # type: ignore[arg-type]
        )


def count(district: District, model: type) -> int:
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_what_they_meet_is_decided_and_offers_nothing(district: District) -> None:
    mark(district)
    with district.runtime.database.transaction() as session:
        enrolment = pathways.enrol(session, district.learner, district.version, NOW)
        assert (
            pathways.record_fact(session, district.learner, decision(district.version), LATER) == []
        )
    with district.runtime.database.snapshot() as session:
        _rule, result = pathways.progress(session, enrolment, LATER)
    assert result.status is Status.MET
    assert (count(district, FactRow), count(district, Award)) == (1, 0)
    assert count(district, OutboxMessage) == 0


def test_who_turns_out_to_be_a_person_is_offered_it_at_the_next_sweep(district: District) -> None:
    mark(district)
    with district.runtime.database.transaction() as session:
        pathways.enrol(session, district.learner, district.version, NOW)
        pathways.record_fact(session, district.learner, decision(district.version), LATER)
    mark(district, is_test=False)
    with district.runtime.database.transaction() as session:
        [award] = pathways.evaluate_person(session, district.learner.id, LATER)
    assert award.state == "offered"


def test_nobody_awards_them_one_directly(district: District) -> None:
    mark(district)
    with (
        pytest.raises(ConflictError, match="person_is_test"),
        district.runtime.database.transaction() as session,
    ):
        issue_directly(session, district.learner, district.version, actor=None, now=LATER)
    assert (count(district, FactRow), count(district, Award)) == (0, 0)


def test_an_older_offer_is_not_accepted_and_can_be_declined(district: District) -> None:
    with district.runtime.database.transaction() as session:
        award = earn(session, district)
    mark(district)
    with (
        pytest.raises(ConflictError) as refused,
        district.runtime.database.transaction() as session,
    ):
        service.accept(
            session, award.id, district.learner.id, name=None, badge_url=district.badge_url,
            now=LATER,
        )  # fmt: skip
    assert refused.value.code == "person_is_test"
    assert refused.value.title
    assert refused.value.advice
    assert count(district, Credential) == 0
    with district.runtime.database.transaction() as session:
        assert service.decline(session, award.id, district.learner.id, LATER).state == "declined"


def test_a_badge_from_before_it_was_known_is_not_published(district: District) -> None:
    credential = issue_credential(district)
    mark(district)
    with (
        pytest.raises(ConflictError, match="person_is_test"),
        district.runtime.database.transaction() as session,
    ):
        service.publish(session, credential.id, district.learner.id, LATER)
