"""Embedded proofs: W3C's vectors, byte for byte where the key is known, and every refusal."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from badges.openbadges import (
    CanonicalizationError,
    InvalidCredentialError,
    ProofError,
    UnsupportedProofError,
    decode_multikey,
    verify_proof,
)
from badges.openbadges.canonical import InProcess, in_process
from badges.openbadges.canonical_guard import Guarded
from badges.openbadges.moments import parse_moment
from badges.openbadges.multikey import multibase_decode
from badges.openbadges.proofs import data_integrity
from tests.badges.openbadges.conftest import vector_entries
from tests.support.ob3 import VALID_FROM, TestSigner, load_vector, mini_credential, sign

W3C = [entry for entry in vector_entries() if entry["file"].startswith("w3c")]
# The test key that vc-di-eddsa, appendix B, prints for its vectors.
W3C_SEED = multibase_decode("z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")[2:]


def named_key(document: dict[str, Any]) -> Any:
    return decode_multikey(document["proof"]["verificationMethod"].split("#")[1])


@pytest.mark.parametrize("entry", W3C, ids=lambda entry: entry["file"])
def test_the_vectors_of_w3c_hold_and_not_when_changed(entry: dict[str, Any]) -> None:
    document = load_vector(entry["file"])
    key = named_key(document)
    guarded = Guarded(entry["contexts"])
    assert verify_proof(document, document["proof"], key, canonicalizer=guarded) == []
    document["credentialSubject"]["alumniOf"] = "Another School"
    with pytest.raises(ProofError, match="does not match"):
        verify_proof(document, document["proof"], key, canonicalizer=guarded)


def test_our_signature_is_the_one_that_w3c_prints(shared: object) -> None:
    entry = next(item for item in W3C if item["file"] == "w3c-eddsa-rdfc-2022.json")
    document = load_vector(entry["file"])
    proof = document.pop("proof")
    private = Ed25519PrivateKey.from_private_bytes(W3C_SEED)
    created = parse_moment(proof["created"])
    assert created is not None
    signed = data_integrity.sign(
        document,
        private.sign,
        verification_method=proof["verificationMethod"],
        created=created,
        canonicalizer=InProcess(entry["contexts"]),
    )
    assert signed["proof"] == [proof]


def test_our_jcs_hash_is_the_one_that_w3c_signed(shared: object) -> None:
    document = load_vector("w3c-eddsa-jcs-2022.json")
    read = data_integrity.read_proof(document["proof"])
    signed = data_integrity.signed_data(document, read, named_key(document))
    assert signed.problems == ()
    assert Ed25519PrivateKey.from_private_bytes(W3C_SEED).sign(signed.data) == read.value


def test_an_ecdsa_signature_is_verified_on_both_curves() -> None:
    document = mini_credential()
    for curve in (ec.SECP256R1(), ec.SECP384R1()):
        key = ec.generate_private_key(curve).public_key()
        proof = {**PROOF, "cryptosuite": "ecdsa-rdfc-2019", "proofValue": "z" + "2" * 80}
        with pytest.raises(ProofError, match="length"):
            verify_proof(document, proof, key, canonicalizer=in_process())


SIGNED = sign(mini_credential())
PROOF = SIGNED["proof"][0]
KEY = TestSigner().private.public_key()


def test_what_we_sign_holds() -> None:
    assert verify_proof(SIGNED, PROOF, KEY) == []
    assert list(PROOF) == [
        "type",
        "cryptosuite",
        "created",
        "verificationMethod",
        "proofPurpose",
        "proofValue",
    ]


def test_signing_is_deterministic_and_leaves_its_input_alone() -> None:
    document = mini_credential()
    assert sign(document) == sign(document)
    assert "proof" not in document


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from _places(inner, (*path, key))
        else:
            yield (*path, key)


@settings(max_examples=80)
@given(place=st.sampled_from(list(_places(SIGNED))), suffix=st.sampled_from(["x", "1", " "]))
def test_a_changed_text_never_verifies(place: tuple[Any, ...], suffix: str) -> None:
    document = copy.deepcopy(SIGNED)
    target: Any = document
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] += suffix
    try:
        problems = verify_proof(document, document["proof"][0], KEY, canonicalizer=in_process())
    except (ProofError, CanonicalizationError):
        return
    assert problems


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"type": "Ed25519Signature2018"}, UnsupportedProofError),
        ({"cryptosuite": "bbs-2023"}, UnsupportedProofError),
        ({"cryptosuite": ["eddsa-rdfc-2022"]}, UnsupportedProofError),
        ({"previousProof": "urn:x"}, UnsupportedProofError),
        ({"proofPurpose": "authentication"}, ProofError),
        ({"created": "yesterday"}, ProofError),
        ({"expires": 7}, ProofError),
        ({"verificationMethod": None}, ProofError),
        ({"proofValue": "u" + PROOF["proofValue"][1:]}, ProofError),
        ({"proofValue": None}, ProofError),
        ({"proofValue": "z0"}, ProofError),
        ({"proofValue": "z2"}, ProofError),
        ({"cryptosuite": "ecdsa-rdfc-2019"}, ProofError),
        ({"cryptosuite": "eddsa-jcs-2022"}, ProofError),
        ({"created": "2026-05-01T08:30:01Z"}, ProofError),
    ],
)
def test_a_proof_of_another_form_is_refused(
    change: dict[str, Any], error: type[ProofError]
) -> None:
    with pytest.raises(error):
        verify_proof(SIGNED, {**PROOF, **change}, KEY)


@pytest.mark.parametrize("proof", [None, [], "proof", 7, {}])
def test_what_is_no_proof_is_refused(proof: object) -> None:
    with pytest.raises(ProofError):
        verify_proof(SIGNED, proof, KEY)


def test_a_jcs_proof_binds_the_context_it_was_made_under() -> None:
    proof = {**PROOF, "cryptosuite": "eddsa-jcs-2022", "@context": ["https://www.w3.org/ns/did/v1"]}
    with pytest.raises(ProofError, match="context"):
        verify_proof(SIGNED, proof, KEY)


def test_the_older_ed25519_signature_is_verified() -> None:
    document = mini_credential()
    document["@context"].append("https://w3id.org/security/suites/ed25519-2020/v1")
    options = {name: PROOF[name] for name in ("created", "verificationMethod", "proofPurpose")}
    options["type"] = "Ed25519Signature2020"
    draft = data_integrity.read_proof({**options, "proofValue": PROOF["proofValue"]})
    signed = data_integrity.signed_data(document, draft, KEY)
    assert signed.problems == ()
    signature = data_integrity.multibase_encode(TestSigner().sign(signed.data))
    assert verify_proof(document, {**options, "proofValue": signature}, KEY) == []


def test_a_document_that_safe_mode_fails_is_not_signed() -> None:
    with pytest.raises(InvalidCredentialError, match="colour"):
        data_integrity.sign(
            {**mini_credential(), "colour": "green"},
            TestSigner(),
            verification_method="urn:key",
            created=VALID_FROM,
        )


def test_a_signed_document_is_not_signed_again_and_a_bad_signer_is_noticed() -> None:
    with pytest.raises(ProofError, match="already"):
        data_integrity.sign(SIGNED, TestSigner(), verification_method="urn:key", created=VALID_FROM)
    with pytest.raises(ProofError, match="signer"):
        data_integrity.sign(
            mini_credential(), lambda _data: b"", verification_method="urn:key", created=VALID_FROM
        )
