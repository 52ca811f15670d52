"""The micro-credential's document: reads back as it was, pins a hash, and lists every fault."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.achievements.document import MicroCredential
from core.errors import UnprocessableError
from tests.support.badges import DOCUMENT, micro_credential


def faults(data: Any) -> dict[str, str]:
    with pytest.raises(UnprocessableError) as caught:
        MicroCredential.from_dict(data)
    return {place: str(message) for place, message in caught.value.fields.items()}


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(DOCUMENT)
    target = data
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return data


def test_a_document_reads_back_as_it_was() -> None:
    once = micro_credential()
    assert MicroCredential.from_dict(once.to_dict()) == once
    assert json.loads(json.dumps(once.to_dict())) == once.to_dict()


def test_the_hash_is_over_the_content_and_not_over_the_order_of_its_members() -> None:
    shuffled = dict(reversed(list(DOCUMENT.items())))
    assert MicroCredential.from_dict(shuffled).sha256 == micro_credential().sha256


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["name"], "Questions that open"),
        (["minutes"], 721),
        (["rubric", "criteria", 0, "required_level"], 2),
        (["rubric", "criteria", 1, "levels", 3, "description"], "Another descriptor."),
        (["review", "k"], 2),
        (["image", "primary"], "#1f6f79"),
        (["validity"], None),
    ],
)
def test_any_change_of_content_changes_the_hash(path: list[Any], value: Any) -> None:
    assert MicroCredential.from_dict(changed(path, value)).sha256 != micro_credential().sha256


def test_every_fault_is_listed_at_its_place() -> None:
    data = copy.deepcopy(DOCUMENT)
    data["name"] = " "
    data["level"] = "expert"
    data["minutes"] = 0
    data["evidence_asked"][0]["kind"] = "essay"
    data["rubric"]["criteria"][0]["levels"] = data["rubric"]["criteria"][0]["levels"][:1]
    data["rubric"]["criteria"][1]["required_level"] = 5
    data["review"]["k"] = True
    data["image"]["accent"] = "yellow"
    data["alignment"][0]["url"] = "javascript:alert(1)"
    data["tags"].append("")
    data["validity"] = "three years"
    data["colour"] = "red"
    assert set(faults(data)) == {
        "name", "level", "minutes", "evidence_asked[0].kind", "rubric.criteria[0].levels",
        "rubric.criteria[1].required_level", "rubric.criteria[0].required_level", "review.k",
        "image.accent", "alignment[0].url", "tags[2]", "validity", "colour",
    }  # fmt: skip


def test_an_empty_document_names_each_field_that_is_missing() -> None:
    assert set(faults({})) >= {
        "name", "competency", "description", "method", "minutes", "level", "evidence_asked",
        "rubric", "review", "image", "criteria_narrative",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (["rubric", "criteria", 1, "id"], "planned", "rubric.criteria[1].id"),
        (["rubric", "criteria", 0, "id"], "has space", "rubric.criteria[0].id"),
        (["rubric", "criteria", 0, "id"], "a.b", "rubric.criteria[0].id"),
        (["rubric", "criteria", 0, "levels", 1, "id"], "l1", "rubric.criteria[0].levels[1].id"),
        (["evidence_asked", 1, "id"], "plan", "evidence_asked[1].id"),
        (["evidence_asked", 0, "maximum"], 0, "evidence_asked[0].maximum"),
        (["name"], "x" * 121, "name"),
        (["name"], "two\nlines", "name"),
        (["method"], "bell \x07", "method"),
        (["method"], "half a pair \ud800", "method"),
        (["rubric", "criteria"], "none", "rubric.criteria"),
        (["rubric", "criteria"], [], "rubric.criteria"),
        (["rubric", "criteria", 0], "text", "rubric.criteria[0]"),
        (["image", "lines"], ["a", "b", "c"], "image.lines"),
        (["image", "lines"], ["x" * 41], "image.lines[0]"),
        (["image", "template"], "../../etc/passwd", "image.template"),
        (["schema"], 3, "schema"),
        (["validity"], "P0D", "validity"),
    ],
)
def test_a_fault_is_named_where_it_is(path: list[Any], value: Any, place: str) -> None:
    assert place in faults(changed(path, value))


def test_evidence_must_ask_for_something() -> None:
    data = copy.deepcopy(DOCUMENT)
    for item in data["evidence_asked"]:
        item["required"], item["minimum"] = False, 0
    assert "evidence_asked" in faults(data)


def test_what_is_written_counts_words_and_the_rest_pieces() -> None:
    document = micro_credential()
    assert document.evidence("reflection").counts_words
    assert not document.evidence("plan").counts_words


def test_the_rubric_answers_by_id_and_number() -> None:
    rubric = micro_credential().rubric
    assert rubric.required == {"planned": 3, "wait": 3}
    assert rubric.criterion("wait").level(4).name == "Extending"
    with pytest.raises(KeyError):
        rubric.criterion("nothing")
    with pytest.raises(IndexError):
        rubric.criterion("wait").level(0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.sampled_from(sorted(DOCUMENT)), JSON)
def test_any_member_may_be_anything_and_the_answer_is_a_document_or_a_list_of_faults(
    name: str, value: Any
) -> None:
    data = {**DOCUMENT, name: value}
    try:
        read = MicroCredential.from_dict(data)
    except UnprocessableError:
        assert all(faults(data).values())
    else:
        assert MicroCredential.from_dict(read.to_dict()) == read


@given(JSON)
def test_anything_at_all_is_answered_by_faults(value: Any) -> None:
    assert faults(value)
