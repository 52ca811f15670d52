"""A badge awarded by a person: by the right ones only, on the record, and still an offer."""

from datetime import timedelta

import pytest

from badges.awards import service
from badges.awards.direct import issue_directly
from badges.awards.models import Award
from badges.awards.signing import sign_credential
from badges.pathways.service import recompute
from core.errors import ConflictError, NotAllowedError
from core.identity import (
    OrganisationKind,
    Person,
    Role,
    create_organisation,
    grant,
)
from tests.support.badges import NOW, District, add_person, both_databases, earn
from tests.support.verifying import verify_badge

LATER = NOW + timedelta(hours=2)


def person_with(district: District, role: Role) -> Person:
    person = add_person(district.runtime, district.organisation, f"{role} Person")
    with district.runtime.database.transaction() as session:
        grant(session, person, role, organisation=district.organisation, source="test", now=NOW)
    return person


def award_directly(district: District, actor: Person | None) -> Award:
    with district.runtime.database.transaction() as session:
        return issue_directly(session, district.learner, district.version, actor=actor, now=LATER)


@pytest.mark.parametrize("role", [Role.LEAD, Role.ADMINISTRATOR])
def test_leads_and_administrators_may_award_and_the_receipt_says_who(
    district: District, role: Role
) -> None:
    actor = person_with(district, role)
    award = award_directly(district, actor)
    assert award.state == "offered"
    assert award.receipt["basis"] == "direct"
    with district.runtime.database.snapshot() as session:
        with pytest.raises(ConflictError, match="award_direct"):
            recompute(session, award)
        document = service.preview(session, award, "Wren", badge_url=district.badge_url, now=LATER)
    subject = document["credentialSubject"]
    assert subject["narrative"] == "Awarded directly by the issuer on 14 March 2026."
    assert "result" not in subject
    assert "evidence" not in document
    assert str(actor.id) not in str(document)


@pytest.mark.parametrize("role", [Role.TEACHER, Role.COACH])
def test_others_may_not(district: District, role: Role) -> None:
    with pytest.raises(NotAllowedError):
        award_directly(district, person_with(district, role))


def test_a_lead_of_another_place_may_not(district: District) -> None:
    with district.runtime.database.transaction() as session:
        school = create_organisation(
            session,
            name="Elm School",
            slug="elm",
            kind=OrganisationKind.SCHOOL,
            parent=district.organisation,
        )
    actor = add_person(district.runtime, school, "Lead Below")
    with district.runtime.database.transaction() as session:
        grant(session, actor, Role.LEAD, organisation=school, source="test", now=NOW)
    with pytest.raises(NotAllowedError):
        award_directly(district, actor)


def test_nobody_awards_to_themselves(district: District) -> None:
    with district.runtime.database.transaction() as session:
        grant(
            session,
            district.learner,
            Role.LEAD,
            organisation=district.organisation,
            source="test",
            now=NOW,
        )
    with pytest.raises(NotAllowedError):
        award_directly(district, district.learner)


def test_who_holds_the_badge_or_its_offer_is_not_offered_it_again(district: District) -> None:
    with district.runtime.database.transaction() as session:
        earn(session, district)
    with pytest.raises(ConflictError):
        award_directly(district, None)


@both_databases
def test_after_a_revocation_it_may_be_awarded_again_and_verifies(district: District) -> None:
    database = district.runtime.database
    first = award_directly(district, None)

    def accept(award: Award) -> object:
        with database.transaction() as session:
            credential = service.accept(
                session,
                award.id,
                award.person_id,
                name="Wren",
                badge_url=district.badge_url,
                now=LATER,
            )
        sign_credential(district.runtime, district.ring, credential.id)
        with database.snapshot() as session:
            return service.own_credential(session, credential.id, award.person_id)

    old = accept(first)
    with database.transaction(district.organisation.scope) as session:
        service.revoke(session, old.id, "Wrong name.", None, LATER)  # type: ignore[attr-defined]
    new = accept(award_directly(district, None))
    assert verify_badge(district, new).valid  # type: ignore[arg-type]
    assert not verify_badge(district, old).valid  # type: ignore[arg-type]


@both_databases
def test_the_list_shows_offers_and_credentials_by_state_within_reach(district: District) -> None:
    award = award_directly(district, None)
    with district.runtime.database.transaction() as session:
        stranger = create_organisation(session, name="Far Away", slug="far")
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        (row,) = service.rows(session)
        assert service.rows(session, state="signed") == []
    assert (row["award"], row["state"], row["credential"]) == (str(award.id), "offered", None)
    assert row["achievement"] == "Questions That Open"
    assert row["recipient"] == "Wren Samplewood"
    with district.runtime.database.snapshot(stranger.scope) as session:
        assert service.rows(session) == []
