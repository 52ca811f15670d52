"""Issuers and versions: identifiers for ever, versions that never change, reach by scope."""

from datetime import timedelta

import pytest

from badges.achievements import service
from badges.openbadges.did import did_web_url
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import OrganisationKind, create_organisation
from core.runtime import Runtime
from tests.support.badges import NOW, District, make_district, micro_credential


@pytest.fixture
def district(runtime: Runtime) -> District:
    return make_district(runtime)


def test_an_issuer_gets_a_did_that_resolves_to_its_own_address(district: District) -> None:
    assert district.issuer.did == "did:web:milepost.test:issuers:alder-valley"
    assert did_web_url(district.issuer.did) == (
        "https://milepost.test/issuers/alder-valley/did.json"
    )


def test_an_issuer_has_a_key_for_each_proof_and_publishes_both(district: District) -> None:
    with district.runtime.database.snapshot() as session:
        issuer = service.issuer_by_slug(session, "alder-valley")
        document = service.issuer_document(session, issuer)
    kinds = [method["type"] for method in document["verificationMethod"]]
    assert sorted(kinds) == ["JsonWebKey", "Multikey"]


def test_a_slug_is_taken_once(district: District) -> None:
    with (
        pytest.raises(ConflictError),
        district.runtime.database.transaction() as session,
    ):
        service.create_issuer(
            session,
            district.organisation,
            ring=district.ring,
            slug="alder-valley",
            name="Another",
            badge_url=district.badge_url,
            now=NOW,
        )


def test_every_fault_of_an_issuer_is_named(district: District) -> None:
    with (
        pytest.raises(UnprocessableError) as caught,
        district.runtime.database.transaction() as session,
    ):
        service.create_issuer(
            session,
            district.organisation,
            ring=district.ring,
            slug="Alder Valley/..",
            name=" ",
            url="ftp://x",
            email="nobody",
            badge_url=district.badge_url,
            now=NOW,
        )
    assert set(caught.value.fields) == {"slug", "name", "url", "email"}


def test_an_unknown_issuer_or_version_is_not_found(district: District) -> None:
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        with pytest.raises(NotFoundError):
            service.issuer_by_slug(session, "nobody")
        with pytest.raises(NotFoundError):
            service.version(session, district.achievement.id)
        with pytest.raises(NotFoundError):
            service.current(session, district.version.id)
        with pytest.raises(NotFoundError):
            service.public_version(session, district.achievement.id)


def test_publishing_again_makes_a_new_version_and_leaves_the_old_one(district: District) -> None:
    with district.runtime.database.transaction(district.organisation.scope) as session:
        newer = service.publish(
            session, district.achievement, micro_credential(minutes=900), NOW + timedelta(days=1)
        )
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        assert service.current(session, district.achievement.id).id == newer.id
        old = service.version(session, district.version.id)
    assert (old.number, newer.number) == (1, 2)
    assert service.micro_credential(old).minutes == 720
    assert service.micro_credential(newer).minutes == 900
    assert service.micro_credential(newer).sha256 == newer.sha256


def test_publishing_the_same_text_again_changes_nothing(district: District) -> None:
    with district.runtime.database.transaction(district.organisation.scope) as session:
        again = service.publish(session, district.achievement, micro_credential(), NOW)
    assert again.id == district.version.id


def test_schools_below_see_what_their_district_published_and_strangers_do_not(
    district: District,
) -> None:
    with district.runtime.database.transaction() as session:
        school = create_organisation(
            session,
            name="Elm School",
            slug="elm",
            kind=OrganisationKind.SCHOOL,
            parent=district.organisation,
        )
        stranger = create_organisation(session, name="Far Away", slug="far")
    with district.runtime.database.snapshot(school.scope) as session:
        assert [v.id for v in service.published(session)] == [district.version.id]
    with district.runtime.database.snapshot(stranger.scope) as session:
        assert service.published(session) == []
        with pytest.raises(NotFoundError):
            service.current(session, district.achievement.id)
        assert service.public_version(session, district.version.id).id == district.version.id
