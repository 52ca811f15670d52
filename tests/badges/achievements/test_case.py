"""CASE JSON: a framework's items in reading order, whatever the file looks like, or a clear no."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.achievements import frameworks
from badges.achievements.case import MOST_ITEMS, read_case
from badges.achievements.document import MicroCredential
from badges.achievements.models import Framework
from core.errors import MilepostError, NotFoundError, UnprocessableError
from core.identity import Organisation, OrganisationKind, create_organisation
from core.runtime import Runtime
from tests.support.badges import NOW, micro_credential


def item(name: str, statement: str = "", **more: Any) -> dict[str, Any]:
    return {
        "identifier": name,
        "uri": f"https://case.example/{name}",
        "fullStatement": statement or f"Statement {name}.",
        **more,
    }


def child(name: str, parent: str, number: Any = 1) -> dict[str, Any]:
    return {
        "associationType": "isChildOf",
        "originNodeURI": {"identifier": name},
        "destinationNodeURI": {"identifier": parent},
        "sequenceNumber": number,
    }


def package(items: list[Any], links: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    document = {
        "identifier": "doc", "uri": "https://case.example/doc", "title": "A framework",
        "creator": "Somebody",
    }  # fmt: skip
    return {"CFDocument": document, "CFItems": items, "CFAssociations": links or [], **more}


def read(value: Any) -> Any:
    return read_case(json.dumps(value).encode())


def test_a_package_is_read_in_the_order_that_its_readers_see() -> None:
    found = read(
        package(
            [item("b1"), item("a"), item("b"), item("a2"), item("a1"), item("lost")],
            [child("a2", "a", 2), child("a1", "a", 1), child("b1", "b"), child("b1", "a"),
             {"associationType": "exactMatchOf"}, child("a", "nowhere"), "nonsense"],
        )
    )  # fmt: skip
    assert [(one.identifier, one.depth) for one in found.items] == [
        ("a", 0), ("a1", 1), ("a2", 1), ("b", 0), ("b1", 1), ("lost", 0),
    ]  # fmt: skip
    assert (found.identifier, found.title, found.creator) == ("doc", "A framework", "Somebody")


def test_a_circle_of_associations_loses_no_item() -> None:
    found = read(package([item("a"), item("b")], [child("a", "b"), child("b", "a")]))
    assert {one.identifier for one in found.items} == {"a", "b"}


def test_items_and_one_item_name_their_framework_themselves() -> None:
    of = {"CFDocumentURI": {"identifier": "d", "uri": "https://case.example/d", "title": "ISTE"}}
    assert read({"CFItems": [item("a", **of)]}).title == "ISTE"
    assert read({"CFItem": item("a", **of)}).items[0].identifier == "a"
    assert read(item("a", **of)).identifier == "d"
    assert read({"CFPackage": package([item("a")])}).title == "A framework"


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ([], "no items"),
        ({"CFItems": []}, "no items"),
        ({"CFItems": [item("a")]}, "which framework"),
        (package([item("a", uri="javascript:alert(1)"), {"identifier": "b"}]), "number 1, 2"),
        (package([7] * 8), "number 1, 2, 3, 4, 5 …"),
        (package([item("a")] * (MOST_ITEMS + 1)), "at most 30000"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(value: Any, part: str) -> None:
    with pytest.raises(UnprocessableError) as caught:
        read(value)
    assert part in str(caught.value.message)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"PK\x03\x04"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(UnprocessableError, match="case_unreadable"):
        read_case(data)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["identifier", "uri", "fullStatement", "associationType", "title"])
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.lists(ANYTHING, max_size=3), st.lists(ANYTHING, max_size=3), ANYTHING)
def test_nothing_in_a_file_breaks_the_reader(items: Any, links: Any, document: Any) -> None:
    for body in (package([item("a"), *items], links), {"CFItems": items, "CFDocument": document}):
        try:
            found = read(body)
        except MilepostError:
            continue
        assert found.items


def bring_in(runtime: Runtime, place: Organisation, *items: dict[str, Any]) -> Framework:
    with runtime.database.transaction(place.scope) as session:
        return frameworks.bring_in(
            session, place, read(package(list(items))), actor_id=None, now=NOW
        )


def test_picked_items_are_alignments_that_a_micro_credential_takes(
    runtime: Runtime, organisation: Organisation
) -> None:
    long = "Educators " + "continually " * 60
    made = bring_in(
        runtime, organisation, item("x", long, humanCodingScheme="2.1"),
        item("y", "Full words.", abbreviatedStatement="Short"), item("z"),
    )  # fmt: skip
    with runtime.database.snapshot(organisation.scope) as session:
        found = frameworks.search(session, made, "EDUCATORS continually", 1)
        assert [one.identifier for one in found.items] == ["x"]
        assert [one.identifier for one in frameworks.search(session, made, "2.1", 9).items] == ["x"]
        assert frameworks.search(session, made, "%", 1).count == 0
        rows = frameworks.search(session, made, "", 1).items
        picked = frameworks.alignments(session, made, {rows[1].id, rows[0].id})
    first, second = picked
    assert (first.code, first.framework, first.target_type) == ("2.1", "A framework", "CFItem")
    assert first.url == "https://case.example/x"
    assert first.name.endswith("…")
    assert first.description
    assert first.description.startswith(first.name[:-1])
    assert (second.name, second.description) == ("Short", "Full words.")
    alignment = [vars(one) for one in picked]
    assert MicroCredential.from_dict(micro_credential(alignment=alignment).to_dict())


def test_a_framework_is_replaced_seen_below_and_put_away(
    runtime: Runtime, organisation: Organisation
) -> None:
    once = bring_in(runtime, organisation, item("a"), item("b"))
    again = bring_in(runtime, organisation, item("c"))
    assert (again.id, again.count) == (once.id, 1)
    with runtime.database.transaction() as session:
        parent = session.get_one(Organisation, organisation.id)
        school = create_organisation(
            session, name="Elm", slug="elm", kind=OrganisationKind.SCHOOL, parent=parent
        )
        far = create_organisation(session, name="Far", slug="far")
    with runtime.database.snapshot(school.scope) as session:
        assert [one.id for one in frameworks.frameworks(session)] == [once.id]
    with runtime.database.snapshot(far.scope) as session, pytest.raises(NotFoundError):
        frameworks.find(session, once.id)
    with runtime.database.transaction(organisation.scope) as session:
        kept = frameworks.find(session, once.id)
        frameworks.put_away(session, kept, actor_id=None, now=NOW)
        assert frameworks.frameworks(session) == []
