"""What holds for every rule and every ledger."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from badges.pathways.facts import BadgeFact, DecisionFact, HoursFact
from badges.pathways.matching import Demand, assign
from badges.pathways.nodes import All, AnyOf, AtLeast, Group, Leaf, Points, Rubric, Within
from badges.pathways.rules import Actor, MissingKind, RuleError, Status, evaluate
from badges.pathways.shapes import unit_of
from tests.support.pathway_facts import (
    KINDS,
    attestation,
    badge,
    day,
    decision,
    exclusive_trees,
    fact_lists,
    hours,
    moments,
    reviews,
    rule,
    rules,
    trees,
)

NOW = day(10)


def _done(item, n, now):
    """The facts of somebody who did what one line of `missing` asks for."""
    match item.kind:
        case MissingKind.EARN_BADGE | MissingKind.RENEW_BADGE | MissingKind.WAIT_UNTIL:
            return [badge(item.subject, copy=100 + n, start=now, at=now)]
        case MissingKind.LOG_HOURS:
            activity = (item.params["activities"] or ["planning"])[0]
            short = item.params["need"] - item.params["have"]
            return [hours(short, n=100 + n, activity=activity, at=now)]
        case MissingKind.ASK_ATTESTATION:
            statement = item.subject or "whatever"
            return [attestation(statement, item.params["role"], by=f"new-{n}", at=now)]
    task = item.subject or "a task of its own"
    levels = {"c1": 9, "c2": 9}
    by, kinds = reviews("x", "y", "z"), (*KINDS, "audio")
    return [decision(task, levels, by=by, kinds=kinds, source_id=f"done-{n}", at=now)]


def _completed(a_rule, facts, now):
    """The facts before a moment, and what was missing then."""
    past = [fact for fact in facts if fact.at < now]
    missing = evaluate(a_rule, past, now).missing
    return past + [fact for n, item in enumerate(missing) for fact in _done(item, n, now)]


@given(rules(), fact_lists(), moments, st.sets(st.sampled_from(("a", "t1"))))
def test_a_result_agrees_with_itself(a_rule, facts, now, in_review):
    result = evaluate(a_rule, facts, now, in_review=in_review)
    root = result.nodes[a_rule.root.id]
    assert (result.status, result.progress) == root
    assert result.met == (not result.missing) == bool(result.used)
    assert (result.status is Status.PENDING) == (
        bool(result.missing) and all(item.who is not Actor.LEARNER for item in result.missing)
    )
    assert set(result.nodes) == {node.id for node in a_rule.nodes}
    for status, progress in result.nodes.values():
        assert 0 <= progress <= 1
        assert (progress == 1) == (status is Status.MET)
    assert result.next_eval_at is None or result.next_eval_at > now
    for item in result.missing:
        assert item.node in result.nodes
        assert item.to_dict()["kind"] == item.kind


@given(rules(), fact_lists(), moments, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_facts_matters(a_rule, facts, now, random):
    again = facts + facts[::2]
    random.shuffle(again)
    assert evaluate(a_rule, again, now) == evaluate(a_rule, facts, now)


@given(rules(), fact_lists(), moments)
def test_a_receipt_can_be_recomputed_and_holds_nothing_spare(a_rule, facts, now):
    facts = _completed(a_rule, facts, now)
    result = evaluate(a_rule, facts, now)
    used = [fact for fact in facts if fact.key in result.used]
    again = evaluate(a_rule, used, now)
    assert again.met
    assert again.used == result.used
    for spare in used:
        assert not evaluate(a_rule, [fact for fact in used if fact is not spare], now).met


@given(rules(), fact_lists(), moments, st.floats(0, 1, exclude_max=True))
def test_nothing_changes_before_the_next_evaluation(a_rule, facts, now, share):
    result = evaluate(a_rule, facts, now)
    end = result.next_eval_at or now + timedelta(days=4000)
    between = now + (end - now) * share
    assume(between < end)
    assert evaluate(a_rule, facts, between) == result


@given(rules(), fact_lists(), moments)
def test_a_revision_counts_as_if_the_earlier_ones_were_not_there(a_rule, facts, now):
    latest = {}
    for fact in facts:
        known = latest.get(fact.key[:2])
        if fact.at <= now and (known is None or known.revision < fact.revision):
            latest[fact.key[:2]] = fact
    kept = [fact for fact in facts if fact.at > now or fact in latest.values()]
    assert evaluate(a_rule, kept, now) == evaluate(a_rule, facts, now)


steady = trees(("all", "any", "at_least", "points")) | exclusive_trees().filter(
    lambda tree: "within" not in str(tree)
)


def _lasting(fact):
    if isinstance(fact, BadgeFact):
        return not fact.revoked and fact.valid_until is None
    if isinstance(fact, DecisionFact):
        return fact.outcome == "met" and not fact.withdrawn
    return True


@given(rules(steady), fact_lists(), fact_lists(4), st.integers(0, 500))
def test_a_met_rule_stays_met_as_facts_arrive_and_time_goes_by(a_rule, facts, more, days):
    held = _completed(a_rule, [fact for fact in facts if _lasting(fact)], NOW)
    # New source ids, and tasks of their own: a new decision on a task is meant to replace.
    known = {fact.key[:2] for fact in held}
    tasks = {fact.task for fact in held if isinstance(fact, DecisionFact)}
    new = [
        fact
        for fact in more
        if _lasting(fact) and fact.key[:2] not in known and getattr(fact, "task", None) not in tasks
    ]
    assert evaluate(a_rule, held + new, NOW + timedelta(days=days)).met


@given(rules(steady), fact_lists(), moments, st.sampled_from("abcd"))
def test_one_more_badge_never_sets_anybody_back(a_rule, facts, now, achievement):
    before = evaluate(a_rule, facts, now)
    after = evaluate(a_rule, [*facts, badge(achievement, copy=9, start=day(-99), at=day(-99))], now)
    for node, (status, _) in before.nodes.items():
        assert status is not Status.MET or after.nodes[node].status is Status.MET


@given(rules(), fact_lists(), moments)
def test_review_under_way_makes_nothing_met(a_rule, facts, now):
    plain = evaluate(a_rule, facts, now)
    waiting = evaluate(a_rule, facts, now, in_review=("a", "t1", "t2"))
    assert waiting.met == plain.met
    assert waiting.used == plain.used


@given(rules(), fact_lists(), moments)
def test_doing_what_is_missing_is_enough(a_rule, facts, now):
    assert evaluate(a_rule, _completed(a_rule, facts, now), now).met


# --- judged against a reading of the rules that tries everything ---------------------------


def _leaf_met(leaf, facts, now):
    return evaluate(rule(leaf.to_dict()), facts, now).met


def _young(facts, period, now):
    latest = {}
    for fact in sorted(facts, key=lambda fact: (fact.at, fact.key)):
        if isinstance(fact, DecisionFact):
            latest[fact.task] = fact
    return [
        fact
        for fact in facts
        if period.after(fact.moment) > now
        and (not isinstance(fact, DecisionFact) or latest[fact.task] is fact)
    ]


def _settled(facts, now):
    past = [fact for fact in facts if fact.at <= now]
    tops = {}
    for fact in past:
        tops[fact.key[:2]] = max(fact.revision, tops.get(fact.key[:2], 0))
    return [fact for fact in past if fact.revision == tops[fact.key[:2]] and not fact.withdrawn]


def _subject(node):
    found = getattr(node, "achievement", None) or (node.task if isinstance(node, Rubric) else None)
    return found or _bare(node)


def _bare(node):
    def strip(value):
        if isinstance(value, dict):
            kept = {key: strip(item) for key, item in value.items() if key not in ("id", "title")}
            return tuple(sorted(kept.items(), key=str))
        return tuple(map(strip, value)) if isinstance(value, list) else value

    return strip(node.to_dict())


def _holds(node, facts, now):
    if isinstance(node, Leaf):
        return _leaf_met(node, facts, now)
    assert isinstance(node, Group)
    inner = _young(facts, node.period, now) if isinstance(node, Within) else facts
    if node.exclusive:
        return any(True for _ in _spendings(node, facts, now))
    met = [_holds(child, inner, now) for child in node.of]
    if isinstance(node, AnyOf):
        return any(met)
    if isinstance(node, AtLeast):
        return len({_subject(c) for c, ok in zip(node.of, met, strict=True) if ok}) >= node.n
    if isinstance(node, Points):
        best = {}
        for child, ok, weight in zip(node.of, met, node.weights, strict=True):
            if ok:
                best[_subject(child)] = max(weight, best.get(_subject(child), 0))
        required = all(ok for ok, needed in zip(met, node.required, strict=True) if needed)
        return required and sum(best.values()) >= node.min
    return all(met)


def _leaf_spendings(leaf, facts, now):
    if leaf.op == "attest":
        for fact in facts:
            if getattr(fact, "role", None) == leaf.role and leaf.statement in (
                None,
                fact.statement,
            ):
                yield frozenset({(fact.statement, fact.by)})
    elif _leaf_met(leaf, facts, now):
        yield frozenset({unit_of(leaf)})


def _spendings(node, facts, now):
    """Every set of things that somebody could spend to meet a node below an exclusive one."""
    if isinstance(node, Leaf):
        yield from _leaf_spendings(node, facts, now)
        return
    inner = _young(facts, node.period, now) if isinstance(node, Within) else facts
    options = [[None, *_spendings(child, inner, now)] for child in node.of]
    for chosen in product(*options):
        taken = [spent for spent in chosen if spent is not None]
        together = frozenset().union(*taken)
        if sum(map(len, taken)) > len(together):
            continue
        if _enough(node, chosen):
            yield together


def _enough(node, chosen):
    count = sum(spent is not None for spent in chosen)
    if isinstance(node, All | Within):
        return count == len(chosen)
    if isinstance(node, AnyOf):
        return count == 1
    if isinstance(node, AtLeast):
        return count >= node.n
    picked = [spent is not None for spent in chosen]
    worth = sum(w for w, ok in zip(node.weights, picked, strict=True) if ok)
    return worth >= node.min and all(
        ok for ok, needed in zip(picked, node.required, strict=True) if needed
    )


@given(rules(trees()), fact_lists(), moments)
def test_plain_rules_agree_with_a_naive_reading(a_rule, facts, now):
    assert evaluate(a_rule, facts, now).met == _holds(a_rule.root, _settled(facts, now), now)


@given(rules(exclusive_trees()), fact_lists(), moments)
def test_exclusive_rules_agree_with_trying_every_way(a_rule, facts, now):
    assume(len(a_rule.nodes) < 14)
    assert evaluate(a_rule, facts, now).met == _holds(a_rule.root, _settled(facts, now), now)


# --- the matching itself -------------------------------------------------------------------

small_demands = st.lists(
    st.lists(
        st.dictionaries(st.sampled_from("pqrs"), st.integers(0, 3), max_size=3),
        min_size=1,
        max_size=3,
    ).flatmap(lambda options: st.integers(1, len(options)).map(lambda need: Demand(need, options))),
    max_size=3,
)


def _every_assignment(demands):
    options = [(d, o) for d, demand in enumerate(demands) for o in range(len(demand.options))]
    choices = [[None, *demands[d].options[o].items()] for d, o in options]
    for chosen in product(*choices):
        units = [pick[0] for pick in chosen if pick is not None]
        per_demand = [0] * len(demands)
        for (d, _), pick in zip(options, chosen, strict=True):
            per_demand[d] += pick is not None
        within = all(n <= demand.need for n, demand in zip(per_demand, demands, strict=True))
        if len(units) == len(set(units)) and within:
            yield len(units), sum(pick[1] for pick in chosen if pick is not None)


@given(small_demands)
def test_an_assignment_is_as_full_and_as_cheap_as_any(demands):
    best = max((filled, -cost) for filled, cost in _every_assignment(demands))
    found = assign(demands)
    assert (found.filled, -found.cost) == best
    assert found.complete == (found.filled == sum(demand.need for demand in demands))


@given(small_demands)
def test_an_assignment_uses_nothing_twice(demands):
    pairs = assign(demands).pairs
    assert len({unit for *_, unit in pairs}) == len(pairs)
    assert len({(d, o) for d, o, _ in pairs}) == len(pairs)
    for d, o, unit in pairs:
        assert unit in demands[d].options[o]
    for d, demand in enumerate(demands):
        assert sum(place == d for place, *_ in pairs) <= demand.need


def test_the_largest_rule_is_judged_without_trouble():
    of = [{"id": f"b{n}", "op": "badge", "achievement": f"a{n % 100}"} for n in range(198)]
    every = {"id": "r", "op": "at_least", "n": 90, "of": of, "exclusive": True}
    held = [badge(f"a{n}") for n in range(0, 100, 2)]
    result = evaluate(rule(every), held, NOW)
    assert len(result.missing) == 40
    assert result.progress == pytest.approx(50 / 90)


def test_hours_facts_are_shared_unless_a_node_is_exclusive():
    ask = [{"id": f"h{n}", "op": "hours", "min": 1, "activities": [a]} for n, a in enumerate("xy")]
    with pytest.raises(RuleError, match="more than its facts"):
        rule({"id": "r", "op": "all", "of": ask, "exclusive": True})
    both = rule({"id": "r", "op": "all", "of": ask})
    entries = [HoursFact("h", a, 1, NOW, 60, a) for a in "xy"]
    assert evaluate(both, entries, NOW).met
