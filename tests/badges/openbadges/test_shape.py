"""Shapes: 1EdTech's samples, and its JSON schema as the judge of changed documents."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from badges.openbadges import check_shape
from tests.badges.openbadges.conftest import vector_entries
from tests.support.ob3 import full_credential, load_vector, sign

SAMPLES = [
    entry
    for entry in vector_entries()
    if entry["file"].endswith(".json") and not entry["file"].startswith("w3c")
]


def pointers(document: dict[str, Any], **options: Any) -> list[str]:
    return [found.pointer for found in check_shape(document, **options)]


@pytest.mark.parametrize("entry", SAMPLES, ids=lambda entry: entry["file"])
def test_the_samples_have_the_shape_that_is_said_of_them(entry: dict[str, Any]) -> None:
    found = pointers(load_vector(entry["file"]))
    if entry["expect"] != "bad" or entry["why"] == "proof":
        assert found == []
    elif entry["why"] in ("shape", "context"):
        assert found


def test_the_problem_is_named_where_it_is(shared: Path) -> None:
    document = load_vector("1edtech-simple-err-credential-subject-result-type.json")
    assert "/credentialSubject/result/1/type" in pointers(document)
    assert "/@context" in pointers(load_vector("1edtech-simple-err-context.json"))


def _broken() -> Iterator[tuple[str, Any, str]]:
    yield "/issuer/image", "https://example.org/i.png", "/issuer/image"
    yield "/issuer/image/extra", "x", "/issuer/image/extra"
    yield "/credentialSubject/identifier/0/note", "x", "/credentialSubject/identifier/0/note"
    yield "/credentialSubject/identifier/0/hashed", "true", "/credentialSubject/identifier/0/hashed"
    yield "/validFrom", "2026-05-01T08:30:00", "/validFrom"
    yield "/validFrom", "2026-13-01T08:30:00Z", "/validFrom"
    yield "/id", "not absolute", "/id"
    yield "/evidence", [], "/evidence"
    yield "/evidence", {}, "/evidence"
    yield "/description", None, "/description"
    yield "/extra", None, "/extra"
    yield (
        "/credentialSubject/achievement/achievementType",
        "Sticker",
        ("/credentialSubject/achievement/achievementType"),
    )
    yield "/credentialSubject/achievement/criteria", {}, "/credentialSubject/achievement/criteria"
    yield "/credentialSubject/creditsEarned", "3", "/credentialSubject/creditsEarned"
    yield "/credentialSubject/creditsEarned", True, "/credentialSubject/creditsEarned"
    yield (
        "/credentialSubject/result/0/achievedLevel",
        "urn:x",
        ("/credentialSubject/result/0/achievedLevel"),
    )
    yield (
        "/credentialSubject/result/0/achievedLevel",
        ["urn:x"],
        ("/credentialSubject/result/0/achievedLevel"),
    )
    yield (
        "/credentialSubject/result/0/resultDescription",
        "urn:x",
        ("/credentialSubject/result/0/resultDescription"),
    )
    yield (
        "/credentialSubject/achievement/resultDescription/0/requiredLevel",
        "urn:x",
        ("/credentialSubject/achievement/resultDescription/0/requiredLevel"),
    )
    yield (
        "/credentialSubject/achievement/resultDescription/0/resultType",
        "Status",
        ("/credentialSubject/result/0"),
    )
    yield (
        "/credentialSubject/achievement/inLanguage",
        "english",
        ("/credentialSubject/achievement/inLanguage"),
    )
    yield "/credentialStatus", [], "/credentialStatus"
    yield "/credentialStatus/statusListIndex", 7, "/credentialStatus/statusListIndex"
    yield "/credentialStatus/statusListIndex", "-1", "/credentialStatus/statusListIndex"
    yield "/credentialSubject", [], "/credentialSubject"
    yield "/type", "VerifiableCredential", "/type"
    yield "/type", [7], "/type"
    yield "/issuer", 7, "/issuer"
    yield "/issuer/dateOfBirth", "1900", "/issuer/dateOfBirth"
    yield "/issuer/endorsement", [7], "/issuer/endorsement/0"
    yield "/endorsementJwt", ["no token"], "/endorsementJwt/0"


@pytest.mark.parametrize(("place", "value", "expected"), list(_broken()))
def test_every_rule_is_kept(place: str, value: Any, expected: str) -> None:
    document = full_credential()
    assert check_shape(document) == []
    *path, last = place.split("/")[1:]
    target: Any = document
    for step in path:
        target = target[int(step)] if isinstance(target, list) else target[step]
    target[last] = value
    assert expected in pointers(document)


def test_somebody_must_have_earned_it() -> None:
    document = full_credential()
    del document["credentialSubject"]["id"]
    assert check_shape(document) == []
    del document["credentialSubject"]["identifier"]
    assert "/credentialSubject" in pointers(document)


def test_a_level_of_another_criterion_is_refused_for_our_own() -> None:
    document = full_credential()
    first, second = document["credentialSubject"]["result"]
    first["achievedLevel"] = second["achievedLevel"]
    assert check_shape(document) == []
    assert pointers(document, strict=True) == ["/credentialSubject/result/0/achievedLevel"]


def test_the_dates_of_the_older_data_model_are_read_but_not_written() -> None:
    document = full_credential()
    document["@context"][0] = "https://www.w3.org/2018/credentials/v1"
    document["issuanceDate"] = document.pop("validFrom")
    assert check_shape(document) == []
    assert "/@context" in pointers(document, strict=True)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    if isinstance(value, dict | list):
        for key, inner in items:
            if isinstance(inner, dict | list):
                yield from _places(inner, (*path, key))
            else:
                yield (*path, key)


SIGNED = sign(full_credential())
PLACES = list(_places(SIGNED))
JUNK = st.sampled_from([None, 7, "text", [], {}, ["text"], [{}], {"type": "X"}, True, [[]]])


@settings(max_examples=400)
@given(place=st.sampled_from(PLACES), junk=JUNK, drop=st.booleans())
def test_what_the_published_schema_refuses_we_refuse(
    shared: Path, place: tuple[Any, ...], junk: Any, drop: bool
) -> None:
    schema = jsonschema.Draft201909Validator(
        json.loads((shared / "ob_v3p0_achievementcredential_schema.json").read_text("utf-8"))
    )
    document = copy.deepcopy(SIGNED)
    target: Any = document
    for step in place[:-1]:
        target = target[step]
    if drop:
        del target[place[-1]]
    else:
        target[place[-1]] = junk
    found = check_shape(document)
    compacted = place[0] in ("proof", "credentialSchema") or place[-1] == "type"
    if not schema.is_valid(document) and not compacted:
        assert found
    for problem in found:
        assert problem.message.text
        assert "%(" not in problem.message.text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*SIGNED, "achievement", "id", "result", "name", "hashed"]), inner
            )
        ),
        max_leaves=15,
    )
)
def test_no_json_makes_the_check_fail(value: Any) -> None:
    document = value if isinstance(value, dict) else {"credentialSubject": value}
    assert check_shape(document)
