"""Verifiers that we did not write judge what we sign."""

from __future__ import annotations

import random
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, seed, settings
from openbadgeslib.ob3.ldp import OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3Verifier
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.errors import SignatureInvalid

from badges.openbadges import (
    AchievementCredential,
    StatusList,
    bake_png,
    bake_svg,
    contexts,
    issue_jwt,
    public_jwk,
    status_list_document,
)
from tests.badges.openbadges.conftest import NodeVerify
from tests.badges.openbadges.strategies import UNSHRUNK, alike, credentials
from tests.support.ob3 import (
    ISSUER,
    NOW,
    STATUS_LIST,
    SVG,
    VALID_FROM,
    TestSigner,
    full_credential,
    mini_credential,
    png,
    rsa_key,
    sign,
)

JWK = public_jwk(TestSigner().private.public_key())
CONTEXTS = {url: contexts.load_context(url) for url in contexts.FILES}
ED25519_PEM = (
    TestSigner()
    .private.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)
PEM = (
    rsa_key()
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)


def collected(count: int) -> list[dict[str, Any]]:
    """Signed credentials with many combinations of members, the same in every run."""
    found: list[dict[str, Any]] = []

    @seed(20260504)
    @settings(
        max_examples=count, database=None, suppress_health_check=list(HealthCheck), deadline=None
    )
    @given(credential=credentials())
    def collect(credential: AchievementCredential) -> None:
        found.append(sign(credential.to_document()))

    collect()
    return found


def compacted(document: dict[str, Any]) -> dict[str, Any]:
    """The same statements with the proof as an object, the only form that openvc reads."""
    return {**document, "proof": document["proof"][0]}


def changed(document: dict[str, Any]) -> dict[str, Any]:
    """One text of the document with one letter more."""
    copy: dict[str, Any] = {**document, "credentialSubject": dict(document["credentialSubject"])}
    subject = copy["credentialSubject"]
    where = random.Random(document["id"]).choice(["name", "achievement", "evidence"])
    if where == "achievement":
        subject["achievement"] = {**subject["achievement"], "description": "Something else."}
    elif where == "evidence":
        copy["evidence"] = [{"type": ["Evidence"], "narrative": "Much more."}]
    else:
        copy["name"] += "!"
    return copy


@pytest.mark.node
def test_digitalbazaar_accepts_what_we_sign_and_refuses_what_was_changed(
    node_verify: NodeVerify,
) -> None:
    signed = [sign(full_credential()), sign(mini_credential()), *collected(40)]
    bits = StatusList()
    bits.set_all([7, 131_071])
    signed.append(
        sign(status_list_document(bits, url=STATUS_LIST, issuer=ISSUER, valid_from=VALID_FROM))
    )
    mutated = [changed(document) for document in signed[:-1]]
    answers = node_verify([*signed, *mutated], [TestSigner().controller()])
    assert [answer["error"] for answer in answers[: len(signed)] if not answer["verified"]] == []
    assert not any(answer["verified"] for answer in answers[len(signed) :])


# RDFC-1.0 escapes control characters where PyLD's URDNA2015, which openvc uses, does not; and
# openvc takes no endorsements, because they bring their own contexts (R20).
@settings(max_examples=25, phases=UNSHRUNK)
@given(credential=credentials(endorsed=False))
def test_openvc_accepts_what_we_sign(credential: AchievementCredential) -> None:
    signed = compacted(sign(alike(credential.to_document())))
    DataIntegrityProofSuite().verify(signed, public_key_jwk=JWK, now=NOW, extra_contexts=CONTEXTS)


@settings(max_examples=15, phases=UNSHRUNK)
@given(credential=credentials())
def test_openbadgeslib_accepts_what_we_sign(credential: AchievementCredential) -> None:
    signed = sign(alike(credential.to_document()))
    OB3LdpVerifier(ED25519_PEM).verify(signed)


def test_openvc_refuses_what_was_changed() -> None:
    with pytest.raises(SignatureInvalid):
        DataIntegrityProofSuite().verify(
            changed(compacted(sign(full_credential()))),
            public_key_jwk=JWK,
            now=NOW,
            extra_contexts=CONTEXTS,
        )


def test_openbadgeslib_accepts_our_tokens() -> None:
    for document in (full_credential(), mini_credential()):
        token = issue_jwt(document, rsa_key(), key_id="https://badges.example.org/keys/1")
        read = OB3Verifier(PEM).verify(token)
        assert (read.id, read.issuer.id) == (document["id"], ISSUER)


def test_openbadgeslib_unbakes_what_we_bake() -> None:
    token = issue_jwt(mini_credential(), rsa_key(), key_id="https://badges.example.org/keys/1")
    assert OB3Verifier.extract_token_from_png(bake_png(png(), token)) == token
    assert OB3Verifier.extract_token_from_svg(bake_svg(SVG, token)) == token
