"""A compromised key of somebody who endorses: their words are signed anew wherever they stand."""

from __future__ import annotations

import json

from badges.achievements.addresses import issuer_url
from badges.awards import replacing, service
from badges.awards.models import KeyReplacement
from badges.awards.proofs import IssuerKeys
from badges.awards.replacing import search
from badges.awards.revisions import sign_revision
from badges.openbadges import Outcome
from tests.badges.endorsements.conftest import LATER, Union
from tests.support.badges import issue_credential


def test_badges_of_others_carry_the_words_signed_with_the_new_key(union: Union) -> None:
    district, runtime = union.district, union.runtime
    runtime.clock = lambda: LATER
    union.endorse(union.target(issuer_url(district.badge_url, district.issuer.slug)))
    credential = issue_credential(district)
    old = credential.document or ""
    kid = IssuerKeys.of(district.ring, union.issuer).embedded
    assert f'#{kid.public_multibase}"' in old
    with runtime.database.transaction() as session:
        row = replacing.withdraw(
            session, district.ring, kid.kid, reason="Lost.", actor_id=None, now=LATER
        )
    assert row is not None
    assert search(runtime, row.id)
    assert sign_revision(runtime, district.ring, credential.id)
    with runtime.database.snapshot(union.organisation.scope) as session:
        new = service.own_credential(session, credential.id, credential.person_id)
        done = replacing.progress(session, session.get_one(KeyReplacement, row.id))
    assert (done.found, done.signed, done.state) == (1, 1, "done")
    document = new.document or ""
    assert kid.public_multibase not in document
    [before], [after] = (json.loads(one)["issuer"]["endorsement"] for one in (old, document))
    assert {**before, "proof": None} == {**after, "proof": None}
    report = union.verified(document)
    assert report.valid
    assert [one.outcome for one in report.endorsements] == [Outcome.VALID]
