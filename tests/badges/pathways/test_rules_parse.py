import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.pathways.rules import RuleError, parse
from badges.period import NEVER, Period
from tests.support.pathway_facts import DAY0, day, rule, trees

PATHWAY = {
    "schema": 1,
    "root": {
        "id": "r",
        "op": "all",
        "of": [
            {"id": "core", "op": "badge", "achievement": "a", "status": "valid"},
            {
                "id": "el",
                "op": "at_least",
                "n": 2,
                "of": [{"id": f"e{a}", "op": "badge", "achievement": a} for a in "bcd"],
            },
            {
                "id": "pt",
                "op": "points",
                "min": 3,
                "of": [
                    {
                        "weight": 3,
                        "required": True,
                        "node": {"id": "p1", "op": "badge", "achievement": "e"},
                    }
                ],
            },
            {"id": "ru", "op": "rubric", "task": "t1", "min": {"c1": 3, "*": 2}},
            {"id": "rv", "op": "reviews", "k": 2, "roles": ["coach", "peer"], "independent": True},
            {"id": "hr", "op": "hours", "min": 15},
            {
                "id": "wi",
                "op": "within",
                "period": "P18M",
                "of": [{"id": "at", "op": "attest", "role": "coach"}],
            },
        ],
    },
}


def faults_of(document):
    with pytest.raises(RuleError) as caught:
        parse(document)
    return {(fault.path, fault.code) for fault in caught.value.faults}


def root_faults(root):
    return faults_of({"schema": 1, "root": root})


def badge_node(n, achievement="a"):
    return {"id": f"b{n}", "op": "badge", "achievement": achievement}


def nested(levels):
    node = badge_node(0)
    for n in range(1, levels):
        node = {"id": f"g{n}", "op": "all", "of": [node]}
    return node


def test_the_documented_pathway_is_read_from_text_bytes_and_objects_alike():
    rules = [parse(PATHWAY), parse(json.dumps(PATHWAY)), parse(json.dumps(PATHWAY).encode())]
    assert rules[0] == rules[1] == rules[2]
    assert rules[0].hash == rules[1].hash
    assert rules[0].tasks == {"t1"}
    assert rules[0].achievements == set("abcde")


def test_the_hash_of_a_published_rule_never_changes():
    root = {"id": "r", "op": "badge", "achievement": "a"}
    parsed = rule(root)
    assert parsed.canonical == (
        b'{"root":{"achievement":"a","id":"r","op":"badge","status":"valid"},"schema":1}'
    )
    assert parsed.hash == "8fac9089238a92c0d13c5d2e55e348fb7448cd89477d437c77c8a437d22429db"


def test_reviews_that_name_no_task_mean_the_only_one():
    assert parse(PATHWAY).node("rv").task == "t1"


@pytest.mark.parametrize("tasks", [(), ("t1", "t2")])
def test_reviews_must_name_a_task_where_there_is_not_exactly_one(tasks):
    of = [{"id": t, "op": "rubric", "task": t} for t in tasks]
    of.append({"id": "rv", "op": "reviews", "k": 1})
    assert root_faults({"id": "r", "op": "all", "of": of}) == {("root", "task_needed")}


@given(trees())
def test_a_rule_survives_its_canonical_form(tree):
    try:
        parsed = rule(tree)
    except RuleError:
        return
    again = parse(parsed.canonical)
    assert again == parsed
    assert again.canonical == parsed.canonical
    assert again.hash == parsed.hash
    assert [node.id for node in again.nodes] == [node.id for node in parsed.nodes]


@given(trees(), st.randoms(use_true_random=False))
def test_the_order_of_fields_does_not_change_the_hash(tree, random):
    def shuffled(value):
        if isinstance(value, dict):
            items = list(value.items())
            random.shuffle(items)
            return {key: shuffled(item) for key, item in items}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    try:
        parsed = rule(tree)
    except RuleError:
        return
    assert rule(shuffled(tree)).hash == parsed.hash


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ({"id": "r", "op": "all", "of": []}, ("root.of", "empty")),
        ({"id": "r", "op": "any"}, ("root.of", "missing")),
        ({"id": "r", "op": "any", "of": "all"}, ("root.of", "not_a_list")),
        ({"id": "r", "op": "points", "min": 1, "of": []}, ("root.of", "empty")),
        ({"id": "r", "op": "at_least", "n": 2, "of": [badge_node(1)]}, ("root.n", "n_too_large")),
        ({"id": "r", "op": "at_least", "n": 0, "of": [badge_node(1)]}, ("root.n", "not_whole")),
        ({"id": "r", "op": "not", "of": [badge_node(1)]}, ("root.op", "unknown_op")),
        ({"id": "r", "op": "badge"}, ("root.achievement", "missing")),
        (
            {"id": "r", "op": "badge", "achievement": "a", "status": "held"},
            ("root.status", "not_allowed"),
        ),
        (
            {"id": "r", "op": "all", "of": [badge_node(1)], "exlusive": True},
            ("root.exlusive", "unknown_field"),
        ),
        (
            {"id": "r", "op": "all", "of": [badge_node(1), badge_node(1)]},
            ("root.of[1].id", "duplicate_id"),
        ),
        ({"id": "r", "op": "all", "of": [7]}, ("root.of[0]", "not_an_object")),
        ({"id": "a b", "op": "attest", "role": "coach"}, ("root.id", "bad_id")),
        ({"op": "attest", "role": "coach"}, ("root.id", "missing")),
        ({"id": "r", "op": "hours", "min": 0}, ("root.min", "not_hours")),
        ({"id": "r", "op": "hours", "min": 0.001}, ("root.min", "not_hours")),
        ({"id": "r", "op": "hours", "min": "15"}, ("root.min", "not_hours")),
        ({"id": "r", "op": "rubric", "task": "t", "min": {"c": 2.5}}, ("root.min.c", "not_whole")),
        ({"id": "r", "op": "rubric", "task": "t", "min": 3}, ("root.min", "not_an_object")),
        (
            {"id": "r", "op": "reviews", "task": "t", "k": 1, "roles": ["boss"]},
            ("root.roles[0]", "not_allowed"),
        ),
        (
            {"id": "r", "op": "evidence_kinds", "n": 2, "kinds": ["video"]},
            ("root.n", "n_too_large"),
        ),
        (
            {"id": "r", "op": "within", "period": "18M", "of": [badge_node(1)]},
            ("root.period", "bad_period"),
        ),
    ],
)
def test_a_fault_is_named_at_its_place(root, expected):
    assert root_faults(root) == {expected}


def test_every_fault_is_told_in_one_round():
    root = {
        "id": "r",
        "op": "all",
        "of": [
            {"id": "x", "op": "at_least", "n": 3, "of": [badge_node(1)]},
            {"id": "x", "op": "perhaps"},
            {"id": "y", "op": "any", "of": []},
            {"id": "z", "op": "hours", "min": -1},
        ],
    }
    assert root_faults(root) == {
        ("root.of[0].n", "n_too_large"),
        ("root.of[1].id", "duplicate_id"),
        ("root.of[1].op", "unknown_op"),
        ("root.of[2].of", "empty"),
        ("root.of[3].min", "not_hours"),
    }


def test_one_badge_named_twice_cannot_make_two():
    twice = [badge_node(1), badge_node(2)]
    assert root_faults({"id": "r", "op": "at_least", "n": 2, "of": twice}) == {
        ("root.n", "unreachable")
    }


def test_points_out_of_reach_are_refused():
    of = [{"weight": 2, "node": badge_node(1)}, {"weight": 3, "node": badge_node(2)}]
    # Both are about one achievement, so the better of them counts: 3, not 5.
    assert root_faults({"id": "r", "op": "points", "min": 4, "of": of}) == {
        ("root.min", "unreachable")
    }
    assert rule({"id": "r", "op": "points", "min": 3, "of": of})


def test_depth_nodes_and_size_are_limited():
    assert rule(nested(8))
    assert {code for _, code in root_faults(nested(9))} == {"too_deep"}
    many = [badge_node(n) for n in range(199)]
    assert rule({"id": "r", "op": "all", "of": many})
    assert root_faults({"id": "r", "op": "all", "of": [*many, badge_node(199)]}) == {
        ("root", "too_many_nodes")
    }
    long = [{**badge_node(n), "title": "x" * 200, "achievement": "y" * 400} for n in range(150)]
    assert faults_of({"schema": 1, "root": {"id": "r", "op": "all", "of": long}}) == {
        ("rule", "too_large")
    }


def test_deep_nesting_is_refused_without_exhausting_the_stack():
    text = '{"schema":1,"root":' + '{"id":"a","op":"all","of":[' * 2000 + "]}" * 2000 + "}"
    # Newer Pythons read what older ones refuse; then the equal ids are told as well.
    assert {code for _, code in faults_of(text)} & {"too_deep", "not_json"}
    deep = {"id": "x", "op": "badge", "achievement": "a"}
    for _ in range(100_000):
        deep = {"id": "x", "op": "all", "of": [deep]}
    assert faults_of({"schema": 1, "root": deep}) == {("rule", "too_deep")}


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{",
        "null",
        b"\xff\xfe",
        '{"schema": 1, "schema": 1}',
        '{"schema": NaN, "root": {}}',
        {"schema": 2, "root": {"id": "r", "op": "attest", "role": "coach"}},
        {"schema": 1},
        {"schema": 1, "root": {"id": "r", "op": "attest", "role": "\ud800"}},
        {"schema": 1, "root": {"id": "r", "op": "hours", "min": float("inf")}},
        '{"schema": 1, "root": {"id": "r", "op": "hours", "min": 1e999}}',
        {1, 2},
    ],
)
def test_what_is_no_rule_is_refused(document):
    assert faults_of(document)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("id", "op", "of", "n", "min", "task", "weight", "node", "period", "k")
            ),
            inner | st.sampled_from(("all", "points", "rubric", "within", "hours", "reviews")),
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_no_document_breaks_the_parser(value):
    try:
        parsed = parse({"schema": 1, "root": value})
    except RuleError as error:
        faults = error.faults
    else:
        faults = (parsed.hash,)
    assert faults


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("P1M", "2026-01-31T12:00:00+00:00", "2026-02-28T12:00:00+00:00"),
        ("P1M", "2024-01-31T12:00:00+00:00", "2024-02-29T12:00:00+00:00"),
        ("P1Y", "2024-02-29T00:00:00+00:00", "2025-02-28T00:00:00+00:00"),
        ("P18M", "2025-07-31T00:00:00+00:00", "2027-01-31T00:00:00+00:00"),
        ("P2W", "2026-02-20T00:00:00+00:00", "2026-03-06T00:00:00+00:00"),
        ("P1DT12H", "2026-03-28T18:00:00+00:00", "2026-03-30T06:00:00+00:00"),
        ("P1M1D", "2026-01-31T00:00:00+00:00", "2026-03-01T00:00:00+00:00"),
        ("P1M", "2026-03-01T00:30:00+02:00", "2026-03-28T22:30:00+00:00"),
    ],
)
def test_periods_follow_the_calendar_in_utc(text, start, end):
    from_iso = type(DAY0).fromisoformat
    assert Period.parse(text).after(from_iso(start)) == from_iso(end)


def test_a_period_past_the_end_of_the_calendar_never_ends():
    assert Period.parse("P100Y").after(NEVER.replace(year=9950)) == NEVER


@pytest.mark.parametrize("text", ["P", "PT", "P0D", "P1.5M", "-P1M", "P1M ", "P1H", "P101Y", "p1m"])
def test_what_is_no_period_is_refused(text):
    with pytest.raises(ValueError, match="must"):
        Period.parse(text)


@given(
    st.builds(
        Period,
        months=st.integers(0, 1200),
        days=st.integers(0, 36_525),
        seconds=st.integers(0, 36_525 * 86_400),
    ).filter(lambda period: period != Period())
)
def test_a_period_survives_its_text(period):
    assert Period.parse(str(period)) == period
    assert period.after(day(0)) > day(0)
