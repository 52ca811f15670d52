"""A compromised key: what it signed is issued anew, once, and its own copies fail everywhere."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from badges.awards import replacing, service
from badges.awards.models import Credential, KeyReplacement
from badges.awards.proofs import IssuerKeys
from badges.awards.replacing import progress, search
from badges.awards.revisions import sign_revision
from badges.awards.signing import sign_credential
from core.errors import NotFoundError, UnprocessableError
from core.outbox import OutboxMessage
from core.scope import unscoped
from keys.errors import KeyWithdrawnError
from keys.models import issuer_ring
from keys.ring import KeyRing, require_trusted
from tests.support.badges import (
    NOW,
    District,
    add_person,
    both_databases,
    earn,
    issue_credential,
)
from tests.support.verifying import verify_badge

LATER = NOW + timedelta(days=30)


@pytest.fixture(autouse=True)
def clock(district: District) -> None:
    district.runtime.clock = lambda: LATER


def withdraw(district: District, kid: str, reason: str = "Seen in a log.") -> KeyReplacement:
    with district.runtime.database.transaction() as session:
        row = replacing.withdraw(
            session, district.ring, kid, reason=reason, actor_id=None, now=LATER
        )
    assert row is not None
    return row


def keys(district: District) -> IssuerKeys:
    return IssuerKeys.of(district.ring, district.issuer)


def more(district: District, number: int) -> list[Credential]:
    names = [f"Teacher {chr(ord('A') + place)}" for place in range(number)]
    return [
        issue_credential(district, add_person(district.runtime, district.organisation, name))
        for name in names
    ]


def finish(district: District, row: KeyReplacement) -> replacing.Progress:
    while not search(district.runtime, row.id, seconds=0):
        pass
    with district.runtime.database.snapshot() as session:
        found = replacing.waiting(session, row)
    for credential_id in found:
        sign_revision(district.runtime, district.ring, credential_id)
    with district.runtime.database.snapshot() as session, unscoped(session, "the test's row"):
        return progress(session, session.get_one(KeyReplacement, row.id))


def stored(district: District, credential: Credential) -> Credential:
    with district.runtime.database.snapshot() as session:
        return service.own_credential(session, credential.id, credential.person_id)


@pytest.mark.parametrize("form", ["embedded", "token"])
def test_old_copies_fail_and_new_ones_verify(district: District, form: str) -> None:
    first = issue_credential(district)
    row = withdraw(district, getattr(keys(district), form).kid)
    done = finish(district, row)
    assert (done.state, done.looked_at, done.found, done.signed) == ("done", 1, 1, 1)
    second = stored(district, first)
    for data in (second.document, second.jwt):
        assert verify_badge(district, second, data).valid
    for old in (first.document, first.jwt):
        assert not verify_badge(district, first, old).valid


def test_after_an_ordinary_rotation_every_old_badge_verifies(district: District) -> None:
    first = issue_credential(district)
    for _ in range(2):
        with district.runtime.database.transaction() as session:
            district.ring.rotate(session, issuer_ring(district.issuer.id), LATER)
    second = issue_credential(
        district, add_person(district.runtime, district.organisation, "Moss Testfield")
    )
    for credential in (first, second):
        for data in (credential.document, credential.jwt):
            assert verify_badge(district, credential, data).valid


@both_databases
def test_only_what_the_key_signed_is_issued_anew_however_often_it_is_searched(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing, "WINDOW", 2)
    old = more(district, 3)
    compromised = keys(district)
    with district.runtime.database.transaction() as session:
        district.ring.rotate(session, issuer_ring(district.issuer.id), NOW)
    kept = issue_credential(district)
    with district.runtime.database.transaction(district.organisation.scope) as session:
        service.revoke(session, old[0].id, "Given twice.", None, LATER)
    row = withdraw(district, compromised.embedded.kid)
    assert not search(district.runtime, row.id, seconds=0)
    done = finish(district, row)
    assert (done.looked_at, done.found, done.signed, done.state) == (3, 2, 2, "done")
    assert withdraw(district, compromised.embedded.kid).id == row.id
    assert finish(district, row).found == 2
    assert stored(district, kept).revision == 1
    assert [stored(district, one).revision for one in old] == [1, 2, 2]
    with district.runtime.database.snapshot() as session:
        jobs = session.scalar(
            select(func.count(OutboxMessage.id)).where(OutboxMessage.topic == replacing.SEARCH)
        )
    assert jobs == 2  # the first one, and the one that went on after a window


class PowerCutError(BaseException):
    """Ends a search as a power cut would: nothing handles it."""


def test_a_search_that_is_cut_off_goes_on_without_doubles(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing, "WINDOW", 2)
    more(district, 5)
    row = withdraw(district, keys(district).embedded.kid)
    steps = iter([False, False, False, True])  # in the middle of the second window

    def reissue(*args: object, **kw: Any) -> Credential:
        if next(steps):
            raise PowerCutError
        return real(*args, **kw)

    real: Any = replacing.reissue
    with monkeypatch.context() as cut:
        cut.setattr(replacing, "reissue", reissue)
        with pytest.raises(PowerCutError):
            search(district.runtime, row.id)
    with district.runtime.database.snapshot() as session, unscoped(session, "the test's rows"):
        half = progress(session, session.get_one(KeyReplacement, row.id))
    assert (half.looked_at, half.found, half.total, half.state) == (2, 2, 5, "searching")
    done = finish(district, row)
    assert (done.looked_at, done.found, done.signed) == (5, 5, 5)


def test_a_process_that_does_not_know_yet_signs_with_the_new_key(district: District) -> None:
    elsewhere = KeyRing(district.runtime.database, district.runtime.config.master_key)
    old = IssuerKeys.of(elsewhere, district.issuer)
    with district.runtime.database.transaction() as session:
        award = earn(session, district)
        accepted = service.accept(
            session, award.id, award.person_id, name=None, badge_url=district.badge_url, now=NOW
        )
    withdraw(district, old.embedded.kid)
    sign_credential(district.runtime, elsewhere, accepted.id)
    assert verify_badge(district, stored(district, accepted)).valid
    with (
        district.runtime.database.transaction() as session,
        pytest.raises(KeyWithdrawnError),
    ):
        require_trusted(session, old.kids)


def test_what_is_no_key_and_no_reason_is_refused(district: District) -> None:
    with district.runtime.database.transaction() as session:
        with pytest.raises(NotFoundError):
            replacing.withdraw(
                session, district.ring, "unheard", reason="Lost.", actor_id=None, now=LATER
            )
        with pytest.raises(UnprocessableError):
            replacing.withdraw(
                session, district.ring, keys(district).token.kid, reason=" ", actor_id=None,
                now=LATER,
            )  # fmt: skip


def test_a_key_of_no_issuer_is_only_withdrawn(district: District) -> None:
    with district.runtime.database.transaction() as session:
        made = district.ring.create(session, "lti", "RS256", NOW)
        assert (
            replacing.withdraw(
                session, district.ring, made.kid, reason="Lost.", actor_id=None, now=LATER
            )
            is None
        )
        assert made.state == "compromised"
