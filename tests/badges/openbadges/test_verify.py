"""Verification step by step, as a stranger's badge meets it."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from badges.openbadges import (
    BitstringStatusListEntry,
    EndorsementCredential,
    EndorsementSubject,
    IdentityObject,
    OfflineResolver,
    Outcome,
    Profile,
    Report,
    ResolutionError,
    StatusList,
    Step,
    StepStatus,
    award_of,
    bake_png,
    bake_svg,
    controller_document,
    did_key,
    issue,
    issue_jwt,
    public_jwk,
    status_list_document,
    verify,
)
from badges.openbadges.multikey import multibase_encode
from badges.openbadges.proofs import data_integrity, vc_jwt
from tests.badges.openbadges.conftest import vector_entries
from tests.support.ob3 import (
    ISSUER,
    NOW,
    STATUS_LIST,
    SVG,
    VALID_FROM,
    VECTORS,
    TestSigner,
    full_credential,
    mini_credential,
    png,
    rsa_key,
    sign,
)

SIGNER = TestSigner()
KID = "https://badges.example.org/keys/1"
VECTOR_ENTRIES = [entry for entry in vector_entries() if not entry["file"].startswith("w3c")]
WHY = {
    "the JWT has no sub": Step.PROOF,
    "proof": Step.PROOF,
    "no proof": Step.PROOF,
    "time: expired": Step.TIME,
    "time: not yet valid": Step.TIME,
    "context": Step.SHAPE,
    "shape": Step.SHAPE,
}


class Web:
    """A resolver over a dictionary, which counts what it was asked."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.documents = documents
        self.asked: list[str] = []

    def fetch(self, url: str, accept: str) -> tuple[bytes, str]:
        self.asked.append(url)
        if url not in self.documents:
            raise ResolutionError(f"{url} does not answer.", status=404)
        document = self.documents[url]
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return body, "application/json"


DID_URL = "https://badges.example.org/issuers/northside/did.json"


def status_list(revoked: tuple[int, ...] = (), **options: Any) -> dict[str, Any]:
    bits = StatusList()
    bits.set_all(revoked)
    arguments = {"url": STATUS_LIST, "issuer": ISSUER, "valid_from": VALID_FROM, **options}
    return sign(status_list_document(bits, **arguments))


def web(**changes: Any) -> Web:
    return Web({DID_URL: SIGNER.controller(), STATUS_LIST: status_list(), **changes})


def check(badge: Any, resolver: Any = None, now: datetime = NOW, **options: Any) -> Report:
    data = json.dumps(badge) if isinstance(badge, dict) else badge
    report = verify(data, resolver=resolver or web(), now=now, **options)
    json.dumps(report.to_dict())
    return report


def problems(report: Report) -> dict[str, str]:
    return {
        result.step.value: result.message.code.split(".")[1]
        for result in report.steps
        if result.status is not StepStatus.PASSED
    }


def test_our_badge_passes_every_step_in_order() -> None:
    report = check(sign(full_credential()))
    assert report.valid
    assert report.outcome is Outcome.VALID
    assert [result.step.value for result in report.steps] == [
        "read",
        "shape",
        "safe_mode",
        "issuer",
        "proof",
        "status",
        "time",
    ]
    assert (report.version, report.format) == (3, "json")
    assert report.credential == sign(full_credential())


@pytest.mark.parametrize("entry", VECTOR_ENTRIES, ids=lambda entry: entry["file"])
def test_the_vectors_are_judged_as_their_index_says(entry: dict[str, Any]) -> None:
    report = verify(
        (VECTORS / entry["file"]).read_bytes(),
        resolver=OfflineResolver(),
        now=NOW,
        controllers=entry.get("controllers"),
    )
    if entry["expect"] == "good":
        assert report.valid, report.to_dict()
    elif entry["expect"] == "bad":
        assert report.outcome is Outcome.INVALID
        result = report.step(WHY[entry["why"]])
        assert result is not None
        assert result.status is StepStatus.FAILED
    else:
        shape = report.step(Step.SHAPE)
        assert shape is not None
        assert shape.status is StepStatus.PASSED


def test_all_four_forms_of_a_badge_are_read() -> None:
    signed = sign(full_credential())
    token = issue_jwt(full_credential(), rsa_key(), key_id=KID)
    resolver = web(**{KID: public_jwk(rsa_key().public_key())})
    for badge in (signed, token):
        text = json.dumps(badge) if isinstance(badge, dict) else badge
        for data in (text, text.encode(), bake_png(png(), badge), bake_svg(SVG, badge)):
            report = check(data, resolver)
            assert report.valid, problems(report)
            assert report.credential == (signed if isinstance(badge, dict) else full_credential())


@pytest.mark.parametrize(
    "data",
    [b"", "", b"\xff\xfe", b"[]", "{", png(), SVG, b"PK\x03\x04", "eyJ9.e.e", "7", b"\0" * 2**23],
)
def test_what_is_no_badge_is_a_report(data: bytes | str) -> None:
    report = check(data)
    assert problems(report) == {"read": "unreadable"}
    assert report.credential is None


def test_the_moment_of_verification_has_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        verify("{}", resolver=web(), now=datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused


# --- who signed -----------------------------------------------------------------------------


def test_a_key_of_somebody_else_is_not_the_issuers() -> None:
    document = mini_credential()
    mallory = TestSigner("mallory", "did:web:mallory.example.org")
    document["issuer"]["id"] = mallory.issuer
    signed = sign(document, mallory)
    signed["issuer"]["id"] = ISSUER
    report = check(
        signed, web(**{"https://mallory.example.org/.well-known/did.json": mallory.controller()})
    )
    assert problems(report) == {"issuer": "wrong-key", "proof": "broken"}


def test_a_key_that_the_issuer_does_not_list_fails_though_the_text_is_unchanged() -> None:
    stranger = TestSigner("stranger", ISSUER)
    report = check(sign(mini_credential(), stranger))
    assert problems(report) == {"issuer": "wrong-key"}


def test_without_the_issuer_the_signature_is_checked_and_the_rest_left_open() -> None:
    report = check(sign(mini_credential()), OfflineResolver())
    assert problems(report) == {"issuer": "unconfirmed"}
    assert report.outcome is Outcome.UNDECIDED
    assert not report.valid


def test_controllers_may_be_given_instead_of_fetched() -> None:
    report = check(
        sign(mini_credential()), OfflineResolver(), controllers={ISSUER: SIGNER.controller()}
    )
    assert report.valid
    assert check(sign(mini_credential()), OfflineResolver({ISSUER: SIGNER.controller()})).valid


def _controller(**changes: Any) -> dict[str, Any]:
    document = SIGNER.controller()
    document["verificationMethod"][0].update(changes)
    return document


@pytest.mark.parametrize(
    "document",
    [
        _controller(controller="did:web:other.example.org"),
        _controller(revoked="2026-01-01T00:00:00Z"),
        _controller(expires="2026-01-01T00:00:00Z"),
        _controller(expires="never"),
        {**SIGNER.controller(), "assertionMethod": []},
        {**SIGNER.controller(), "id": "did:web:other.example.org"},
        {**SIGNER.controller(), "verificationMethod": []},
        {"id": ISSUER},
        {},
    ],
)
def test_a_controller_document_that_does_not_stand_by_the_key(document: dict[str, Any]) -> None:
    report = check(sign(mini_credential()), web(**{DID_URL: document}))
    assert problems(report) == {"issuer": "wrong-key"}


@pytest.mark.parametrize(
    "change",
    [
        {"id": f"#{SIGNER.multibase}"},
        {"revoked": "2030-01-01T00:00:00Z"},
    ],
)
def test_relative_addresses_and_later_revocations_count(change: dict[str, Any]) -> None:
    document = _controller(**change)
    document["assertionMethod"] = [document["verificationMethod"][0]["id"]]
    assert check(sign(mini_credential()), web(**{DID_URL: document})).valid


def test_a_did_key_needs_nobody() -> None:
    issuer = did_key(SIGNER.private.public_key())
    signer = TestSigner(issuer=issuer)
    document = mini_credential()
    document["issuer"]["id"] = issuer
    assert check(sign(document, signer), OfflineResolver()).valid


def test_an_issuer_at_a_plain_address_is_asked_there() -> None:
    issuer = "https://badges.example.org/issuers/1"
    signer = TestSigner(issuer=issuer)
    document = {**mini_credential(), "issuer": issuer}
    assert check(sign(document, signer), Web({issuer: signer.controller()})).valid


def test_a_key_with_a_page_of_its_own_is_accepted_from_the_issuers_host_alone() -> None:
    for host, expected in (
        ("badges.example.org", {}),
        ("evil.example.org", {"issuer": "wrong-key"}),
    ):
        address = f"https://{host}/keys/a"
        method = {**SIGNER.controller()["verificationMethod"][0], "id": address}
        signed = sign(mini_credential())
        bare = {name: value for name, value in signed.items() if name != "proof"}
        stranger = TestSigner("page", ISSUER)
        method["publicKeyMultibase"] = stranger.multibase
        badge = data_integrity.sign(bare, stranger, verification_method=address, created=VALID_FROM)
        found = problems(check(badge, web(**{address: method})))
        assert {name: code for name, code in found.items() if name == "issuer"} == expected


# --- VC-JWT ---------------------------------------------------------------------------------


def test_a_token_with_its_own_key_proves_nothing_until_the_issuer_lists_it() -> None:
    jwk = public_jwk(rsa_key().public_key())
    token = issue_jwt(mini_credential(), rsa_key(), public_jwk=jwk)
    assert problems(check(token)) == {"issuer": "wrong-key"}
    assert problems(check(token, OfflineResolver())) == {"issuer": "unconfirmed"}
    listed = controller_document(ISSUER, json_web_keys=[("rsa-1", rsa_key().public_key())])
    assert check(token, web(**{DID_URL: listed})).valid
    by_did = issue_jwt(mini_credential(), rsa_key(), key_id=f"{ISSUER}#rsa-1")
    assert check(by_did, web(**{DID_URL: listed})).valid


@pytest.mark.parametrize(
    ("kid", "document", "expected"),
    [
        (KID, {"keys": [{**public_jwk(rsa_key().public_key()), "kid": KID}]}, {}),
        (KID, {"kty": "RSA"}, {"issuer": "wrong-key", "proof": "no-key"}),
        (KID, {}, {"issuer": "wrong-key", "proof": "no-key"}),
        (KID, b"<html>", {"issuer": "unconfirmed", "proof": "no-key"}),
        (
            "https://evil.example.org/k",
            public_jwk(rsa_key().public_key()),
            {"issuer": "wrong-key"},
        ),
        ("file:///etc/passwd", {}, {"issuer": "unconfirmed", "proof": "no-key"}),
    ],
)
def test_the_key_of_a_token_is_fetched_from_the_issuers_host(
    kid: str, document: Any, expected: dict[str, str]
) -> None:
    token = issue_jwt(mini_credential(), rsa_key(), key_id=kid)
    assert problems(check(token, web(**{kid: document}))) == expected


def test_a_wrapped_proof_is_verified_too() -> None:
    resolver = web(**{KID: public_jwk(rsa_key().public_key())})
    signed = sign(mini_credential())
    assert check(vc_jwt.sign(signed, rsa_key(), key_id=KID), resolver).valid
    signed["proof"][0]["created"] = "2026-05-01T08:30:01Z"
    token = vc_jwt.sign(signed, rsa_key(), key_id=KID)
    assert problems(check(token, resolver)) == {"proof": "broken"}


# --- proof ----------------------------------------------------------------------------------


def _changed(value: Any, draw: Any) -> None:
    """Change one place of a document."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = draw(st.sampled_from(keys))
        inner = value[key]
        if isinstance(inner, dict | list) and inner and draw(st.integers(0, 9)):
            value = inner
            continue
        junk = st.sampled_from([None, 7, "urn:x", "x", [], {}, ["x"], {"id": "urn:x"}, True])
        value[key] = draw(junk.filter(lambda item, old=inner: item != old))
        return


CHANGEABLE = sign(full_credential())


@settings(max_examples=80)
@given(st.data())
def test_a_changed_badge_is_never_valid(data: st.DataObject) -> None:
    document = copy.deepcopy(CHANGEABLE)
    _changed(document, data.draw)
    assert not check(document).valid


def test_a_proof_of_an_unknown_kind_is_left_open_unless_another_holds() -> None:
    unknown = {"type": "DataIntegrityProof", "cryptosuite": "bbs-2023"}
    signed = sign(mini_credential())
    alone = {**signed, "proof": unknown}
    assert problems(check(alone)) == {"issuer": "no-key", "proof": "unknown"}
    both = {**signed, "proof": [unknown, *signed["proof"]]}
    assert check(both).valid
    crowd = {**signed, "proof": signed["proof"] * 6}
    assert problems(check(crowd))["proof"] == "too-many"


def test_one_proof_that_fails_fails_the_badge() -> None:
    signed = sign(mini_credential())
    bad = {**signed["proof"][0], "created": "2026-05-01T08:30:01Z"}
    assert problems(check({**signed, "proof": [*signed["proof"], bad]})) == {"proof": "broken"}


def test_an_expired_proof_fails() -> None:
    document = mini_credential()
    proof = {**sign(document)["proof"][0], "expires": "2026-05-02T00:00:00Z"}
    read = data_integrity.read_proof(proof)
    signed = data_integrity.signed_data(document, read, SIGNER.private.public_key())
    proof["proofValue"] = multibase_encode(SIGNER.sign(signed.data))
    assert problems(check({**document, "proof": [proof]})) == {"proof": "expired"}


def test_a_hidden_status_entry_does_not_pass() -> None:
    signed = sign(full_credential())
    iri = "https://www.w3.org/2018/credentials#credentialStatus"
    signed[iri] = signed.pop("credentialStatus")
    assert "safe_mode" in problems(check(signed))


# --- status ---------------------------------------------------------------------------------


def test_a_revoked_badge_fails_and_its_neighbours_do_not() -> None:
    resolver = web(**{STATUS_LIST: status_list((1,))})
    assert problems(check(sign(full_credential(1)), resolver)) == {"status": "revocation"}
    assert check(sign(full_credential(2)), resolver).valid


def test_a_suspended_badge_says_so() -> None:
    document = full_credential()
    document["credentialStatus"]["statusPurpose"] = "suspension"
    resolver = web(**{STATUS_LIST: status_list((1,), purpose="suspension")})
    assert problems(check(sign(document), resolver)) == {"status": "suspension"}


def test_a_list_that_cannot_be_had_leaves_the_status_open() -> None:
    report = check(sign(full_credential()), Web({DID_URL: SIGNER.controller()}))
    assert problems(report) == {"status": "unreachable"}
    assert report.outcome is Outcome.UNDECIDED


def _forged_list() -> dict[str, Any]:
    forged = status_list((1,))
    forged["credentialSubject"]["encodedList"] = StatusList().encode()
    return forged


@pytest.mark.parametrize(
    "listed",
    [
        b"",
        b"[]",
        b"<html>",
        b"\xff",
        {},
        {"id": STATUS_LIST},
        _forged_list(),
        {name: value for name, value in status_list().items() if name != "proof"},
        status_list(purpose="suspension"),
        status_list(valid_until=VALID_FROM + timedelta(hours=1)),
        status_list(valid_from=NOW + timedelta(days=1)),
        status_list(url="https://badges.example.org/status/2"),
        sign(
            {
                **status_list_document(
                    StatusList(), url=STATUS_LIST, issuer=ISSUER, valid_from=VALID_FROM
                ),
                "credentialSubject": {
                    "id": f"{STATUS_LIST}#list",
                    "type": "BitstringStatusList",
                    "statusPurpose": "revocation",
                    "encodedList": "uAAAA",
                },
            }
        ),
    ],
)
def test_a_list_that_cannot_be_trusted_fails(listed: Any) -> None:
    assert problems(check(sign(full_credential()), web(**{STATUS_LIST: listed}))) == {
        "status": "list"
    }


def test_a_list_of_another_issuer_fails() -> None:
    other = TestSigner("other", "did:web:other.example.org")
    listed = sign(
        status_list_document(
            StatusList(), url=STATUS_LIST, issuer=other.issuer, valid_from=VALID_FROM
        ),
        other,
    )
    assert problems(check(sign(full_credential()), web(**{STATUS_LIST: listed}))) == {
        "status": "list"
    }


def test_a_list_may_be_a_token() -> None:
    document = status_list_document(
        StatusList(), url=STATUS_LIST, issuer=ISSUER, valid_from=VALID_FROM
    )
    key = {KID: public_jwk(rsa_key().public_key())}
    token = vc_jwt.sign(document, rsa_key(), key_id=KID).encode()
    assert check(sign(full_credential()), web(**{STATUS_LIST: token}, **key)).valid


def test_a_status_kept_in_an_unknown_way_is_left_open() -> None:
    document = mini_credential()
    document["@context"].append("https://purl.imsglobal.org/spec/ob/v3p0/extensions.json")
    document["credentialStatus"] = {
        "id": "https://badges.example.org/revoked",
        "type": "1EdTechCredentialRefresh",
    }
    assert problems(check(sign(document))) == {"status": "unknown"}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"revoked": True, "revocationReason": "issued twice"}, {"status": "revoked-because"}),
        ({}, {"status": "revocation"}),
        ({"revoked": False}, {}),
    ],
)
def test_the_older_revocation_list_is_read(entry: dict[str, Any], expected: dict[str, str]) -> None:
    address = "https://badges.example.org/revoked"
    document = mini_credential()
    document["@context"].append("https://purl.imsglobal.org/spec/ob/v3p0/extensions.json")
    document["credentialStatus"] = {"id": address, "type": "1EdTechRevocationList"}
    listed = {
        "id": address,
        "issuer": ISSUER,
        "revokedCredential": [{"id": document["id"], **entry}],
    }
    assert problems(check(sign(document), web(**{address: listed}))) == expected
    foreign = {**listed, "issuer": "did:web:other.example.org"}
    assert problems(check(sign(document), web(**{address: foreign}))) == {"status": "list"}


# --- time, recipient, endorsements ----------------------------------------------------------


def test_a_badge_counts_from_its_first_second_to_its_last() -> None:
    document = {**mini_credential(), "validUntil": "2026-06-01T00:00:00Z"}
    signed = sign(document)
    end = VALID_FROM.replace(month=6, day=1, hour=0, minute=0)
    assert problems(check(signed, now=VALID_FROM - timedelta(seconds=1))) == {"time": "early"}
    assert check(signed, now=VALID_FROM).valid
    assert check(signed, now=end - timedelta(seconds=1)).valid
    assert problems(check(signed, now=end)) == {"time": "expired"}


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("ada@example.org", {}),
        (" Ada@Example.org ", {}),
        ("bob@example.org", {"recipient": "other"}),
        ("urn:uuid:00000000-0000-4000-8000-000000000001", {}),
    ],
)
def test_the_earner_is_compared(recipient: str, expected: dict[str, str]) -> None:
    report = check(sign(full_credential()), recipient=recipient)
    assert problems(report) == expected
    assert report.step(Step.RECIPIENT) is not None


def test_an_earner_who_is_not_named_leaves_the_question_open() -> None:
    report = check(sign(mini_credential()), recipient="ada@example.org")
    assert problems(report) == {"recipient": "unnamed"}


def test_an_earner_in_the_clear_or_by_md5_is_compared() -> None:
    for entry in (
        IdentityObject(False, "Ada@example.org", "emailAddress"),
        IdentityObject(True, "md5$" + "0" * 32, "emailAddress", "s"),
    ):
        document = mini_credential()
        document["credentialSubject"]["identifier"] = [entry.to_dict()]
        found = problems(check(sign(document), recipient="ada@example.org"))
        assert found == ({} if not entry.hashed else {"recipient": "other"})


def endorsement(about: str, **changes: Any) -> dict[str, Any]:
    agency = TestSigner("agency", "did:web:agency.example.org")
    model = EndorsementCredential(
        id="urn:uuid:6f1d9e52-0000-4000-8000-000000000099",
        name="In good standing",
        issuer=Profile(id=agency.issuer, name="Agency"),
        valid_from=VALID_FROM,
        credential_subject=EndorsementSubject(id=about, endorsement_comment="We looked closely."),
        **changes,
    )
    return issue(model, agency, verification_method=agency.verification_method, created=VALID_FROM)


AGENCY = {
    "https://agency.example.org/.well-known/did.json": TestSigner(
        "agency", "did:web:agency.example.org"
    ).controller()
}


def endorsed(item: Any, name: str = "endorsement") -> dict[str, Any]:
    document = mini_credential()
    document["credentialSubject"]["achievement"][name] = [item]
    return document


def test_an_endorsement_is_verified_on_its_own() -> None:
    achievement = mini_credential()["credentialSubject"]["achievement"]["id"]
    good = sign(endorsed(endorsement(achievement)))
    report = check(good, web(**AGENCY))
    assert report.valid
    step = report.step(Step.ENDORSEMENTS)
    assert step is not None
    assert step.message.text == "Every endorsement in the badge holds: 1, expired: 0."
    # Nobody to ask about the endorser: the badge itself is no less certain.
    unknown = check(good)
    assert problems(unknown) == {"endorsements": "unknown"}
    assert unknown.valid


def test_an_expired_endorsement_does_not_fail_the_badge() -> None:
    achievement = mini_credential()["credentialSubject"]["achievement"]["id"]
    item = endorsement(achievement, valid_until=VALID_FROM + timedelta(hours=1))
    report = check(sign(endorsed(item)), web(**AGENCY))
    assert report.valid
    step = report.step(Step.ENDORSEMENTS)
    assert step is not None
    assert step.message.params["expired"] == 1


def test_a_withdrawn_endorsement_does_not_fail_the_badge() -> None:
    achievement = mini_credential()["credentialSubject"]["achievement"]["id"]
    agency = TestSigner("agency", "did:web:agency.example.org")
    address = "https://agency.example.org/status"
    bits = StatusList()
    bits.set_all([7])
    listed = status_list_document(bits, url=address, issuer=agency.issuer, valid_from=VALID_FROM)
    entry = BitstringStatusListEntry(f"{address}#7", address, "7")
    item = endorsement(achievement, credential_status=entry)
    report = check(sign(endorsed(item)), web(**AGENCY, **{address: sign(listed, agency)}))
    assert report.valid
    step = report.step(Step.ENDORSEMENTS)
    assert step is not None
    assert (step.message.code, step.message.params["withdrawn"]) == ("endorsements.withdrawn", 1)
    assert report.endorsements[0].message.code == "endorsements.withdrawn"


def test_an_endorsement_of_the_award_is_one_of_the_badge_it_stands_in() -> None:
    document = mini_credential()
    document["endorsement"] = [endorsement(award_of(document["id"]))]
    assert check(sign(document), web(**AGENCY)).valid
    document["endorsement"] = [endorsement(award_of("https://example.org/another"))]
    assert problems(check(sign(document), web(**AGENCY))) == {"endorsements": "broken"}


def test_a_forged_or_misplaced_endorsement_fails() -> None:
    achievement = mini_credential()["credentialSubject"]["achievement"]["id"]
    forged = endorsement(achievement)
    forged["credentialSubject"]["endorsementComment"] = "Excellent."
    assert problems(check(sign(endorsed(forged)), web(**AGENCY))) == {"endorsements": "broken"}
    elsewhere = endorsement("https://example.org/another")
    assert problems(check(sign(endorsed(elsewhere)), web(**AGENCY))) == {"endorsements": "broken"}


def test_an_endorsement_as_a_token_is_verified() -> None:
    achievement = mini_credential()["credentialSubject"]["achievement"]["id"]
    plain = {name: value for name, value in endorsement(achievement).items() if name != "proof"}
    address = "https://agency.example.org/keys/1"
    token = vc_jwt.sign(plain, rsa_key(), key_id=address)
    badge = issue_jwt(endorsed(token, "endorsementJwt"), rsa_key(), key_id=KID)
    keys = {url: public_jwk(rsa_key().public_key()) for url in (KID, address)}
    assert check(badge, web(**AGENCY, **keys)).valid
    bad = issue_jwt(endorsed(token[:-8] + "AAAAAAAA", "endorsementJwt"), rsa_key(), key_id=KID)
    assert problems(check(bad, web(**AGENCY, **keys))) == {"endorsements": "broken"}


def test_a_crowd_of_endorsements_is_not_examined() -> None:
    achievement = mini_credential()["credentialSubject"]["achievement"]["id"]
    document = endorsed(endorsement(achievement))
    item = document["credentialSubject"]["achievement"]["endorsement"][0]
    document["credentialSubject"]["achievement"]["endorsement"] = [
        {**item, "id": f"urn:x:{number}"} for number in range(11)
    ]
    token = vc_jwt.sign(document, rsa_key(), key_id=KID)
    report = check(token, web(**{KID: public_jwk(rsa_key().public_key())}))
    assert problems(report) == {"endorsements": "too-many"}


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from(["x", "urn:x", "z6Mk"]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from([*CHANGEABLE, "id", "achievement", "result"]), inner)
        ),
        max_leaves=12,
    ),
    st.sampled_from([*CHANGEABLE]),
)
def test_no_json_raises(value: Any, name: str) -> None:
    document = {**CHANGEABLE, name: value}
    assert not check(document).valid


def test_a_report_says_everything_in_words() -> None:
    report = check(sign({**mini_credential(), "validUntil": "2026-05-02T00:00:00Z"}))
    time = report.step(Step.TIME)
    assert time is not None
    assert time.message.text == "The badge expired on 2026-05-02T00:00:00Z."
    assert time.to_dict()["message"] == {
        "code": "time.expired",
        "template": "The badge expired on %(date)s.",
        "params": {"date": "2026-05-02T00:00:00Z"},
        "text": "The badge expired on 2026-05-02T00:00:00Z.",
    }
