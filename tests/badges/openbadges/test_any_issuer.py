"""Badges of other issuers: every suite, every form, and each endorsement by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from badges.openbadges import (
    Outcome,
    Step,
    StepStatus,
    bake_png,
    bake_svg,
    controller_document,
    encode_multikey,
    verify,
)
from badges.openbadges.multikey import multibase_encode
from badges.openbadges.proofs import data_integrity
from tests.badges.openbadges.conftest import vector_entries
from tests.badges.openbadges.test_verify import AGENCY, Web, check, endorsement, problems, web
from tests.support.ob3 import (
    ISSUER,
    NOW,
    STATUS_LIST,
    SVG,
    VECTORS,
    TestSigner,
    full_credential,
    mini_credential,
    png,
    sign,
)

DID_URL = "https://badges.example.org/issuers/northside/did.json"
CURVES: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
W3C = [entry for entry in vector_entries() if entry["file"].startswith("w3c")]


def elliptic(document: dict[str, Any], suite: str, curve: str) -> tuple[dict[str, Any], Web]:
    """A badge signed with an elliptic key, and a web on which its issuer publishes that key."""
    key = ec.derive_private_key(7_919, CURVES[curve])
    multibase = encode_multikey(key.public_key())
    proof: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": "2026-05-01T08:30:00Z",
        "verificationMethod": f"{ISSUER}#{multibase}",
        "proofPurpose": "assertionMethod",
        "proofValue": "z1",
    }
    if suite.endswith("jcs-2019"):
        proof["@context"] = document["@context"]
    signed = data_integrity.signed_data(
        document, data_integrity.read_proof(proof), key.public_key()
    )
    assert signed.problems == ()
    digest = hashes.SHA256() if curve == "p256" else hashes.SHA384()
    size = key.curve.key_size // 8
    r, s = decode_dss_signature(key.sign(signed.data, ec.ECDSA(digest)))
    proof["proofValue"] = multibase_encode(r.to_bytes(size, "big") + s.to_bytes(size, "big"))
    controller = controller_document(ISSUER, multikeys=[(multibase, multibase)])
    # The status list is signed with the issuer's other key.
    for name, items in TestSigner().controller().items():
        if isinstance(items, list) and name != "@context":
            controller[name] += items
    resolver = web(**{DID_URL: controller})
    return {**document, "proof": [proof]}, resolver


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"])
def test_badges_signed_with_elliptic_keys_verify_in_every_form(suite: str, curve: str) -> None:
    badge, resolver = elliptic(full_credential(), suite, curve)
    for data in (json.dumps(badge), bake_png(png(), badge), bake_svg(SVG, badge)):
        report = check(data, resolver, recipient="ada@example.org")
        assert report.valid, problems(report)
    changed = {**badge, "name": "Something else"}
    assert problems(check(changed, resolver)) == {"proof": "broken"}
    other = "p384" if curve == "p256" else "p256"
    stranger, _resolver = elliptic(full_credential(), suite, other)
    assert problems(check(stranger, resolver)) == {"issuer": "wrong-key", "proof": "no-key"} or (
        problems(check(stranger, resolver)) == {"issuer": "wrong-key"}
    )


def test_a_suite_that_is_not_known_is_told_to_be_beyond_us() -> None:
    badge = {**mini_credential(), "proof": dict(sign(mini_credential())["proof"][0])}
    badge["proof"]["cryptosuite"] = "bbs-2023"
    report = check(badge)
    assert report.outcome is Outcome.UNDECIDED
    assert problems(report) == {"issuer": "no-key", "proof": "unknown"}


@pytest.mark.parametrize("entry", W3C, ids=lambda entry: entry["file"])
def test_w3cs_samples_hold_as_credentials_and_are_told_to_be_no_badges(
    entry: dict[str, Any],
) -> None:
    report = verify(
        (VECTORS / entry["file"]).read_bytes(),
        resolver=Web({}),
        now=NOW,
        contexts=entry["contexts"],
    )
    states = {result.step: result.status for result in report.steps}
    assert states[Step.PROOF] is StepStatus.PASSED
    assert states[Step.SHAPE] is StepStatus.FAILED
    # Their key is a did:key, and their issuer is somebody else.
    assert problems(report)["issuer"] == "wrong-key"


def test_each_endorsement_is_answered_by_itself() -> None:
    document = mini_credential()
    achievement = document["credentialSubject"]["achievement"]
    good = endorsement(achievement["id"])
    forged = endorsement(achievement["id"])
    forged["credentialSubject"]["endorsementComment"] = "Excellent."
    document["issuer"]["endorsement"] = [endorsement(ISSUER)]
    achievement["endorsement"] = [good, forged]
    report = check(sign(document), web(**AGENCY))
    assert problems(report) == {"endorsements": "broken"}
    assert [found.outcome for found in report.endorsements] == [
        Outcome.VALID,
        Outcome.INVALID,
        Outcome.VALID,
    ]
    told = report.to_dict()["endorsements"][1]
    assert told["issuer"] == "did:web:agency.example.org"
    assert told["comment"] == "Excellent."
    assert {step["step"]: step["status"] for step in told["steps"]}["proof"] == "failed"
    assert report.to_dict()["endorsements"][0]["message"]["code"] == "endorsements.holds"


def test_an_endorsement_of_something_else_is_not_examined_further() -> None:
    document = mini_credential()
    achievement = document["credentialSubject"]["achievement"]
    achievement["endorsement"] = [endorsement("https://example.org/other")]
    report = check(sign(document), web(**AGENCY))
    assert [found.outcome for found in report.endorsements] == [Outcome.INVALID]
    assert report.endorsements[0].steps == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "It is empty."),
        ("hello", "neither JSON, nor a token"),
        ('{"a": ', "breaks off"),
        ("{'a': 1}", "not JSON from line 1, character 2 on"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><g></svg>", "damaged"),
        ("[1]", "not a JSON object"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(data: bytes | str, words: str) -> None:
    report = check(data)
    text = report.steps[0].message.text
    assert words in text
    for parser in ("Expecting", "column", "(char", "token)", "mismatched"):
        assert parser not in text


def test_a_status_list_is_not_taken_from_a_neighbour() -> None:
    """The entry's list must be the very list: same address, issuer and purpose."""
    document = full_credential()
    elsewhere = STATUS_LIST.replace("/1", "/2")
    document["credentialStatus"]["statusListCredential"] = elsewhere
    resolver = web()
    resolver.documents[elsewhere] = resolver.documents[STATUS_LIST]
    assert problems(check(sign(document), resolver)) == {"status": "list"}
