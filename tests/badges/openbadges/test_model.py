"""The documents that the model builds, judged by 1EdTech's own JSON schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from badges.openbadges import (
    AchievementCredential,
    EndorsementCredential,
    EndorsementSubject,
    IdentityObject,
    Profile,
    ResultDescription,
    RubricCriterionLevel,
    check_shape,
    contexts,
    timestamp,
)
from badges.openbadges.jsonld import safe_mode_problems
from tests.badges.openbadges.strategies import credentials
from tests.support.ob3 import VALID_FROM, full_credential, full_credential_model, mini_credential


@pytest.fixture(scope="session")
def schema(shared: Path) -> jsonschema.Draft201909Validator:
    text = (shared / "ob_v3p0_achievementcredential_schema.json").read_text("utf-8")
    return jsonschema.Draft201909Validator(json.loads(text))


@pytest.mark.parametrize("document", [full_credential(), mini_credential()])
def test_our_documents_fit_the_published_schema(
    schema: jsonschema.Draft201909Validator, document: dict[str, Any]
) -> None:
    assert [error.message for error in schema.iter_errors(document)] == []


@settings(max_examples=60)
@given(credential=credentials())
def test_any_document_of_the_model_is_sound(
    schema: jsonschema.Draft201909Validator, credential: AchievementCredential
) -> None:
    document = credential.to_document()
    assert [error.message for error in schema.iter_errors(document)] == []
    assert check_shape(document, strict=True) == []
    assert safe_mode_problems(document) == []


def test_the_same_input_is_the_same_document() -> None:
    first, second = (json.dumps(full_credential_model().to_document()) for _ in range(2))
    assert first == second


def test_the_benchmark_documents_have_their_sizes() -> None:
    def size(document: dict[str, Any]) -> int:
        return len(json.dumps(document, separators=(",", ":")))

    assert 4000 < size(full_credential()) < 4500
    assert 600 < size(mini_credential()) < 700


def test_the_extensions_context_comes_with_the_types_that_it_defines() -> None:
    with_schema = full_credential()
    assert with_schema["@context"][-1] == contexts.OPEN_BADGES_EXTENSIONS
    assert contexts.OPEN_BADGES_EXTENSIONS not in mini_credential()["@context"]
    with_schema["@context"].pop()
    assert safe_mode_problems(with_schema)


def test_nothing_empty_is_written() -> None:
    def walk(value: Any) -> None:
        assert value not in (None, [], {}, "")
        if isinstance(value, dict | list):
            for inner in value.values() if isinstance(value, dict) else value:
                walk(inner)

    walk(mini_credential())


def test_moments_are_utc_to_the_second_and_never_naive() -> None:
    east = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 1, 1, 1, 30, 0, 5, tzinfo=east)) == "2025-12-31T23:30:00Z"
    with pytest.raises(ValueError, match="zone"):
        timestamp(datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused


def test_a_hashed_address_is_the_digest_of_address_and_salt() -> None:
    entry = IdentityObject.hashed_email("a@example.org", salt="s").to_dict()
    # printf 'a@example.orgs' | sha256sum
    assert entry == {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": "sha256$6e8e998d99f572567b8b1e94e4ccc43efe04649e43b2e69265f7695f82763eb4",
        "identityType": "emailAddress",
        "salt": "s",
    }


@pytest.mark.parametrize(("email", "salt"), [("", "s"), ("a@example.org", "")])
def test_a_hashed_address_needs_both_parts(email: str, salt: str) -> None:
    with pytest.raises(ValueError, match="salt"):
        IdentityObject.hashed_email(email, salt=salt)


def test_a_criterion_needs_levels_and_a_required_one_among_them() -> None:
    level = RubricCriterionLevel(id="urn:x:1", name="Low")
    with pytest.raises(ValueError, match="levels"):
        ResultDescription.from_criterion(id="urn:x", name="C", levels=[])
    with pytest.raises(ValueError, match="levels"):
        ResultDescription.from_criterion(id="urn:x", name="C", levels=[level, level])
    with pytest.raises(ValueError, match="required"):
        ResultDescription.from_criterion(
            id="urn:x", name="C", levels=[level], required_level="urn:x:2"
        )


def test_an_endorsement_is_sound() -> None:
    document = EndorsementCredential(
        id="urn:uuid:1",
        name="In good standing",
        issuer=Profile(id="https://agency.example.org/"),
        valid_from=VALID_FROM.astimezone(UTC),
        credential_subject=EndorsementSubject(id="https://example.org/", endorsement_comment="Yes"),
    ).to_document()
    assert check_shape(document, kind="EndorsementCredential") == []
    assert safe_mode_problems(document) == []
