"""Safe mode: nothing that a reader sees may be lost, or hidden, before it is signed."""

from __future__ import annotations

from typing import Any

import pytest

from badges.openbadges.jsonld import safe_mode_problems
from tests.support.ob3 import STATUS_LIST, full_credential, load_vector, mini_credential


def codes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (found.pointer, found.message.code.removeprefix("safe-mode."))
        for found in safe_mode_problems(document)
    ]


def test_our_documents_pass() -> None:
    assert codes(full_credential()) == codes(mini_credential()) == []


def test_the_complete_sample_passes_where_its_endorsements_bring_their_context(
    shared: object,
) -> None:
    document = load_vector("1edtech-complete.json")
    del document["proof"]
    assert all(code == "undefined-type" for _pointer, code in codes(document))


def test_an_undefined_term_is_named_where_it_stands() -> None:
    document = mini_credential()
    document["credentialSubject"]["achievement"]["colour"] = "green"
    document["note/a"] = 1
    assert codes(document) == [
        ("/note~1a", "undefined-term"),
        ("/credentialSubject/achievement/colour", "undefined-term"),
    ]
    assert "colour" in safe_mode_problems(document)[1].message.text


def test_undefined_types_and_relative_identifiers_are_found() -> None:
    document = mini_credential()
    document["type"].append("Sticker")
    document["credentialSubject"]["achievement"]["id"] = "achievements/1"
    found = {
        item.message.code: item.message.params["term"] for item in safe_mode_problems(document)
    }
    assert found == {
        "safe-mode.undefined-type": "Sticker",
        "safe-mode.relative-id": "achievements/1",
    }


@pytest.mark.parametrize(
    ("where", "key", "value", "code"),
    [
        ("root", "@graph", [{"id": "urn:x", "name": "x"}], "keyword"),
        ("issuer", "@included", [], "keyword"),
        ("issuer", "@reverse", {}, "keyword"),
        ("issuer", "@id", "urn:x", "keyword"),
        ("issuer", "https://schema.org/name", "x", "iri-term"),
        ("issuer", "schema:name", "x", "iri-term"),
        ("issuer", "@context", {"name": "https://example.org/other"}, "inline-context"),
        ("issuer", "@context", {"@import": "https://www.w3.org/ns/did/v1"}, "inline-context"),
        ("issuer", "@context", None, "inline-context"),
        ("issuer", "@context", "https://example.org/context", "unknown-context"),
    ],
)
def test_what_could_show_one_graph_as_two_documents_is_refused(
    where: str, key: str, value: Any, code: str
) -> None:
    document = mini_credential()
    (document if where == "root" else document[where])[key] = value
    assert [found for _pointer, found in codes(document)] == [code]


def test_a_status_entry_cannot_hide_behind_its_iri() -> None:
    document = full_credential()
    iri = "https://www.w3.org/2018/credentials#credentialStatus"
    document[iri] = document.pop("credentialStatus")
    assert [code for _pointer, code in codes(document)] == ["iri-term"]


def test_a_status_entry_cannot_hide_in_a_second_description() -> None:
    document = full_credential()
    document["credentialSubject"]["source"] = {
        "id": document["id"],
        "type": ["Profile"],
        "credentialStatus": document.pop("credentialStatus"),
    }
    assert codes(document)[0] == ("/credentialSubject/source", "second-description")


def test_blank_identifiers_do_not_pass() -> None:
    document = mini_credential()
    document["credentialSubject"]["id"] = "_:somebody"
    assert codes(document)


@pytest.mark.parametrize(
    "change",
    [
        {"type": 7},
        {"type": {}},
        {"id": 7},
        {"issuer": {"id": ["a", "b"]}},
        {"credentialStatus": {"id": "urn:x", "type": None}},
    ],
)
def test_what_json_ld_cannot_read_is_one_fault(change: dict[str, Any]) -> None:
    assert codes({**mini_credential(), **change})


def test_the_status_list_is_an_address_in_the_graph() -> None:
    document = full_credential()
    assert document["credentialStatus"]["statusListCredential"] == STATUS_LIST
    document["credentialStatus"]["statusListCredential"] = "status/1"
    assert codes(document) == [("", "relative-id")]
