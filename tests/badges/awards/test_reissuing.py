"""Issuing anew: the same badge in its next version; earlier copies end or stay, by the reason."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from badges import ends
from badges.achievements import service as achievements
from badges.awards import service, versions
from badges.awards.models import Credential, CredentialRevision
from badges.awards.reissuing import Change, reissue
from badges.awards.revisions import REISSUED, sign_revision
from badges.openbadges.report import Step, StepStatus
from badges.pathways.fact_json import from_dict
from badges.pathways.facts import BadgeFact
from badges.pathways.models import FactRow
from core.audit import AuditEvent
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import create_organisation
from core.outbox import DeliveryError, OutboxMessage
from core.scope import unscoped
from tests.support.badges import (
    NOW,
    District,
    add_person,
    both_databases,
    earn,
    issue_credential,
    micro_credential,
)
from tests.support.verifying import verify_badge

LATER = NOW + timedelta(days=30)
ADDRESS = "wren@alder-valley.example"


@pytest.fixture(autouse=True)
def clock(district: District) -> None:
    district.runtime.clock = lambda: LATER + timedelta(minutes=1)


def change(
    district: District, credential: Credential, wanted: Change, *, at: datetime = LATER
) -> Credential:
    with district.runtime.database.transaction(district.organisation.scope) as session:
        return reissue(
            session, credential.id, wanted, actor_id=None, badge_url=district.badge_url, now=at
        )


def signed(district: District, credential: Credential) -> Credential:
    sign_revision(district.runtime, district.ring, credential.id)
    return stored(district, credential)


def stored(district: District, credential: Credential) -> Credential:
    with district.runtime.database.snapshot() as session:
        return service.own_credential(session, credential.id, credential.person_id)


def body(credential: Credential) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(credential.document or "")
    found.pop("proof")
    return found


def rows(district: District, credential: Credential) -> list[CredentialRevision]:
    with district.runtime.database.snapshot() as session:
        return versions.history(session, credential.id)


@both_databases
def test_the_next_version_verifies_and_says_only_the_change(district: District) -> None:
    first = issue_credential(district)
    change(district, first, Change("recipient", name="Wren S. Samplewood"))
    second = signed(district, first)
    assert (second.revision, second.recipient_name) == (2, "Wren S. Samplewood")
    for data in (second.document, second.jwt):
        assert verify_badge(district, second, data, recipient=ADDRESS).valid
    before, after = body(first), body(second)
    assert datetime.fromisoformat(after["validFrom"]) > datetime.fromisoformat(before["validFrom"])
    assert after["credentialStatus"] != before["credentialStatus"]
    names = [item["identityHash"] for item in after["credentialSubject"]["identifier"]]
    assert names[-1] == "Wren S. Samplewood"
    for document in (before, after):
        del document["validFrom"], document["credentialStatus"]
        document["credentialSubject"]["identifier"].pop()
    assert before == after
    assert list(before) == list(after)


def test_after_a_correction_earlier_copies_read_as_withdrawn(district: District) -> None:
    first = issue_credential(district)
    change(district, first, Change("corrected", name="Wren Sample", note="The name was wrong."))
    second = signed(district, first)
    assert verify_badge(district, second).valid
    for copy in (first.document, first.jwt):
        report = verify_badge(district, first, copy)
        step = report.step(Step.STATUS)
        assert step is not None
        assert step.status is StepStatus.FAILED


def test_after_other_changes_earlier_copies_stay_valid(district: District) -> None:
    first = copy = issue_credential(district)
    reasons: tuple[Any, ...] = ("recipient", "holder", "renewed", "evidence", "endorsed")
    for number, reason in enumerate(reasons):
        change(district, first, Change(reason, name=f"Wren {number}"))
        newer = signed(district, first)
        for one in (copy, newer):
            assert verify_badge(district, one).valid, reason
        copy = newer


def test_until_it_is_signed_the_current_version_is_served_and_kept_afterwards(
    district: District,
) -> None:
    first = issue_credential(district)
    change(district, first, Change("recipient", name="Wren"))
    now = stored(district, first)
    assert (now.document, now.recipient_name, now.revision) == (
        first.document, first.recipient_name, 1,
    )  # fmt: skip
    signed(district, first)
    newest, oldest = rows(district, first)
    assert (newest.number, newest.reason, newest.replaced_at) == (2, "recipient", None)
    assert (oldest.number, oldest.reason, oldest.recipient_name) == (1, "issued", "Wren Samplewood")
    with district.runtime.database.snapshot() as session, unscoped(session, "the test's rows"):
        kept = session.execute(
            select(CredentialRevision.document, CredentialRevision.jwt).where(
                CredentialRevision.number == 1
            )
        ).one()
    assert tuple(kept) == (first.document, first.jwt)


def test_signing_twice_stores_once_and_tells_once(district: District) -> None:
    first = issue_credential(district)
    change(district, first, Change("recipient", name="Wren"))
    assert sign_revision(district.runtime, district.ring, first.id)
    assert not sign_revision(district.runtime, district.ring, first.id)
    with district.runtime.database.snapshot() as session:
        news = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == REISSUED)).all()
    assert [item.payload["reason"] for item in news] == ["recipient"]


def test_two_changes_before_the_first_is_signed_are_both_made(district: District) -> None:
    first = issue_credential(district)
    change(district, first, Change("corrected", name="Wren Sample", note="Misspelt."))
    change(district, first, Change("holder", holder="did:key:z6MkWallet"))
    second = signed(district, first)
    subject = body(second)["credentialSubject"]
    assert (second.revision, subject["id"]) == (3, "did:key:z6MkWallet")
    assert second.recipient_name == "Wren Sample"
    # The correction was never signed, but what it corrects must not pass any more.
    assert not verify_badge(district, first, first.document).valid
    assert not sign_revision(district.runtime, district.ring, first.id)


def test_a_wallet_can_be_let_go_again(district: District) -> None:
    credential = issue_credential(district)
    change(district, credential, Change("holder", holder="did:key:z6MkWallet"))
    change(district, credential, Change("holder", holder=None))
    assert body(signed(district, credential))["credentialSubject"]["id"].startswith("urn:uuid:")


def test_an_address_can_be_taken_off_and_another_put_on(district: District) -> None:
    credential = issue_credential(district)
    change(district, credential, Change("recipient", email=None))
    bare = signed(district, credential)
    kinds = [item["identityType"] for item in body(bare)["credentialSubject"]["identifier"]]
    assert kinds == ["name"]
    change(district, credential, Change("recipient", email="wren@home.example"))
    again = signed(district, credential)
    assert verify_badge(district, again, recipient="wren@home.example").valid
    assert not verify_badge(district, again, recipient=ADDRESS).valid
    change(district, credential, Change("recipient", email="wren@home.example"))
    assert stored(district, credential).revision == again.revision
    assert not sign_revision(district.runtime, district.ring, credential.id)


def test_a_change_that_changes_nothing_makes_no_version(district: District) -> None:
    credential = issue_credential(district)
    change(district, credential, Change("recipient", name="Wren Samplewood", email=ADDRESS))
    assert rows(district, credential)[1:] == []
    assert not sign_revision(district.runtime, district.ring, credential.id)


def test_results_are_corrected_by_criterion(district: District) -> None:
    credential = issue_credential(district)
    levels = {"planned": 4, "wait": 3}
    change(district, credential, Change("corrected", levels=levels, note="Read wrongly."))
    second = signed(district, credential)
    reached = [item["achievedLevel"] for item in body(second)["credentialSubject"]["result"]]
    assert [level.rsplit("#", 1)[1] for level in reached] == ["planned.l4", "wait.l3"]
    assert verify_badge(district, second).valid


def test_another_version_of_the_achievement_takes_its_results_along(district: District) -> None:
    credential = issue_credential(district)
    with district.runtime.database.transaction(district.organisation.scope) as session:
        newer = achievements.publish(
            session, district.achievement, micro_credential(name="Questions That Open Minds"), LATER
        )
    change(district, credential, Change("corrected", version_id=newer.id, note="The name changed."))
    second = signed(district, credential)
    said = body(second)
    assert (
        said["name"] == said["credentialSubject"]["achievement"]["name"] == newer.document["name"]
    )
    results = [item["achievedLevel"] for item in said["credentialSubject"]["result"]]
    assert all(str(newer.id) in level for level in results)
    assert len(results) == 2
    assert second.achievement_version_id == newer.id
    assert verify_badge(district, second).valid


def test_a_badge_can_be_valid_for_longer_and_the_ledger_knows(district: District) -> None:
    credential = issue_credential(district)
    until = datetime(2031, 1, 1, tzinfo=UTC)
    change(district, credential, Change("renewed", valid_until=until))
    second = signed(district, credential)
    assert second.valid_until == until
    assert body(second)["validUntil"] == "2031-01-01T00:00:00Z"
    with district.runtime.database.snapshot() as session, unscoped(session, "the test's ledger"):
        data = session.scalars(
            select(FactRow.data).where(FactRow.kind == "badge").order_by(FactRow.revision)
        ).all()
    facts = [from_dict(one) for one in data]
    assert [(fact.revision, getattr(fact, "valid_until", None)) for fact in facts] == [
        (0, credential.valid_until), (1, until),
    ]  # fmt: skip
    assert all(isinstance(fact, BadgeFact) for fact in facts)


@both_databases
def test_withdrawing_a_badge_withdraws_every_version_of_it(district: District) -> None:
    first = issue_credential(district)
    change(district, first, Change("holder", holder="did:key:z6MkWallet"))
    second = signed(district, first)
    change(district, first, Change("recipient", name="Wren"))
    with district.runtime.database.transaction(district.organisation.scope) as session:
        service.revoke(session, first.id, "Given to the wrong person.", None, LATER)
    assert not sign_revision(district.runtime, district.ring, first.id)
    for copy in (first.document, second.document):
        assert not verify_badge(district, first, copy).valid
    with pytest.raises(ConflictError):
        change(district, first, Change("recipient", name="Nobody"))
    with district.runtime.database.snapshot() as session, unscoped(session, "the test's ledger"):
        last = session.scalars(select(FactRow.data).order_by(FactRow.revision.desc())).first()
    assert last is not None
    assert last["revoked"]


def test_versions_of_one_second_still_follow_each_other(district: District) -> None:
    credential = issue_credential(district)
    seen = [body(credential)["validFrom"]]
    for name in ("A", "B", "C"):
        change(district, credential, Change("recipient", name=name))
        seen.append(body(signed(district, credential))["validFrom"])
    assert sorted(set(seen)) == seen


def test_what_cannot_stand_on_a_badge_is_refused(district: District) -> None:
    credential = issue_credential(district)
    for wanted, field in (
        (Change("corrected", name="Wren"), "note"),
        (Change("recipient", name="Wren\u202e"), "name"),
        (Change("corrected", levels={"wait": 9}, note="Wrong."), "levels.wait"),
        (Change("corrected", levels={"unheard": 1}, note="Wrong."), "levels.unheard"),
        (Change("recipient", name="Wren", note="x" * 501), "note"),
    ):
        with pytest.raises(UnprocessableError) as refused:
            change(district, credential, wanted)
        assert list(refused.value.fields) == [field]
    assert rows(district, credential) == []
    with district.runtime.database.transaction(district.organisation.scope) as session:
        other = achievements.create(session, district.issuer, micro_credential(name="Other"), NOW)
        version_id = achievements.current(session, other.id).id
    for unknown in (version_id, uuid.uuid4()):
        with pytest.raises(NotFoundError):
            change(district, credential, Change("corrected", version_id=unknown, note="Wrong."))


def test_what_is_not_signed_yet_and_what_is_out_of_reach_is_refused(district: District) -> None:
    with district.runtime.database.transaction() as session:
        award = earn(session, district)
        accepted = service.accept(
            session, award.id, award.person_id, name=None, badge_url=district.badge_url, now=NOW
        )
        elsewhere = create_organisation(session, name="Elsewhere", slug="elsewhere")
    with pytest.raises(ConflictError, match="still being signed"):
        change(district, accepted, Change("recipient", name="Wren"))
    with (
        district.runtime.database.transaction(elsewhere.scope) as session,
        pytest.raises(NotFoundError),
    ):
        reissue(
            session, accepted.id, Change("recipient", name="Wren"),
            actor_id=None, badge_url=district.badge_url, now=LATER,
        )  # fmt: skip


def test_who_decided_it_is_noted(district: District) -> None:
    credential = issue_credential(district)
    lead = add_person(district.runtime, district.organisation, "Moss Testfield")
    with district.runtime.database.transaction(district.organisation.scope) as session:
        reissue(
            session, credential.id, Change("recipient", name="Wren"),
            actor_id=lead.id, badge_url=district.badge_url, now=LATER,
        )  # fmt: skip
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        noted = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "credential.reissued")
        ).one()
    assert (noted.actor_id, noted.about_id) == (lead.id, credential.person_id)
    assert noted.details == {"number": 2, "reason": "recipient"}


@pytest.mark.parametrize(
    "end", ["0001-01-01", "2026-03-13", "2026-03-14", "2126-04-14", "9999-12-31"]
)
def test_an_end_lies_after_the_day_it_was_earned_and_within_a_hundred_years(
    district: District, end: str
) -> None:
    first = issue_credential(district)
    until = ends.read(end)
    with pytest.raises(UnprocessableError) as refused:
        change(district, first, Change("corrected", valid_until=until, note="The end."))
    assert set(refused.value.fields) == {"until"}
    assert rows(district, first) == []


def test_a_badge_may_have_ended_the_day_after_it_was_earned(district: District) -> None:
    first = issue_credential(district)
    until = ends.read("2026-03-15")
    change(district, first, Change("corrected", valid_until=until, note="The end."))
    assert signed(district, first).valid_until == until


def spoil(district: District, number: int) -> None:
    """Write into the version that waits what nobody could verify."""
    with district.runtime.database.transaction() as session, unscoped(session, "the test's row"):
        row = session.scalars(
            select(CredentialRevision).where(CredentialRevision.number == number)
        ).one()
        row.unsigned = {**row.unsigned, "validUntil": "1-01-01T23:59:59Z"}


@both_databases
def test_what_cannot_be_signed_holds_nothing_up(district: District) -> None:
    first = issue_credential(district)
    change(district, first, Change("corrected", name="Wren Sample", note="The name."))
    spoil(district, 2)
    with pytest.raises(DeliveryError, match="Version 2 cannot be signed as it is written") as told:
        sign_revision(district.runtime, district.ring, first.id)
    assert told.value.permanent
    assert stored(district, first).document == first.document
    refused = rows(district, first)[0]
    assert refused.refused_at is not None
    assert sign_revision(district.runtime, district.ring, first.id) is False
    change(district, first, Change("recipient", email=None))
    third = signed(district, first)
    assert (third.revision, third.recipient_name) == (3, first.recipient_name)
    assert verify_badge(district, third).valid
    # The correction never held, so it ends no earlier copy.
    assert verify_badge(district, first, first.document).valid
    assert [one.number for one in rows(district, first)] == [3, 2, 1]


def test_the_version_before_one_that_cannot_be_signed_waits_again(district: District) -> None:
    first = issue_credential(district)
    change(district, first, Change("recipient", name="Wren Sample"))
    change(district, first, Change("recipient", email=None))
    spoil(district, 3)
    second = signed(district, first)
    assert (second.revision, second.recipient_name) == (2, "Wren Sample")
    assert verify_badge(district, second).valid


def test_a_change_to_another_version_than_the_one_that_was_seen_is_refused(
    district: District,
) -> None:
    first = issue_credential(district)
    wanted = Change("corrected", name="Wren Sample", note="The name.")
    with district.runtime.database.transaction(district.organisation.scope) as session:
        parts: dict[str, Any] = {"actor_id": None, "badge_url": district.badge_url, "now": LATER}
        reissue(session, first.id, wanted, seen=1, **parts)
        with pytest.raises(ConflictError) as stale:
            reissue(session, first.id, Change("recipient", name="Wren"), seen=1, **parts)
        assert stale.value.code == "credential_changed"
        reissue(session, first.id, Change("recipient", name="Wren"), seen=2, **parts)
    assert signed(district, first).recipient_name == "Wren"
