"""Nothing unsound is signed."""

from __future__ import annotations

from typing import Any

import pytest

from badges.openbadges import InvalidCredentialError, issue, issue_jwt
from tests.support.ob3 import (
    VALID_FROM,
    TestSigner,
    full_credential,
    full_credential_model,
    mini_credential,
    rsa_key,
    sign,
)


def test_a_model_and_its_document_are_signed_alike() -> None:
    signer = TestSigner()
    assert issue(
        full_credential_model(),
        signer,
        verification_method=signer.verification_method,
        created=VALID_FROM,
    ) == sign(full_credential())


@pytest.mark.parametrize(
    "change",
    [
        {"validFrom": "today"},
        {"evidence": []},
        {"colour": "green"},
        {"type": ["VerifiableCredential"]},
        {"endorsementJwt": ["eyJ.eyJ.x"]},
        {"issuer": "https://other.example.org"},
    ],
)
def test_a_faulty_document_is_refused_with_its_places(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidCredentialError) as caught:
        sign({**mini_credential(), **change})
    assert caught.value.problems
    assert str(caught.value)


def test_a_jwt_is_held_to_the_same_rules() -> None:
    with pytest.raises(InvalidCredentialError, match="colour"):
        issue_jwt({**mini_credential(), "colour": "green"}, rsa_key(), key_id="urn:k")


def test_many_faults_are_counted() -> None:
    document = {**mini_credential(), **{f"colour{number}": 1 for number in range(9)}}
    with pytest.raises(InvalidCredentialError, match="and 4 more"):
        sign(document)
