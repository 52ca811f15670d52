import pytest

from badges.pathways.rules import RuleError, check, require_publishable
from tests.support.pathway_facts import DAY0, badge, day, decision, hours, rule


def badges(*achievements):
    of = [{"id": f"b{a}", "op": "badge", "achievement": a} for a in achievements]
    return {"schema": 1, "root": {"id": "r", "op": "all", "of": of}}


def codes(faults):
    return [fault.code for fault in faults]


def rules_by(**documents):
    return {name: rule(document["root"]) for name, document in documents.items()}.get


def example(expect, *facts, now=DAY0, **more):
    return {
        "facts": [fact.to_dict() for fact in facts],
        "now": now.isoformat(),
        "expect": expect,
        **more,
    }


def test_a_sound_rule_may_be_published():
    document = badges("a", "b")
    published = require_publishable(
        document, achievement="z", rule_of=rules_by(a=badges("c")), examples=[]
    )
    assert published == rule(document["root"])


def test_faults_of_the_document_are_told_first():
    assert codes(check({"schema": 1, "root": {"id": "r", "op": "all", "of": []}})) == ["empty"]


@pytest.mark.parametrize(
    ("document", "others", "trail"),
    [
        (badges("z"), {}, ["z", "z"]),
        (badges("a"), {"a": badges("z")}, ["z", "a", "z"]),
        (badges("x", "a"), {"a": badges("b"), "b": badges("c", "z")}, ["z", "a", "b", "z"]),
    ],
)
def test_a_badge_that_leads_back_to_itself_is_refused(document, others, trail):
    (fault,) = check(document, achievement="z", rule_of=rules_by(**others))
    assert fault.code == "cycle"
    assert fault.params["achievements"] == trail


def test_a_cycle_that_does_not_pass_here_does_not_hold_the_check_up():
    others = rules_by(a=badges("b"), b=badges("a"))
    assert check(badges("a"), achievement="z", rule_of=others) == ()


def test_a_badge_may_rest_on_work_for_itself():
    document = {"schema": 1, "root": {"id": "r", "op": "rubric", "task": "z"}}
    assert check(document, achievement="z", rule_of=lambda _: None) == ()


def test_levels_and_criteria_that_a_rubric_does_not_have_are_refused():
    def node(**low):
        return {"schema": 1, "root": {"id": "r", "op": "rubric", "task": "t1", "min": low}}

    rubrics = {"t1": {"c1": 4, "c2": 3}}.get
    assert check(node(c1=4, c2=3), rubric_of=rubrics) == ()
    assert codes(check(node(c1=5), rubric_of=rubrics)) == ["unreachable"]
    assert codes(check(node(c9=1), rubric_of=rubrics)) == ["unknown_criterion"]
    assert codes(check(node(**{"*": 4}), rubric_of=rubrics)) == ["unreachable"]
    assert check(node(**{"*": 4, "c2": 3}), rubric_of=rubrics) == ()
    assert codes(check(node(c1=1), rubric_of=lambda _: None)) == ["unknown_task"]


def test_the_authors_examples_must_come_true():
    document = badges("a")
    good = [
        example("met", badge("a")),
        example("unmet"),
        example("unmet", badge("a", end=day(1)), now=day(2)),
        example("pending", badge("a", start=day(3)), now=day(2)),
    ]
    assert check(document, examples=good) == ()
    (fault,) = check(document, examples=[good[0], example("met")])
    assert (fault.path, fault.code) == ("examples[1]", "example_failed")
    assert fault.params == {"expect": "met", "got": "unmet"}
    with pytest.raises(RuleError, match="expected to be met"):
        require_publishable(document, examples=[example("met")])


def test_an_example_may_say_what_is_under_review():
    document = {"schema": 1, "root": {"id": "r", "op": "rubric", "task": "t1"}}
    assert check(document, examples=[example("pending", in_review=["t1"])]) == ()
    assert check(document, examples=[example("met", decision())]) == ()


@pytest.mark.parametrize(
    ("examples", "expected"),
    [
        ("met", [("examples", "not_a_list")]),
        ([3], [("examples[0]", "not_an_object")]),
        (
            [{"facts": [], "expect": "earned"}],
            [("examples[0].now", "missing"), ("examples[0].expect", "not_allowed")],
        ),
        (
            [{"facts": [{"kind": "hours"}], "now": "2026-01-01T00:00:00Z", "expect": "met"}],
            [
                ("examples[0].facts[0].source", "missing"),
                ("examples[0].facts[0].source_id", "missing"),
                ("examples[0].facts[0].revision", "missing"),
                ("examples[0].facts[0].at", "missing"),
                ("examples[0].facts[0].minutes", "missing"),
                ("examples[0].facts[0].activity", "missing"),
            ],
        ),
        ([{**example("met"), "note": "x"}], [("examples[0].note", "unknown_field")]),
        ([example("met", hours(1), hours(2))], [("examples[0].facts", "conflict")]),
        ([example("unmet")] * 101, [("examples", "too_many")]),
    ],
)
def test_faulty_examples_are_told_by_place(examples, expected):
    found = [(fault.path, fault.code) for fault in check(badges("a"), examples=examples)]
    assert found == expected


def test_exclusive_nodes_that_are_no_matching_problem_are_refused():
    pair = {"id": "p", "op": "all", "of": badges("a", "b")["root"]["of"]}
    single = {"id": "s", "op": "badge", "achievement": "c"}
    root = {"id": "r", "op": "any", "of": [pair, single]}
    wanting_both = {"id": "x", "op": "at_least", "n": 1, "of": [root], "exclusive": True}
    assert check({"schema": 1, "root": root}) == ()
    assert codes(check({"schema": 1, "root": {**root, "exclusive": True}})) == []
    several = {**root, "op": "at_least", "n": 1, "exclusive": True}
    assert codes(check({"schema": 1, "root": several})) == ["exclusive_shape"]
    assert codes(check({"schema": 1, "root": wanting_both})) == ["exclusive_shape"]


def test_exclusive_nodes_out_of_reach_are_refused():
    document = badges("a", "b")
    document["root"]["of"].append({"id": "t", "op": "rubric", "task": "a"})
    assert check(document) == ()
    document["root"]["exclusive"] = True
    assert codes(check(document)) == ["unreachable"]
