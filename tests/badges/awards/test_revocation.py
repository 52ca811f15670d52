"""Revocation: the bit is set, the served list says so at once, and pathways stop counting it."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from badges.achievements.addresses import key_url
from badges.awards import service
from badges.awards.models import Credential, StatusList
from badges.awards.status import SignedList, signed_list
from badges.openbadges.multikey import jwk_key
from badges.openbadges.proofs import vc_jwt
from badges.openbadges.report import Outcome, Step, StepStatus
from badges.openbadges.status_list import StatusList as Bits
from badges.pathways.fact_json import from_dict
from badges.pathways.facts import BadgeFact
from badges.pathways.models import FactRow
from core.audit import AuditEvent
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import create_organisation
from core.scope import unscoped
from tests.support.badges import (
    NOW,
    District,
    add_person,
    both_databases,
    issue_credential,
)
from tests.support.verifying import verify_badge

LATER = NOW + timedelta(days=30)


def revoke(district: District, credential: Credential, reason: str = "Issued twice.") -> None:
    with district.runtime.database.transaction(district.organisation.scope) as session:
        service.revoke(session, credential.id, reason, None, LATER)


def served(district: District, credential: Credential) -> SignedList:
    return signed_list(district.runtime, district.ring, credential.status_list_id)


def bits_of(listed: SignedList) -> Bits:
    return Bits.decode(json.loads(listed.document)["credentialSubject"]["encodedList"])


def test_a_new_list_has_the_asked_for_length_and_no_bit_set(district: District) -> None:
    bits = bits_of(served(district, issue_credential(district)))
    assert len(bits) == 131_072
    assert not any(bits[index] for index in range(len(bits)))


@both_databases
def test_revoking_sets_this_bit_and_no_other_and_shows_at_the_next_read(
    district: District,
) -> None:
    kept = issue_credential(
        district, add_person(district.runtime, district.organisation, "Moss Testfield")
    )
    credential = issue_credential(district)
    before = served(district, credential)
    revoke(district, credential)
    after = served(district, credential)
    bits = bits_of(after)
    assert [n for n in range(len(bits)) if bits[n]] == [credential.status_index]
    assert before.etag != after.etag
    report = verify_badge(district, credential)
    status = report.step(Step.STATUS)
    assert report.outcome is Outcome.INVALID
    assert status is not None
    assert status.status is StepStatus.FAILED
    assert verify_badge(district, kept).valid


def test_a_list_that_has_not_changed_is_not_signed_again(district: District) -> None:
    credential = issue_credential(district)
    first = served(district, credential)
    district.runtime.clock = lambda: LATER
    assert served(district, credential) == first


def test_a_list_is_signed_anew_after_its_keys_were_rotated(district: District) -> None:
    credential = issue_credential(district)
    first = served(district, credential)
    with district.runtime.database.transaction() as session:
        district.ring.rotate(session, f"issuer:{district.issuer.id}", LATER)
    second = served(district, credential)
    assert json.loads(first.document)["proof"] != json.loads(second.document)["proof"]
    assert verify_badge(district, credential).valid


def test_the_list_as_a_token_says_the_same(district: District) -> None:
    credential = issue_credential(district)
    revoke(district, credential)
    listed = served(district, credential)
    token = vc_jwt.decode(listed.jwt)
    kid = district.ring.active(f"issuer:{district.issuer.id}", "RS256").kid
    assert token.key_id == key_url(district.badge_url, kid)
    assert vc_jwt.verify(token, jwk_key(district.ring.jwk(kid))) == []
    document = json.loads(listed.document)
    assert token.credential["credentialSubject"] == document["credentialSubject"]


@both_databases
def test_a_list_more_than_half_used_is_followed_by_a_new_one(district: District) -> None:
    first = issue_credential(district)
    with district.runtime.database.transaction() as session, unscoped(session, "test"):
        session.execute(update(StatusList).values(allocated=131_072 // 2))
    person = add_person(district.runtime, district.organisation, "Moss Testfield")
    second = issue_credential(district, person)
    assert second.status_list_id != first.status_list_id
    revoke(district, second)
    assert verify_badge(district, first).valid
    assert not verify_badge(district, second).valid


def test_an_unknown_list_is_not_found(district: District) -> None:
    with pytest.raises(NotFoundError):
        signed_list(district.runtime, district.ring, district.issuer.id)


def test_revoking_again_keeps_the_first_reason_and_date(district: District) -> None:
    credential = issue_credential(district)
    revoke(district, credential, "Issued twice.")
    revoke(district, credential, "Another reason.")
    with district.runtime.database.snapshot() as session:
        kept = service.public_credential(session, credential.id)
    assert (kept.state, kept.revocation_reason) == ("revoked", "Issued twice.")
    assert kept.revoked_at == LATER


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_reason_is_asked_for(district: District, reason: str) -> None:
    credential = issue_credential(district)
    with pytest.raises(UnprocessableError):
        revoke(district, credential, reason)
    assert verify_badge(district, credential).valid


def test_out_of_scope_there_is_nothing_to_revoke(district: District) -> None:
    credential = issue_credential(district)
    with district.runtime.database.transaction() as session:
        stranger = create_organisation(session, name="Far Away", slug="far")
    with (
        pytest.raises(NotFoundError),
        district.runtime.database.transaction(stranger.scope) as session,
    ):
        service.revoke(session, credential.id, "Not ours.", None, LATER)


def test_a_revoked_badge_is_not_published_again(district: District) -> None:
    credential = issue_credential(district, published=False)
    revoke(district, credential)
    with (
        pytest.raises(ConflictError, match="revoked"),
        district.runtime.database.transaction() as session,
    ):
        service.publish(session, credential.id, credential.person_id, LATER)


@both_databases
def test_revoking_takes_the_badge_out_of_the_ledger_and_is_audited(district: District) -> None:
    credential = issue_credential(district)
    revoke(district, credential)
    with district.runtime.database.snapshot() as session, unscoped(session, "test"):
        rows = session.scalars(
            select(FactRow.data).where(FactRow.source == "credential").order_by(FactRow.revision)
        ).all()
        actions = session.scalars(select(AuditEvent.action)).all()
    facts = [from_dict(row) for row in rows]
    assert [isinstance(f, BadgeFact) and f.revoked for f in facts] == [False, True]
    assert "credential.revoked" in actions
