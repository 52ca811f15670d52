"""Withdrawing many badges for one reason: each once, all at once, and nobody else's."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from badges.awards.models import Credential
from badges.awards.revoking import AT_ONCE, look_up, revoke_many
from badges.awards.service import REVOKED
from core.errors import UnprocessableError
from core.identity import create_organisation
from core.outbox import OutboxMessage
from tests.support.badges import NOW, District, add_person, both_databases, issue_credential
from tests.support.verifying import verify_badge

LATER = NOW + timedelta(days=30)


@both_databases
def test_all_are_withdrawn_with_one_reason_and_told_of_once(district: District) -> None:
    first, second, third = (
        issue_credential(district, add_person(district.runtime, district.organisation, name))
        for name in ("Ada Testfield", "Ben Testfield", "Cai Testfield")
    )
    stranger = uuid.uuid4()
    with district.runtime.database.transaction(district.organisation.scope) as session:
        revoke_many(session, [first.id], "Given twice.", None, LATER)
        seen = look_up(session, [first.id, second.id, stranger])
        assert [one.id for one in seen.revoked] == [second.id]
        done = revoke_many(
            session, [first.id, second.id, second.id, stranger], "The course was cut.", None, LATER
        )
    assert [one.id for one in done.revoked] == [second.id]
    assert [one.id for one in done.before] == [first.id]
    assert done.unknown == (stranger,)
    with district.runtime.database.snapshot(district.organisation.scope) as session:
        reasons = {one.id: one.revocation_reason for one in session.scalars(select(Credential))}
        news = session.scalars(select(OutboxMessage.key).where(OutboxMessage.topic == REVOKED))
        assert sorted(news) == sorted([str(first.id), str(second.id)])
    assert reasons[first.id] == "Given twice."
    assert reasons[second.id] == "The course was cut."
    assert not verify_badge(district, second).valid
    assert verify_badge(district, third).valid


def test_nothing_happens_without_a_reason_or_out_of_reach(district: District) -> None:
    credential = issue_credential(district)
    with district.runtime.database.transaction() as session:
        elsewhere = create_organisation(session, name="Elsewhere", slug="elsewhere")
    with district.runtime.database.transaction(elsewhere.scope) as session:
        done = revoke_many(session, [credential.id], "Mine now.", None, LATER)
        assert (done.revoked, done.unknown) == ((), (credential.id,))
    with district.runtime.database.transaction(district.organisation.scope) as session:
        for ids, reason in (
            ([credential.id], " "),
            ([], "None."),
            ([uuid.uuid4() for _ in range(AT_ONCE + 1)], "Too many."),
        ):
            with pytest.raises(UnprocessableError):
                revoke_many(session, ids, reason, None, LATER)
    assert verify_badge(district, credential).valid
