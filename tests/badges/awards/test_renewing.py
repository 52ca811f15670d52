"""Renewal: asked by the holder, answered by a lead or by the rule; the badge lasts longer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from badges import ends
from badges.awards import renewing, service
from badges.awards.models import Credential, RenewalRequest
from badges.awards.revisions import sign_revision
from badges.pathways import service as pathways
from core.errors import ConflictError, NotAllowedError, NotFoundError, UnprocessableError
from core.identity import Person
from tests.support.badges import (
    NOW,
    District,
    add_person,
    decision,
    issue_credential,
)
from tests.support.verifying import verify_badge

END = NOW.replace(year=2029) + timedelta(hours=1)  # three years after the award
SOON = END - timedelta(days=30)
AFTER = END + timedelta(days=40)


@pytest.fixture
def credential(district: District) -> Credential:
    district.runtime.clock = lambda: SOON
    return issue_credential(district)


@pytest.fixture
def lead(district: District) -> Person:
    return add_person(district.runtime, district.organisation, "Moss Testfield")


def ask(
    district: District, credential: Credential, *, at: datetime = SOON, words: str = "I still do."
) -> RenewalRequest:
    with district.runtime.database.transaction() as session:
        return renewing.ask(
            session, credential.id, credential.person_id, words,
            badge_url=district.badge_url, now=at,
        )  # fmt: skip


def grant(district: District, request: RenewalRequest, lead: Person, **kw: Any) -> RenewalRequest:
    with district.runtime.database.transaction(district.organisation.scope) as session:
        return renewing.grant(
            session, request.id, actor_id=lead.id, badge_url=district.badge_url,
            **{"now": SOON, **kw},
        )  # fmt: skip


def stored(district: District, credential: Credential) -> Credential:
    sign_revision(district.runtime, district.ring, credential.id)
    with district.runtime.database.snapshot() as session:
        return service.own_credential(session, credential.id, credential.person_id)


def test_what_the_holder_asks_a_lead_grants(
    district: District, credential: Credential, lead: Person
) -> None:
    assert credential.valid_until == END
    request = ask(district, credential)
    assert ask(district, credential).id == request.id
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        ((waiting, of),) = renewing.requests(session)
        assert (waiting.id, waiting.words, of.id) == (request.id, "I still do.", credential.id)
    answered = grant(district, request, lead, answer="Seen in your lessons.")
    assert (answered.state, answered.answered_by) == ("granted", lead.id)
    renewed = stored(district, credential)
    assert renewed.valid_until == answered.valid_until == END.replace(year=2032)
    assert verify_badge(district, renewed).valid
    assert verify_badge(district, credential, credential.document).valid
    with pytest.raises(ConflictError, match="answered"):
        grant(district, request, lead)


def test_a_badge_that_has_ended_lasts_from_the_day_of_its_renewal(
    district: District, credential: Credential, lead: Person
) -> None:
    request = ask(district, credential, at=AFTER)
    grant(district, request, lead, now=AFTER)
    assert stored(district, credential).valid_until == AFTER.replace(year=2032)


def test_a_lead_may_say_until_when_but_not_before_it_ends_now(
    district: District, credential: Credential, lead: Person
) -> None:
    request = ask(district, credential)
    with pytest.raises(UnprocessableError):
        grant(district, request, lead, until=END)
    grant(district, request, lead, until=END + timedelta(days=365))
    assert stored(district, credential).valid_until == END + timedelta(days=365)


def test_a_badge_is_renewed_for_a_hundred_years_at_most(
    district: District, credential: Credential, lead: Person
) -> None:
    request = ask(district, credential)
    with pytest.raises(UnprocessableError) as refused:
        grant(district, request, lead, until=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert str(refused.value.fields["until"]) == "Choose a day within the next hundred years."


@pytest.mark.parametrize("validity", ["P100Y", None])
def test_a_badge_that_ends_with_the_calendar_can_be_looked_at(
    district: District, validity: str | None
) -> None:
    version = district.version
    version.document = {**version.document, "validity": validity}
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    held = Credential(valid_until=last, awarded_at=NOW, version=version)
    assert renewing.next_end(held, SOON) == ends.latest(SOON)
    assert renewing.opens_at(held) < last


def test_what_is_declined_can_be_asked_again(
    district: District, credential: Credential, lead: Person
) -> None:
    request = ask(district, credential)
    with district.runtime.database.transaction(district.organisation.scope) as session:
        with pytest.raises(UnprocessableError):
            renewing.decline(session, request.id, answer=" ", actor_id=lead.id, now=SOON)
        renewing.decline(
            session, request.id, answer="Show one lesson first.", actor_id=lead.id, now=SOON
        )
    with district.runtime.database.snapshot() as session:
        found = renewing.standing(session, credential, SOON)
        assert found.asked is None
        assert found.last is not None
        assert (found.last.state, found.last.answer) == ("declined", "Show one lesson first.")
    again = ask(district, credential)
    assert again.id != request.id
    with district.runtime.database.transaction() as session:
        with pytest.raises(NotFoundError):
            renewing.withdraw(session, again.id, lead.id, SOON)
        assert renewing.withdraw(session, again.id, credential.person_id, SOON).state == "withdrawn"
    assert stored(district, credential).revision == 1


def test_work_that_was_read_again_renews_it_at_once(
    district: District, credential: Credential
) -> None:
    with district.runtime.database.transaction() as session:
        pathways.record_fact(
            session, district.learner, decision(district.version, at=SOON - timedelta(days=3)), SOON
        )
    request = ask(district, credential)
    assert (request.state, request.by_rule, request.answered_by) == ("granted", True, None)
    assert stored(district, credential).valid_until == END.replace(year=2032)
    # What renewed it once does not renew it again.
    later = END.replace(year=2032) - timedelta(days=5)
    assert ask(district, stored(district, credential), at=later).state == "asked"


def test_it_is_neither_too_early_nor_endless_nor_somebody_elses_nor_ones_own(
    district: District, credential: Credential, lead: Person
) -> None:
    opens = renewing.opens_at(credential)
    assert opens == END - timedelta(days=90)
    with pytest.raises(ConflictError, match="early"):
        ask(district, credential, at=opens - timedelta(seconds=1))
    with district.runtime.database.transaction() as session:
        with pytest.raises(NotFoundError):
            renewing.ask(
                session, credential.id, lead.id, "", badge_url=district.badge_url, now=SOON
            )
        with pytest.raises(UnprocessableError):
            renewing.ask(
                session, credential.id, credential.person_id, "x" * 2001,
                badge_url=district.badge_url, now=SOON,
            )  # fmt: skip
    request = ask(district, credential)
    with pytest.raises(NotAllowedError):
        grant(district, request, district.learner)


def test_an_operator_renews_without_being_asked_and_answers_what_was(
    district: District, credential: Credential
) -> None:
    request = ask(district, credential)
    with district.runtime.database.transaction(district.organisation.scope) as session:
        renewing.renew(
            session, credential.id, actor_id=None, badge_url=district.badge_url, now=SOON
        )
    renewed = stored(district, credential)
    assert renewed.valid_until == END.replace(year=2032)
    with district.runtime.database.transaction(district.organisation.scope) as session:
        assert session.get_one(RenewalRequest, request.id).state == "granted"
        renewing.renew(
            session, credential.id, until=END.replace(year=2040), actor_id=None,
            badge_url=district.badge_url, now=SOON,
        )  # fmt: skip
    assert stored(district, credential).revision == 3


def test_a_badge_for_ever_is_not_renewed(district: District) -> None:
    endless = Credential(valid_until=None, state="signed", awarded_at=NOW)
    with district.runtime.database.snapshot() as session:
        assert renewing.standing(session, endless, NOW) == renewing.Renewal(ends=False)
