"""What the product issues is of known shape, and signed as the full algorithm would sign it."""

from __future__ import annotations

import json

from badges.awards import service
from badges.awards.proofs import IssuerKeys
from badges.awards.signing import sign_credential
from badges.openbadges.proofs import data_integrity, known_shape
from tests.support.badges import District, earn


def test_an_accepted_badge_is_of_known_shape_and_signed_the_same_both_ways(
    district: District,
) -> None:
    with district.runtime.database.transaction() as session:
        award = earn(session, district)
        accepted = service.accept(
            session,
            award.id,
            award.person_id,
            name='Wren "Wrené" Samplewood',
            badge_url=district.badge_url,
            now=district.runtime.now(),
        )
        unsigned, created = accepted.unsigned, accepted.proof_created_at
        issuer = accepted.issuer
        person_id = accepted.person_id
    assert known_shape.read(unsigned) is not None
    sign_credential(district.runtime, district.ring, accepted.id)
    with district.runtime.database.snapshot() as session:
        signed = service.own_credential(session, accepted.id, person_id)
        keys = IssuerKeys.of(district.ring, issuer)
        assert json.loads(signed.document or "") == data_integrity.sign(
            unsigned,
            keys.embedded.signer,
            verification_method=f"{issuer.did}#{keys.embedded.public_multibase}",
            created=created,
        )
