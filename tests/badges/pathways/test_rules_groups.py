"""How groups count, what they leave over, and the faults of others that must not happen here."""

import pytest

from badges.pathways.rules import Status, evaluate
from tests.support.pathway_facts import (
    DAY0,
    attestation,
    badge,
    day,
    decision,
    hours,
    numbered,
    reviews,
    rule,
)


def b(achievement):
    return {"op": "badge", "achievement": achievement}


def group(op, *of, **options):
    return rule(numbered({"op": op, "of": list(of), **options}))


def points(low, *entries, **options):
    of = [{"weight": w, "required": r, "node": n} for w, r, n in entries]
    return rule(numbered({"op": "points", "min": low, "of": of, **options}))


def judge(a_rule, *facts, now=DAY0, **options):
    return evaluate(a_rule, facts, now, **options)


def asked(result):
    return [missing.subject for missing in result.missing]


def test_all_lists_everything_that_is_open():
    result = judge(group("all", b("a"), b("b"), b("c")), badge("b"))
    assert asked(result) == ["a", "c"]
    assert result.progress == pytest.approx(1 / 3)
    assert [node.status for node in result.nodes.values()] == ["unmet", "unmet", "met", "unmet"]


def test_any_offers_the_cheapest_way():
    choice = group("any", b("a"), {"op": "hours", "min": 2}, {"op": "rubric", "task": "t1"})
    result = judge(choice)
    assert [missing.kind for missing in result.missing] == ["log_hours"]
    result = judge(choice, in_review=["t1"])
    assert [missing.kind for missing in result.missing] == ["wait_for_reviewers"]
    assert result.status is Status.PENDING


def test_any_is_supported_by_one_branch_only():
    result = judge(group("any", b("a"), b("b")), badge("a"), badge("b"))
    assert result.used == (badge("a").key,)


def test_waiting_is_pending_only_while_nothing_else_asks_for_the_learner():
    both = group("all", {"op": "rubric", "task": "t1"}, b("a"))
    assert judge(both, in_review=["t1"]).status is Status.UNMET
    assert judge(both, badge("a"), in_review=["t1"]).status is Status.PENDING


def test_two_copies_of_one_badge_are_not_two_of_a_group():
    two_of = group("at_least", b("a"), b("b"), b("c"), n=2)
    copies = [badge("a", copy=n) for n in range(3)]
    assert not judge(two_of, *copies).met
    assert judge(two_of, *copies, badge("c")).met


def test_one_achievement_named_twice_in_a_group_counts_once():
    two_of = group("at_least", b("a"), b("a"), {"op": "rubric", "task": "a"}, b("b"), n=2)
    assert not judge(two_of, badge("a"), decision("a")).met
    assert judge(two_of, decision("a"), badge("b")).met


def test_expired_badges_do_not_count_in_a_group():
    two_of = group("at_least", b("a"), b("b"), n=2)
    facts = [badge("a", end=day(5)), badge("b")]
    assert judge(two_of, *facts, now=day(4)).met
    assert not judge(two_of, *facts, now=day(5)).met


def test_half_is_not_enough():
    result = judge(group("all", b("a"), b("b")), badge("a"))
    assert result.status is Status.UNMET
    assert result.progress == 0.5


def test_almost_everything_never_shows_as_whole():
    many = group("all", *[b(f"a{n}") for n in range(150)])
    result = judge(many, *[badge(f"a{n}") for n in range(149)])
    assert not result.met
    assert result.progress < 1


def test_at_least_asks_only_for_as_many_as_are_left():
    three_of = group("at_least", b("a"), b("b"), {"op": "attest", "role": "coach"}, b("c"), n=3)
    result = judge(three_of, badge("b"))
    assert [missing.kind for missing in result.missing] == ["earn_badge", "ask_attestation"]
    assert asked(result)[0] == "a"


def test_points_add_up_and_required_children_are_needed_whatever_the_sum():
    rule_ = points(4, (3, True, b("a")), (2, False, b("b")), (2, False, b("c")))
    assert not judge(rule_, badge("b"), badge("c")).met
    assert asked(judge(rule_, badge("b"), badge("c"))) == ["a"]
    assert judge(rule_, badge("a"), badge("c")).met
    assert asked(judge(rule_, badge("a"))) == ["b"]


def test_points_find_the_cheapest_children_that_reach_the_sum():
    rule_ = points(
        5,
        (5, False, b("a")),
        (3, False, {"op": "attest", "role": "coach"}),
        (2, False, {"op": "hours", "min": 10}),
        (1, False, {"op": "hours", "min": 1}),
    )
    result = judge(rule_)
    assert [missing.kind for missing in result.missing] == ["ask_attestation", "log_hours"]
    assert result.missing[1].params["need"] == 600


def test_the_better_of_two_children_about_one_task_gives_the_points():
    low = {"op": "rubric", "task": "t1", "min": {"*": 2}}
    high = {"op": "rubric", "task": "t1", "min": {"*": 4}}
    rule_ = points(3, (1, False, low), (3, False, high))
    assert not judge(rule_, decision(levels={"c1": 2})).met
    assert judge(rule_, decision(levels={"c1": 4})).met


def test_within_counts_what_is_young_and_says_when_it_will_change():
    stack = group("within", b("a"), b("b"), period="P18M")
    facts = [badge("a", start=day(0)), badge("b", start=day(200), at=day(200))]
    result = judge(stack, *facts, now=day(200))
    assert result.met
    end = DAY0.replace(year=2027, month=7)
    assert result.next_eval_at == end
    later = judge(stack, *facts, now=end)
    assert not later.met
    assert later.missing[0].params == {"again": True}


def test_within_takes_the_latest_decision_or_none():
    recent = group("within", {"op": "rubric", "task": "t1"}, period="P1M")
    old = judge(recent, decision(at=DAY0), now=day(40))
    assert old.missing[0].params == {"again": True}
    assert judge(recent, decision(at=DAY0), decision(revision=2, at=day(30)), now=day(40)).met


def test_an_old_decision_is_no_old_badge():
    recent = group("within", b("a"), period="P1M")
    assert judge(recent, decision("a"), now=day(40)).missing[0].params == {}


def test_nested_windows_both_hold():
    inner = {"op": "within", "period": "P5D", "of": [{"op": "hours", "min": 1}]}
    outer = group("within", inner, b("a"), period="P1M")
    facts = [hours(60, at=day(0)), badge("a")]
    assert judge(outer, *facts, now=day(4)).met
    assert not judge(outer, *facts, now=day(5)).met
    assert judge(outer, *facts, now=day(4)).next_eval_at == day(5)


def test_the_same_request_is_said_once():
    one = group(
        "all",
        {"op": "rubric", "task": "t1", "min": {"c1": 2}},
        {"op": "reviews", "task": "t1", "k": 2},
        {"op": "evidence_kinds", "task": "t1", "n": 2},
    )
    assert [missing.kind for missing in judge(one).missing] == ["submit_evidence"]
    not_yet = judge(one, decision(levels={"c1": 1}, outcome="not_yet"))
    assert [missing.kind for missing in not_yet.missing] == ["revise_evidence"]
    assert not_yet.missing[0].params["criteria"] == {"c1": {"have": 1, "need": 2}}
    half = judge(one, decision(by=reviews("x"), kinds=("video", "plan")))
    assert [missing.kind for missing in half.missing] == ["wait_for_reviewers"]


def test_no_spare_fact_is_used():
    both = group("all", {"op": "any", "of": [b("a"), b("b")]}, b("b"))
    assert judge(both, badge("a"), badge("b")).used == (badge("b").key,)


def test_exclusive_spends_every_achievement_once():
    shared = group("all", {"op": "any", "of": [b("a"), b("b")]}, b("a"))
    alone = group("all", {"op": "any", "of": [b("a"), b("b")]}, b("a"), exclusive=True)
    assert judge(shared, badge("a")).met
    result = judge(alone, badge("a"))
    assert asked(result) == ["b"]
    assert result.progress == 0.5


def test_exclusive_is_no_greedy_walk():
    rule_ = group("all", {"op": "any", "of": [b("a"), b("b")]}, b("a"), exclusive=True)
    # First come, first served would give "a" to the first branch and starve the second.
    result = judge(rule_, badge("a"), badge("b"))
    assert result.met
    assert result.used == (badge("a").key, badge("b").key)


def test_exclusive_takes_a_decision_and_its_badge_for_one_achievement():
    rule_ = group("at_least", b("a"), {"op": "rubric", "task": "a"}, b("b"), n=2, exclusive=True)
    assert not judge(rule_, badge("a"), decision("a")).met
    assert judge(rule_, badge("b"), decision("a")).met


def test_exclusive_attestations_come_from_different_people():
    ask = {"op": "attest", "role": "coach", "statement": "s1"}
    rule_ = group("all", ask, ask, exclusive=True)
    nobody = judge(rule_)
    assert [missing.node for missing in nobody.missing] == ["n1", "n2"]
    assert nobody.missing[0].params == {"role": "coach", "different_people": True}
    one = judge(rule_, attestation(by="ann"))
    assert [missing.kind for missing in one.missing] == ["ask_attestation"]
    assert one.status is Status.PENDING
    assert judge(rule_, attestation(by="ann"), attestation(by="bo")).met


def test_exclusive_groups_of_electives_do_not_share():
    def elective(n, letters):
        return {"op": "at_least", "n": n, "of": [b(letter) for letter in letters]}

    rule_ = group("all", elective(2, "abcd"), elective(1, "cde"), exclusive=True)
    assert judge(rule_, badge("a"), badge("c"), badge("d")).met
    assert not judge(rule_, badge("c"), badge("d")).met
    assert len(judge(rule_, badge("c"), badge("d")).missing) == 1


def test_exclusive_points_give_the_heaviest_children_their_facts():
    either = {"op": "any", "of": [b("a"), b("b")]}
    rule_ = points(5, (2, False, b("a")), (4, False, either), (1, True, b("c")), exclusive=True)
    assert judge(rule_, badge("a"), badge("c")).met
    assert not judge(rule_, badge("a"), badge("b")).met
    assert asked(judge(rule_, badge("a"), badge("b"))) == ["c"]
