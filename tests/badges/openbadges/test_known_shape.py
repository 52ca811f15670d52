"""Badges of our own shape, signed directly: byte for byte as the full algorithm signs them."""

from __future__ import annotations

import copy
import json
import os
import threading
from typing import Any

import jwt
import pyoxigraph as ox
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from badges.openbadges import (
    CanonicalizationError,
    Evidence,
    InvalidCredentialError,
    OfflineResolver,
    Outcome,
    bakeable_json,
    check_shape,
    issue,
    issue_jwt,
    safe_mode_problems,
    shape_tables,
    verify,
)
from badges.openbadges.canonical import in_process
from badges.openbadges.documents import MAX_DOCUMENT_BYTES
from badges.openbadges.model import timestamp
from badges.openbadges.proofs import data_integrity, known_lines, known_shape, known_terms, vc_jwt
from tests.badges.openbadges.shapes import LEFT_OUT, NUMBERS, damaged, documents
from tests.badges.openbadges.strategies import UNSHRUNK, alike, credentials
from tests.badges.openbadges.test_canonical import by_pyld
from tests.support.ob3 import (
    ISSUER,
    NOW,
    STATUS_LIST,
    VALID_FROM,
    TestSigner,
    full_credential,
    full_credential_model,
    mini_credential,
    rsa_key,
    sign,
)

TIMES = 10 if os.environ.get("MILEPOST_SOAK") else 1


def known_nquads(document: dict[str, Any]) -> str:
    """The canonical form by the known shape, which the document must have."""
    known = known_shape.read(document)
    assert known is not None
    return known.nquads()


@pytest.mark.parametrize("_quarter", range(4))
@settings(max_examples=500 * TIMES, phases=UNSHRUNK)
@given(document=documents)
def test_every_document_of_ours_has_the_canonical_form_that_pyld_gives(
    _quarter: int, document: dict[str, Any]
) -> None:
    readable = alike(document)
    assert known_nquads(readable) == by_pyld(readable)
    if readable != document:
        # PyLD writes some controls as URDNA2015 did; RDFC-1.0 escapes them.
        assert known_nquads(document) == in_process().canonicalize([document])[0].nquads


@settings(max_examples=200 * TIMES)
@given(document=documents)
def test_what_is_known_has_its_shape_and_passes_safe_mode(document: dict[str, Any]) -> None:
    assert known_shape.read(document) is not None
    assert check_shape(document, strict=True) == []
    assert safe_mode_problems(document) == []


@settings(max_examples=600 * TIMES, phases=UNSHRUNK)
@given(document=damaged())
def test_what_is_damaged_is_known_only_where_the_full_algorithm_agrees(
    document: dict[str, Any],
) -> None:
    known = known_shape.read(document)
    if known is None:
        return
    assert check_shape(document, strict=True) == []
    full = in_process().canonicalize([document])[0]
    assert (known.nquads(), ()) == (full.nquads, full.problems)


@settings(max_examples=60 * TIMES)
@given(credential=credentials())
def test_every_credential_of_the_model_is_known(credential: Any) -> None:
    document = credential.to_document()
    assert known_nquads(document) == in_process().canonicalize([document])[0].nquads


@settings(max_examples=30 * TIMES)
@given(document=documents)
def test_both_ways_sign_the_same_and_our_verifier_agrees(document: dict[str, Any]) -> None:
    signer = TestSigner()
    signed = sign(document, signer)
    assert signed == data_integrity.sign(
        document, signer, verification_method=signer.verification_method, created=VALID_FROM
    )
    assert (
        data_integrity.verify_proof(signed, signed["proof"][0], signer.private.public_key()) == []
    )


def test_a_badge_signed_directly_is_valid_for_strangers() -> None:
    document = full_credential()
    del document["credentialStatus"]
    assert known_shape.read(document) is not None
    resolver = OfflineResolver({ISSUER: TestSigner().controller()})
    report = verify(bakeable_json(sign(document)), resolver=resolver, now=NOW)
    assert report.outcome is Outcome.VALID


def test_every_member_of_the_shape_tables_is_known_but_those_signed_on_their_own() -> None:
    seen: dict[str, known_terms.Class] = {}
    waiting = [known_terms.achievement_credential()]
    while waiting:
        known = waiting.pop()
        if known.name not in seen:
            seen[known.name] = known
            waiting += [each.target for each in known.members.values() if each.target]
    for name, known in seen.items():
        shape = shape_tables.CLASSES.get(name)
        if shape is not None:
            wanted = {key for key, each in shape.members.items() if each.kind not in LEFT_OUT}
            wanted |= {"digestMultibase"} if name == "Evidence" else set()
            assert known.members.keys() | {"id"} == wanted | {"id"}


def test_the_proof_options_are_those_of_the_full_algorithm() -> None:
    method, created = TestSigner().verification_method, timestamp(VALID_FROM)
    options = {
        "@context": full_credential()["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": created,
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
    }
    for urls in (options["@context"], mini_credential()["@context"]):
        full = in_process().canonicalize([{**options, "@context": urls}])[0]
        assert known_shape.proof_options(method, created) == full.nquads
    assert known_shape.proof_options("#key", created) is None


@pytest.mark.parametrize("address", ["a b", "#z6Mk é\u2028"])
def test_a_key_without_a_plain_address_takes_the_long_way(address: str) -> None:
    method = f"{ISSUER}#{address}"
    with pytest.raises((InvalidCredentialError, CanonicalizationError)):
        issue(full_credential(), TestSigner(), verification_method=method, created=VALID_FROM)


def evidence(*names: str) -> dict[str, Any]:
    document = full_credential()
    document["evidence"] = [Evidence(name=name).to_dict() for name in names]
    return document


def test_twins_are_told_apart_by_the_rest_of_the_algorithm() -> None:
    document = evidence("same", "other", "same")
    results = document["credentialSubject"]["result"]
    results.append(copy.deepcopy(results[0]))
    described = document["credentialSubject"]["achievement"]["resultDescription"]
    for each in described:
        each["allowedValue"] = ["a", "b", "a"]
    full = in_process().canonicalize([document])[0].nquads
    assert known_nquads(document) == full == by_pyld(document)


def test_repeated_lists_of_one_node_are_as_many_as_the_full_algorithm_makes_them() -> None:
    document = full_credential()
    described = document["credentialSubject"]["achievement"]["resultDescription"]
    described[0]["allowedValue"] = ["a", "b"]
    described.append(copy.deepcopy(described[0]))
    known = known_shape.read(document)
    assert known is None or known.nquads() == by_pyld(document)


def test_all_of_unicode_is_written_as_pyoxigraph_writes_it() -> None:
    everything = "".join(
        chr(code)
        for code in range(0x110000)
        if not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF)
    )
    assert f'{known_lines.text_of(everything)}"' == str(ox.Literal(everything))


@pytest.mark.parametrize("text", ["\ud800", "x\udfff", "\ufffe", "\uffff"])
def test_texts_without_one_written_form_are_not_known(text: str) -> None:
    assert known_shape.read({**mini_credential(), "name": text}) is None


def test_half_a_surrogate_pair_is_never_signed() -> None:
    with pytest.raises((CanonicalizationError, UnicodeError)):
        sign({**mini_credential(), "name": "\ud83d"})


@settings(max_examples=100 * TIMES)
@given(iri=st.from_regex(known_lines.PLAIN_IRI, fullmatch=True))
def test_every_plain_identifier_is_left_as_it_is(iri: str) -> None:
    document = mini_credential()
    document["credentialSubject"]["achievement"]["id"] = iri
    assert check_shape(document, strict=True) == []
    full = in_process().canonicalize([document])[0]
    assert (known_nquads(document), ()) == (full.nquads, full.problems)


@settings(max_examples=300 * TIMES)
@given(number=st.sampled_from(NUMBERS) | st.floats() | st.integers())
def test_numbers_are_written_as_pyld_writes_them(number: float) -> None:
    document = mini_credential()
    document["credentialSubject"]["creditsEarned"] = number
    document["credentialSubject"]["achievement"]["creditsAvailable"] = number
    known = known_shape.read(document)
    if known is not None:
        assert known.nquads() == by_pyld(document)
    else:
        assert not abs(number) < 1e15


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "green"},
        {"name": None},
        {"name": {"@value": "x", "@language": "en"}},
        {"name": ["x"]},
        {"evidence": []},
        {"issuer": ISSUER},
        {"type": ["OpenBadgeCredential", "VerifiableCredential"]},
        {"type": ["VerifiableCredential", "AchievementCredential"]},
        {"id": "badges/1"},
        {"id": "_:b"},
        {"validFrom": "2026-05-01"},
        {"@context": ["https://www.w3.org/ns/credentials/v2"]},
        {"proof": []},
        {"endorsementJwt": ["eyJ.eyJ.x"]},
    ],
)
def test_anything_else_is_not_known(change: dict[str, Any]) -> None:
    assert known_shape.read({**mini_credential(), **change}) is None


def test_extension_types_need_their_context() -> None:
    document = full_credential()
    document["@context"] = document["@context"][:2]
    assert known_shape.read(document) is None
    with pytest.raises(InvalidCredentialError):
        sign(document)


@pytest.mark.parametrize(
    "change",
    [
        {"resultDescription": "urn:uuid:6f1d9e52-0000-4000-8000-000000000009"},
        {"achievedLevel": "urn:uuid:6f1d9e52-0000-4000-8000-000000000002#level-2"},
        {"achievedLevel": "urn:uuid:6f1d9e52-0000-4000-8000-000000000001#level-9"},
    ],
)
def test_results_that_are_not_the_achievements_are_not_known(change: dict[str, Any]) -> None:
    sign(full_credential())  # its achievement is kept ready
    document = full_credential()
    document["credentialSubject"]["result"][0].update(change)
    assert known_shape.read(document) is None
    with pytest.raises(InvalidCredentialError):
        sign(document)


def test_a_faulty_achievement_is_never_kept() -> None:
    document = full_credential()
    document["credentialSubject"]["achievement"]["resultDescription"][0]["requiredLevel"] = "urn:x"
    for _ in range(2):
        assert known_shape.read(document) is None


def test_what_is_kept_is_told_apart_by_every_detail() -> None:
    document = full_credential()
    forms = set()
    for credits_available in (1, 2, 1.5, 2.5):
        document["credentialSubject"]["achievement"]["creditsAvailable"] = credits_available
        forms.add(known_nquads(document))
        assert known_nquads(document) == in_process().canonicalize([document])[0].nquads
    assert len(forms) == 4
    document["credentialSubject"]["achievement"]["creditsAvailable"] = True
    assert known_shape.read(document) is None


def test_changing_a_document_after_reading_changes_nothing_kept() -> None:
    document = full_credential()
    before = known_nquads(document)
    document["credentialSubject"]["achievement"]["tag"].append("more")
    document["issuer"]["name"] = "Another"
    assert known_nquads(document) == in_process().canonicalize([document])[0].nquads
    assert known_nquads(full_credential()) == before


def test_no_more_is_kept_than_the_bound() -> None:
    known_shape.SHELF.clear()
    for number in range(known_shape.MAX_KEPT + 20):
        document = mini_credential()
        document["issuer"]["name"] = f"Issuer {number}"
        known_nquads(document)
    assert len(known_shape.SHELF) == known_shape.MAX_KEPT
    long = mini_credential()
    long["issuer"]["description"] = "x" * 100_000
    known_shape.SHELF.clear()
    assert known_nquads(long) == in_process().canonicalize([long])[0].nquads
    assert len(known_shape.SHELF) == 1


def test_threads_may_sign_while_parts_come_and_go() -> None:
    faults: list[BaseException] = []

    def work(offset: int) -> None:
        try:
            for number in range(150):
                document = mini_credential()
                document["issuer"]["name"] = f"Issuer {offset}.{number}"
                assert f"Issuer {offset}.{number}" in known_nquads(document)
        except BaseException as error:
            faults.append(error)

    known_shape.SHELF.clear()
    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


@settings(max_examples=60 * TIMES)
@given(document=documents)
def test_a_token_of_a_known_badge_says_the_same(document: dict[str, Any]) -> None:
    assume(len(json.dumps(document)) < MAX_DOCUMENT_BYTES // 2)  # nobody reads a larger one
    token = vc_jwt.decode(issue_jwt(document, rsa_key(), key_id="https://example.org/keys/1"))
    assert token.payload == json.loads(json.dumps(vc_jwt.claims(document)))
    assert token.header == {"alg": "RS256", "kid": "https://example.org/keys/1", "typ": "JWT"}
    assert vc_jwt.verify(token, rsa_key().public_key()) == []


def test_a_token_of_anything_else_is_the_one_that_pyjwt_makes() -> None:
    document = mini_credential()
    document["credentialSubject"]["achievement"]["criteria"]["name"] = "Named"
    assert known_shape.read(document) is None
    assert issue_jwt(document, rsa_key(), key_id="urn:k") == jwt.encode(
        vc_jwt.claims(document), rsa_key(), algorithm="RS256", headers={"kid": "urn:k"}
    )


def test_the_benchmarks_badge_is_known_and_bound_to_its_list() -> None:
    known = known_shape.read(full_credential_model().to_document())
    assert known is not None
    assert f"<{STATUS_LIST}>" in known.nquads()
