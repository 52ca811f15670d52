"""Workers are ended with SIGKILL while they replace what a compromised key has signed.

Whatever the moment, the next one goes on: all of it is issued anew, and each of it once.
"""

from __future__ import annotations

import signal
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from badges.achievements import service as achievements
from badges.achievements.addresses import achievement_url, issuer_url
from badges.awards import replacing, service
from badges.awards.models import Credential, CredentialRevision, KeyReplacement, StatusList
from badges.awards.proofs import IssuerKeys
from badges.awards.reissuing import SIGN_REVISION
from badges.awards.revisions import REISSUED
from badges.endorsements import service as endorsing
from badges.endorsements import targets
from badges.endorsements.models import Endorsement
from badges.endorsements.signing import sign_endorsement
from badges.public.verification import verify_document
from core.identity import create_organisation
from core.outbox import OutboxMessage
from core.runtime import Runtime
from core.scope import unscoped
from keys.models import issuer_ring
from tests.support.badges import NOW, District, add_person, issue_credential, make_district
from tests.support.workers import leases_run_out, work

KILLED = -signal.SIGKILL
WINDOW = 2


@pytest.fixture
def district(any_runtime: Runtime) -> District:
    return make_district(any_runtime)


def withdraw(district: District, kid: str) -> KeyReplacement:
    with district.runtime.database.transaction() as session:
        row = replacing.withdraw(
            session, district.ring, kid, reason="Seen in a log.", actor_id=None,
            now=district.runtime.now(),
        )  # fmt: skip
    assert row is not None
    return row


def worker(district: District, crash_at: str | None = None) -> int:
    """The next worker, some minutes after the last."""
    leases_run_out(district.runtime.database)
    return work(district.runtime, crash_at=crash_at, window=WINDOW)


def so_far(district: District, row: KeyReplacement) -> tuple[str, int, int, int]:
    with district.runtime.database.snapshot() as session, unscoped(session, "the test looks"):
        found = replacing.progress(session, session.get_one(KeyReplacement, row.id))
    return found.state, found.looked_at, found.found, found.signed


def stored(district: District, credential: Credential) -> Credential:
    with district.runtime.database.snapshot() as session:
        return service.own_credential(session, credential.id, credential.person_id)


def holds(district: District, data: str | None) -> bool:
    """What our own verifier says, with all that is published here at this moment."""
    return verify_document(district.runtime, data or "", ring=district.ring).valid


def test_every_badge_is_signed_anew_once_whenever_a_worker_is_killed(district: District) -> None:
    names = [f"Teacher {letter}" for letter in "ABCDE"]
    old = [
        issue_credential(district, add_person(district.runtime, district.organisation, name))
        for name in names
    ]
    compromised = IssuerKeys.of(district.ring, district.issuer).embedded.kid
    with district.runtime.database.transaction() as session:
        district.ring.rotate(session, issuer_ring(district.issuer.id), NOW)
    kept = issue_credential(district)
    assert holds(district, old[0].document)
    row = withdraw(district, compromised)
    in_order = sorted([*(one.id for one in old), kept.id])

    def found_of(number: int) -> int:
        return len([one for one in in_order[:number] if one != kept.id])

    # The second window is found, and not stored.
    assert worker(district, "replacement-found-not-stored:2") == KILLED
    assert so_far(district, row) == ("searching", 2, found_of(2), 0)
    # A window is stored, and who found it is gone.
    assert worker(district, "replacement-window") == KILLED
    assert so_far(district, row) == ("searching", 4, found_of(4), 0)
    # The search comes to its end; the second badge is signed, and not stored.
    assert worker(district, "revision-signed-not-stored:2") == KILLED
    assert so_far(district, row) == ("signing", 6, 5, 1)
    # The next one is stored, and nobody has noted that.
    assert worker(district, "revision-stored-not-recorded") == KILLED
    assert so_far(district, row) == ("signing", 6, 5, 2)
    assert worker(district) == 0
    assert so_far(district, row) == ("done", 6, 5, 5)
    leases_run_out(district.runtime.database)
    assert worker(district) == 0, "and what is done is not done again"

    for before in old:
        after = stored(district, before)
        assert after.revision == 2
        for data in (after.document, after.jwt):
            assert holds(district, data)
        for data in (before.document, before.jwt):
            assert not holds(district, data)
    same = stored(district, kept)
    assert (same.revision, same.document, same.jwt) == (1, kept.document, kept.jwt)
    assert holds(district, same.document)
    once_and_all_of_it(district, old)


def once_and_all_of_it(district: District, old: list[Credential]) -> None:
    """Nothing was doubled on the way: versions, outbox rows, places on the status list, bits."""
    ids = {one.id for one in old}
    with district.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        versions = session.scalars(select(CredentialRevision)).all()
        assert Counter(one.credential_id for one in versions) == dict.fromkeys(ids, 2)
        assert Counter((one.credential_id, one.number) for one in versions) == {
            (one, number): 1 for one in ids for number in (1, 2)
        }
        [listed] = session.scalars(select(StatusList))
        places = {one.status_index for one in versions}
        assert len(places) == 2 * len(ids)
        assert listed.allocated == 2 * len(ids) + 1, "and the badge of the other key"
        assert sum(byte.bit_count() for byte in listed.bits) == len(ids)
        for one in old:
            assert listed.bits[one.status_index >> 3] & (0x80 >> (one.status_index & 7))
        rows = session.scalars(select(OutboxMessage)).all()
    for topic in (SIGN_REVISION, REISSUED):
        keys = Counter(one.key for one in rows if one.topic == topic)
        assert keys == {f"{one}:2": 1 for one in ids}
    searches = [one for one in rows if one.topic == replacing.SEARCH]
    assert len(searches) == 1
    assert {(one.state, one.last_error) for one in rows} == {("done", None)}


def test_every_endorsement_is_signed_anew_where_it_stands(district: District) -> None:
    made = endorse(district)
    credential = issue_credential(district)
    assert (credential.document or "").count("EndorsementCredential") >= 2
    row = withdraw(district, key_of_the_union(district))
    old = [one.document for one in made]
    assert not any(holds(district, one) for one in old)

    assert worker(district, "endorsement-replaced-not-stored:2") == KILLED
    new = [one.document for one in endorsements(district)]
    assert sorted(one in old for one in new) == [False, True]
    assert worker(district, "revision-signed-not-stored") == KILLED
    assert so_far(district, row) == ("signing", 1, 1, 0)
    assert worker(district) == 0
    assert so_far(district, row) == ("done", 1, 1, 1)

    for one in endorsements(district):
        assert holds(district, one.jwt)
        assert holds(district, one.document)
    after = stored(district, credential)
    assert after.revision == 2
    assert (after.document or "").count("EndorsementCredential") >= 2
    report = verify_document(district.runtime, after.document or "", ring=district.ring)
    assert report.valid
    assert {one.outcome.value for one in report.endorsements} == {"valid"}
    with district.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        versions = session.scalar(select(func.count(CredentialRevision.id)))
        places = session.scalars(select(StatusList.allocated)).all()
        undone = session.scalars(select(OutboxMessage.topic).where(OutboxMessage.state != "done"))
        assert versions == 2
        assert sorted(places) == [2, 2], "two endorsements, and two versions of the badge"
        assert undone.all() == []


def endorse(district: District) -> list[Endorsement]:
    """A union endorses the district's issuer and its micro-credential; both are shown."""
    runtime, base = district.runtime, district.badge_url
    later = NOW + timedelta(minutes=5)
    with runtime.database.transaction() as session:
        place = create_organisation(session, name="Union", slug="union")
        union = achievements.create_issuer(
            session, place, ring=district.ring, slug="union", name="Union", badge_url=base, now=NOW
        )
    addresses = (issuer_url(base, district.issuer.slug), achievement_url(base, district.version.id))
    with runtime.database.transaction(place.scope) as session:
        made = [
            endorsing.endorse(
                session, union, targets.find(session, address, base), "We found it sound.",
                shown=True, actor_id=None, badge_url=base, now=later,
            ).id
            for address in addresses
        ]  # fmt: skip
    for one in made:
        sign_endorsement(runtime, district.ring, one)
    return endorsements(district)


def endorsements(district: District) -> list[Endorsement]:
    with district.runtime.database.snapshot() as session:
        with unscoped(session, "the test looks"):
            rows = session.scalars(select(Endorsement.id).order_by(Endorsement.id)).all()
        return [endorsing.public(session, one) for one in rows]


def key_of_the_union(district: District) -> str:
    with district.runtime.database.snapshot() as session:
        union = achievements.issuer_by_slug(session, "union")
    return IssuerKeys.of(district.ring, union).embedded.kid
