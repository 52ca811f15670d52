"""What a badge says of evidence: which files it was, and nothing that is in them."""

import hashlib
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta

from badges.awards import service
from badges.openbadges.proofs import known_shape
from badges.pathways import service as pathways
from tests.support.badges import NOW, District, decision


def test_each_file_is_named_by_its_digest(district: District) -> None:
    files = [b"a lesson plan", b"another one"]
    digests = tuple(hashlib.sha256(data).hexdigest() for data in files)
    fact = replace(decision(district.version), evidence_files={"plan": (*digests, digests[0])})
    with district.runtime.database.transaction() as session:
        pathways.enrol(session, district.learner, district.version, NOW)
        (award,) = pathways.record_fact(session, district.learner, fact, NOW + timedelta(hours=1))
        document = service.preview(
            session, award, None, badge_url=district.badge_url, now=NOW + timedelta(hours=2)
        )
    plans = [item for item in document["evidence"] if item["name"] == "Lesson plan"]
    found = [item["digestMultibase"] for item in plans]
    assert len(found) == 2
    for value, data in zip(found, files, strict=True):
        assert value.startswith("u")
        multihash = urlsafe_b64decode(value[1:] + "=" * (-len(value[1:]) % 4))
        assert multihash == b"\x12\x20" + hashlib.sha256(data).digest()
    (reflection,) = [item for item in document["evidence"] if item["name"] == "Reflection"]
    assert "digestMultibase" not in reflection
    assert all("id" not in item for item in document["evidence"])
    assert known_shape.read(document) is not None
