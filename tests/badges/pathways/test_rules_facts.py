import json
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.pathways.fact_json import from_dict
from badges.pathways.facts import FactError
from tests.support.pathway_facts import (
    DAY0,
    attestation,
    badge,
    decision,
    fact_lists,
    hours,
    review_given,
    reviews,
)


@given(fact_lists())
def test_every_fact_survives_its_json_form(facts):
    for fact in facts:
        assert from_dict(json.loads(json.dumps(fact.to_dict()))) == fact


@pytest.mark.parametrize(
    "fact",
    [
        decision(by=reviews("x", "y"), kinds=("video",)),
        badge("a", end=DAY0),
        hours(30),
        attestation(),
        review_given(20),
    ],
)
def test_a_fact_has_its_key_and_cannot_be_changed(fact):
    assert fact.key == (fact.source, fact.source_id, fact.revision)
    assert hash(fact) == hash(from_dict(fact.to_dict()))
    with pytest.raises(FrozenInstanceError):
        fact.revision = 9


def test_a_decision_keeps_its_own_copy_of_the_levels():
    levels = {"c1": 1}
    fact = decision(levels=levels)
    levels["c1"] = 4
    assert fact.levels == {"c1": 1}
    with pytest.raises(TypeError):
        fact.levels["c1"] = 4


def test_a_decision_tells_which_files_were_read_by_their_digests():
    plain = decision()
    assert "evidence_files" not in plain.to_dict(), "earlier facts keep their form"
    told = replace(plain, evidence_files={"plan": ("a" * 64, "b" * 64), "video": ()})
    assert told.to_dict()["evidence_files"] == {"plan": ["a" * 64, "b" * 64]}
    assert from_dict(told.to_dict()) == told
    with pytest.raises(FactError):
        replace(plain, evidence_files={"plan": ("A" * 64,)})
    for wrong in ("plan", [], {"plan": "a" * 64}, {"plan": ["a" * 63]}, {"plan": [7]}):
        with pytest.raises(FactError):
            from_dict({**plain.to_dict(), "evidence_files": wrong})


def test_times_are_told_in_utc_whatever_zone_they_came_in():
    zone = timezone(timedelta(hours=5, minutes=30))
    fact = hours(30, at=DAY0.astimezone(zone))
    assert fact.to_dict()["at"] == "2026-01-31T12:00:00Z"
    assert from_dict(fact.to_dict()) == fact


def test_every_fault_of_a_fact_is_told_at_once_with_its_field():
    data = decision(by=reviews("x")).to_dict()
    data |= {"outcome": "passed", "at": "2026-01-31T12:00:00", "extra": 1}
    data["levels"] = {"c1": 0, "c2": True}
    data["reviews"][0]["role"] = "boss"
    del data["task"]
    with pytest.raises(FactError) as caught:
        from_dict(data)
    assert {(fault.path, fault.code) for fault in caught.value.faults} == {
        ("outcome", "not_allowed"),
        ("at", "not_a_time"),
        ("extra", "unknown_field"),
        ("levels.c1", "not_whole"),
        ("levels.c2", "not_whole"),
        ("reviews[0].role", "not_allowed"),
        ("task", "missing"),
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "grade"}, "not_allowed"),
        ({"schema": 2}, "not_whole"),
        ({"revision": -1}, "not_whole"),
        ({"minutes": 1.5}, "not_whole"),
        ({"activity": ""}, "text_length"),
        ({"source": 7}, "not_text"),
        ({"withdrawn": "no"}, "not_a_flag"),
        ({"activity": "a\x00b"}, "text_characters"),
        ({"at": "tomorrow"}, "not_a_time"),
    ],
)
def test_a_fact_with_one_fault_names_it(change, code):
    with pytest.raises(FactError) as caught:
        from_dict(hours(30).to_dict() | change)
    assert [fault.code for fault in caught.value.faults] == [code]


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda s: st.lists(s), max_leaves=4))
def test_what_is_no_fact_is_refused_and_never_breaks(data):
    with pytest.raises(FactError):
        from_dict(data)


def test_a_fact_without_a_zone_is_refused_where_it_is_made():
    with pytest.raises(FactError, match="at"):
        hours(30, at=datetime(2026, 1, 1))  # noqa: DTZ001
