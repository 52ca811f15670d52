"""From offer to acceptance: what is shown is what is fixed, under the name that was chosen."""

import threading
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from badges.achievements import service as achievements
from badges.app import create_app
from badges.awards import service, status
from badges.awards.address import check_address, kept_address
from badges.awards.models import Award, Credential
from badges.openbadges.model import identity_hash
from core.errors import ConflictError, GoneError, NotFoundError, UnprocessableError
from core.identity import Person
from core.outbox import OutboxMessage
from core.runtime import Runtime
from core.scope import unscoped
from tests.support.badges import (
    NOW,
    District,
    add_person,
    both_databases,
    earn,
    issue_credential,
    make_district,
    micro_credential,
)

LATER = NOW + timedelta(days=1, microseconds=123456)


@pytest.fixture
def award(district: District) -> Award:
    with district.runtime.database.transaction() as session:
        return earn(session, district)


def accept(district: District, award: Award, name: str | None = "Wren S.", **changes: Any) -> Any:
    values = {"badge_url": district.badge_url, "now": LATER} | changes
    with district.runtime.database.transaction() as session:
        credential = service.accept(session, award.id, award.person_id, name=name, **values)
    with district.runtime.database.snapshot() as session:
        return service.own_credential(session, credential.id, award.person_id)


def identifiers(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        item["identityType"]: item for item in document["credentialSubject"].get("identifier", [])
    }


def test_the_preview_is_the_accepted_document_but_for_what_is_drawn_at_random(
    district: District, award: Award
) -> None:
    with district.runtime.database.snapshot() as session:
        shown = service.preview(session, award, "Wren S.", badge_url=district.badge_url, now=LATER)
    accepted = accept(district, award).unsigned
    drawn = identifiers(accepted)["emailAddress"]
    for document in (shown, accepted):
        document["id"] = document["credentialStatus"] = document["credentialSubject"]["id"] = None
        document["refreshService"]["id"] = None
        identifiers(document)["emailAddress"] |= {"identityHash": None, "salt": None}
    assert drawn["salt"] is None
    assert shown == accepted


@both_databases
def test_acceptance_fixes_everything_under_the_signature(district: District, award: Award) -> None:
    credential = accept(district, award)
    document = credential.unsigned
    assert document["id"] == f"https://milepost.test/credentials/{credential.id}"
    assert document["credentialStatus"]["statusListIndex"] == str(credential.status_index)
    assert document["validFrom"] == "2026-03-15T10:30:00Z"
    assert document["awardedDate"] == "2026-03-14T11:30:00Z"
    assert document["validUntil"] == "2029-03-14T11:30:00Z"
    assert credential.proof_created_at == LATER.replace(microsecond=0)
    assert identifiers(document)["name"]["identityHash"] == "Wren S."
    assert credential.recipient_name == "Wren S."


def test_what_changes_after_acceptance_does_not_reach_the_badge(
    district: District, award: Award
) -> None:
    before = accept(district, award).unsigned
    with district.runtime.database.transaction() as session, unscoped(session, "test"):
        person = session.get_one(Person, award.person_id)
        person.name, person.email = "Another Name", "another@example.org"
    assert accept(district, award, "Another Name", now=LATER + timedelta(days=1)).unsigned == before


@both_databases
def test_accepting_twice_is_one_credential_and_one_job(district: District, award: Award) -> None:
    assert accept(district, award).id == accept(district, award).id
    with district.runtime.database.snapshot() as session:
        jobs = session.scalars(
            select(OutboxMessage).where(OutboxMessage.topic == "credential.sign")
        )
        assert len(jobs.all()) == 1
        (kept,) = service.awards(session, award.person_id)
    assert kept.state == "accepted"
    assert kept.answered_at == LATER


@pytest.mark.postgres
def test_accepting_in_two_tabs_at_once_is_one_credential(runtime_pg: Runtime) -> None:
    district = make_district(runtime_pg)
    people = [add_person(runtime_pg, district.organisation, f"Learner {n}") for n in range(20)]
    with runtime_pg.database.transaction() as session:
        offered = [earn(session, district, person) for person in people]
    barrier = threading.Barrier(2)
    made: list[uuid.UUID] = []

    def press() -> None:
        for award in offered:
            barrier.wait(30)
            made.append(accept(district, award).id)

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 40
    assert len(set(made)) == 20


def test_somebody_elses_award_is_not_found(district: District, award: Award) -> None:
    other = add_person(district.runtime, district.organisation, "Moss Testfield")
    with district.runtime.database.transaction() as session:
        for call in (
            lambda: service.accept(
                session, award.id, other.id, name="x", badge_url=district.badge_url, now=LATER
            ),
            lambda: service.decline(session, award.id, other.id, LATER),
            lambda: service.award(session, award.id, other.id),
        ):
            with pytest.raises(NotFoundError):
                call()


@both_databases
def test_declining_is_not_final_but_accepting_is(district: District, award: Award) -> None:
    with district.runtime.database.transaction() as session:
        assert service.decline(session, award.id, award.person_id, LATER).state == "declined"
        assert service.decline(session, award.id, award.person_id, LATER).state == "declined"
        assert service.offers(session, award.person_id) == []
    accept(district, award)
    with (
        pytest.raises(ConflictError),
        district.runtime.database.transaction() as session,
    ):
        service.decline(session, award.id, award.person_id, LATER)


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 201, "Wren\u202egnikooL", "Wren\u0007", "\u200b"]
)
def test_a_name_that_cannot_be_read_is_refused_and_nothing_is_fixed(
    district: District, award: Award, name: str
) -> None:
    with pytest.raises(UnprocessableError) as caught:
        accept(district, award, name)
    assert "name" in caught.value.fields
    with district.runtime.database.snapshot() as session:
        assert len(service.offers(session, award.person_id)) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Wren \n Samplewood ", "Wren Samplewood"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("雷恩", "雷恩"),
        (None, None),
    ],
)
def test_a_name_is_kept_as_people_read_it(given: str | None, kept: str | None) -> None:
    assert service.clean_name(given) == kept


def test_without_a_name_none_stands_on_the_badge(district: District, award: Award) -> None:
    assert "name" not in identifiers(accept(district, award, None).unsigned)


def test_a_verified_address_is_hashed_with_a_salt_and_never_written(
    district: District, award: Award
) -> None:
    document = accept(district, award).unsigned
    entry = identifiers(document)["emailAddress"]
    assert entry["hashed"] is True
    assert entry["identityHash"] == identity_hash("wren@alder-valley.example", entry["salt"])
    assert "wren@" not in str(document)


def test_an_address_that_nobody_verified_is_not_even_hashed(district: District) -> None:
    person = add_person(
        district.runtime, district.organisation, "Unverified Person", verified=False
    )
    with district.runtime.database.transaction() as session:
        award = earn(session, district, person)
    document = accept(district, award).unsigned
    assert "emailAddress" not in identifiers(document)
    assert document["credentialSubject"]["id"].startswith("urn:uuid:")


def test_two_badges_of_one_person_share_no_identifier_and_no_salt(district: District) -> None:
    other = make_second(district)
    first = issue_credential(district).unsigned
    second = issue_credential(other).unsigned
    assert first["credentialSubject"]["id"] != second["credentialSubject"]["id"]
    assert identifiers(first)["emailAddress"] != identifiers(second)["emailAddress"]
    assert str(district.learner.id) not in str(first)


def make_second(district: District) -> District:
    """A second micro-credential of the same district, for the same learner."""
    with district.runtime.database.transaction(district.organisation.scope) as session:
        issuer = achievements.issuer_by_slug(session, district.issuer.slug)
        achievement = achievements.create(session, issuer, micro_credential(name="Listening"), NOW)
        version = achievements.current(session, achievement.id)
    return replace(district, achievement=achievement, version=version)


def test_evidence_is_described_by_kind_and_never_linked(district: District, award: Award) -> None:
    document = accept(district, award).unsigned
    assert [item["name"] for item in document["evidence"]] == ["Lesson plan", "Reflection"]
    assert all("id" not in item and "http" not in str(item) for item in document["evidence"])


def test_results_point_at_the_levels_of_the_rubric_that_was_used(
    district: District, award: Award
) -> None:
    document = accept(district, award).unsigned
    subject = document["credentialSubject"]
    levels = {
        level["id"]: level["name"]
        for description in subject["achievement"]["resultDescription"]
        for level in description["rubricCriterionLevel"]
    }
    assert [levels[r["achievedLevel"]] for r in subject["result"]] == ["Secure", "Secure"]
    assert subject["narrative"] == "Reviewed by 1 coach; decided on 14 March 2026."


def test_the_day_of_the_decision_is_written_in_the_language_of_the_sentence(
    district: District, award: Award
) -> None:
    app = create_app(runtime=district.runtime)
    with app.test_request_context("/", headers={"Accept-Language": "es"}):
        document = accept(district, award).unsigned
    narrative = document["credentialSubject"]["narrative"]
    assert narrative.endswith("decisión tomada el 14 de marzo de 2026.")


def test_an_offer_whose_validity_has_ended_is_gone(district: District, award: Award) -> None:
    with pytest.raises(GoneError):
        accept(district, award, now=NOW + timedelta(days=3 * 366))


@both_databases
def test_the_first_issue_keeps_the_address_and_another_one_is_refused(
    district: District, award: Award
) -> None:
    accept(district, award)
    with district.runtime.database.transaction() as session:
        assert kept_address(session) == "https://milepost.test"
        check_address(session, "https://milepost.test")
        with pytest.raises(ConflictError, match="badge_address_changed"):
            check_address(session, "https://elsewhere.example")
        with pytest.raises(ConflictError, match=r"https://milepost\.test"):
            service.preview(session, award, "x", badge_url="https://elsewhere.example", now=LATER)


def test_until_the_first_issue_issuers_move_along_with_the_address(
    district: District, award: Award
) -> None:
    document = accept(district, award, badge_url="https://badges.example").unsigned
    assert document["issuer"]["id"] == "did:web:badges.example:issuers:alder-valley"
    with district.runtime.database.snapshot() as session:
        issuer = achievements.issuer_by_slug(session, "alder-valley")
    assert issuer.did == "did:web:badges.example:issuers:alder-valley"


def test_indexes_are_drawn_at_random_and_never_twice(district: District) -> None:
    people = [add_person(district.runtime, district.organisation, f"P {n}") for n in range(12)]
    drawn = []
    for person in people:
        with district.runtime.database.transaction() as session:
            award = earn(session, district, person)
        drawn.append(accept(district, award).status_index)
    assert len(set(drawn)) == len(drawn)
    assert drawn != sorted(drawn)


@both_databases
def test_an_index_that_somebody_has_is_drawn_again(
    district: District, award: Award, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = issue_credential(district, add_person(district.runtime, district.organisation, "P Q"))
    draws = iter([taken.status_index, taken.status_index, 7])
    monkeypatch.setattr(status.secrets, "randbelow", lambda _size: next(draws))
    credential = accept(district, award)
    assert credential.status_index == 7
    assert credential.unsigned["credentialStatus"]["statusListIndex"] == "7"
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        assert len(session.scalars(select(Credential)).all()) == 2
