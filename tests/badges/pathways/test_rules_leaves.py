"""What each leaf counts, and whom it says must act."""

from datetime import datetime

import pytest

from badges.pathways.rules import Actor, FactError, MissingKind, Status, evaluate
from tests.support.pathway_facts import (
    DAY0,
    attestation,
    badge,
    day,
    decision,
    hours,
    review_given,
    reviews,
    rule,
)

RUBRIC = rule({"id": "ru", "op": "rubric", "task": "t1", "min": {"c1": 3, "*": 2}})
BADGE = rule({"id": "b", "op": "badge", "achievement": "a"})
HOURS = rule({"id": "h", "op": "hours", "min": 2})


def judge(a_rule, *facts, now=DAY0, **options):
    return evaluate(a_rule, facts, now, **options)


def only_missing(result):
    (missing,) = result.missing
    return missing


def test_a_rubric_is_met_when_every_criterion_reaches_its_level():
    result = judge(RUBRIC, decision(levels={"c1": 3, "c2": 2}))
    assert result.met
    assert result.progress == 1
    assert result.used == (("submission", "submission-t1", 1),)
    assert result.missing == ()


@pytest.mark.parametrize(
    ("levels", "below"),
    [
        ({"c1": 2, "c2": 4}, {"c1": {"have": 2, "need": 3}}),
        ({"c1": 3, "c2": 1}, {"c2": {"have": 1, "need": 2}}),
        ({"c2": 2}, {"c1": {"have": 0, "need": 3}}),
    ],
)
def test_a_rubric_names_the_criteria_that_are_below(levels, below):
    result = judge(RUBRIC, decision(levels=levels))
    missing = only_missing(result)
    assert (missing.kind, missing.who) == (MissingKind.REVISE_EVIDENCE, Actor.LEARNER)
    assert missing.params == {"criteria": below}
    assert 0 <= result.progress < 1
    assert result.status is Status.UNMET


def test_levels_do_not_stand_in_for_a_decision_that_said_not_yet():
    result = judge(RUBRIC, decision(levels={"c1": 4, "c2": 4}, outcome="not_yet"))
    assert result.status is Status.UNMET
    assert only_missing(result).kind is MissingKind.REVISE_EVIDENCE


def test_a_default_level_needs_levels_to_apply_to():
    everywhere = rule({"id": "ru", "op": "rubric", "task": "t1", "min": {"*": 1}})
    assert not judge(everywhere, decision(levels={})).met


def test_without_a_decision_the_learner_submits_and_then_waits():
    missing = only_missing(judge(RUBRIC))
    assert (missing.kind, missing.who) == (MissingKind.SUBMIT_EVIDENCE, Actor.LEARNER)
    waiting = judge(RUBRIC, in_review=["t1"])
    missing = only_missing(waiting)
    assert (missing.kind, missing.who) == (MissingKind.WAIT_FOR_REVIEWERS, Actor.REVIEWER)
    assert waiting.status is Status.PENDING
    assert judge(RUBRIC, in_review=["other"]).status is Status.UNMET


def test_a_higher_revision_supersedes_and_the_latest_decision_of_a_task_counts():
    first = decision(levels={"c1": 4, "c2": 4}, revision=1)
    second = decision(levels={"c1": 1, "c2": 1}, revision=2)
    assert not judge(RUBRIC, first, second).met
    assert not judge(RUBRIC, second, first).met
    elsewhere = decision(levels={"c1": 3, "c2": 3}, source_id="again", at=day(2))
    assert judge(RUBRIC, second, elsewhere, now=day(2)).met
    assert not judge(RUBRIC, second, elsewhere, now=day(1)).met


def test_a_withdrawn_revision_takes_the_fact_back():
    assert not judge(RUBRIC, decision(), decision(revision=2, withdrawn=True)).met


def test_reviews_count_people_in_the_roles_asked_for_and_only_independent_ones():
    node = {"id": "rv", "op": "reviews", "task": "t1", "k": 2, "roles": ["peer"]}
    plain, strict = rule(node), rule({**node, "independent": True})
    assert judge(plain, decision(by=reviews("x", "y"))).met
    twice = reviews("x") + reviews("x")
    assert not judge(plain, decision(by=twice)).met
    assert not judge(plain, decision(by=reviews("x") + reviews("z", role="coach"))).met
    related = reviews("x") + reviews("y", independent=False)
    assert judge(plain, decision(by=related)).met
    result = judge(strict, decision(by=related))
    missing = only_missing(result)
    assert (missing.kind, missing.who) == (MissingKind.WAIT_FOR_REVIEWERS, Actor.REVIEWER)
    assert missing.params == {"have": 1, "need": 2, "roles": ["peer"], "independent": True}
    assert result.status is Status.PENDING
    assert result.progress == 0.5


def test_reviews_of_a_decision_that_said_not_yet_are_no_approvals():
    node = rule({"id": "rv", "op": "reviews", "task": "t1", "k": 1})
    result = judge(node, decision(by=reviews("x"), outcome="not_yet"))
    assert only_missing(result).kind is MissingKind.REVISE_EVIDENCE


def test_a_coach_is_named_where_only_a_coach_will_do():
    node = rule({"id": "rv", "op": "reviews", "task": "t1", "k": 1, "roles": ["coach"]})
    assert only_missing(judge(node, decision())).who is Actor.COACH


def test_a_badge_counts_while_it_is_valid():
    held = badge("a", end=day(10))
    assert judge(BADGE, held, now=day(9)).met
    expired = judge(BADGE, held, now=day(10))
    missing = only_missing(expired)
    assert (missing.kind, missing.who) == (MissingKind.RENEW_BADGE, Actor.LEARNER)
    assert missing.params == {"since": day(10)}
    assert judge(BADGE, held, now=day(9)).next_eval_at == day(10)
    assert expired.next_eval_at is None


def test_a_revoked_badge_does_not_count():
    held, revoked = badge("a"), badge("a", revoked=True, revision=2, at=day(1))
    assert judge(BADGE, held, revoked, now=DAY0).met
    result = judge(BADGE, held, revoked, now=day(1))
    assert only_missing(result).params == {"since": day(1)}


def test_a_badge_that_begins_later_is_waited_for():
    result = judge(BADGE, badge("a", start=day(5)))
    missing = only_missing(result)
    assert (missing.kind, missing.who) == (MissingKind.WAIT_UNTIL, Actor.NOBODY)
    assert missing.params == {"until": day(5)}
    assert result.status is Status.PENDING
    assert result.next_eval_at == day(5)


def test_the_copy_that_lasts_longest_stands_for_a_badge():
    copies = [badge("a", copy=0, end=day(3)), badge("a", copy=1), badge("a", copy=2, end=day(9))]
    assert judge(BADGE, *copies).used == (("badge", "credential-a-1", 1),)


def test_hours_add_up_to_the_minute_with_as_few_entries_as_will_do():
    entries = [hours(30, n=0), hours(60, n=1), hours(45, n=2)]
    short = judge(HOURS, *entries[:2])
    assert only_missing(short).params == {"have": 90, "need": 120, "activities": []}
    assert short.progress == 0.75
    result = judge(HOURS, *entries, hours(90, n=3))
    assert result.used == (("hours", "entry-1", 1), ("hours", "entry-3", 1))
    assert not judge(HOURS, hours(119)).met


def test_hours_may_ask_for_an_activity_and_reviewing_is_one():
    node = rule({"id": "h", "op": "hours", "min": 1, "activities": ["review"]})
    assert not judge(node, hours(120)).met
    assert judge(node, review_given(40, n=1), review_given(20, n=2)).met


def test_kinds_of_evidence_are_counted_once_over_what_was_met():
    node = rule({"id": "k", "op": "evidence_kinds", "n": 2})
    one = decision("t1", kinds=("video",))
    assert not judge(node, one, decision("t2", kinds=("video",))).met
    assert not judge(node, one, decision("t2", kinds=("plan",), outcome="not_yet")).met
    assert judge(node, one, decision("t2", kinds=("plan", "video"))).used == (
        ("submission", "submission-t2", 1),
    )
    missing = only_missing(judge(node, one))
    assert missing.kind is MissingKind.ADD_EVIDENCE_KINDS
    assert missing.params == {"have": 1, "need": 2, "present": ["video"], "kinds": []}


def test_kinds_of_evidence_may_be_limited_to_a_task_and_to_kinds():
    node = {"id": "k", "op": "evidence_kinds", "n": 1, "task": "t1", "kinds": ["video"]}
    assert not judge(rule(node), decision("t2", kinds=("video",))).met
    assert not judge(rule(node), decision("t1", kinds=("plan",))).met
    assert judge(rule(node), decision("t1", kinds=("plan", "video"))).met


@pytest.mark.parametrize(
    ("role", "who"), [("coach", Actor.COACH), ("principal", Actor.ROLE_HOLDER)]
)
def test_an_attestation_is_asked_of_the_role_that_gives_it(role, who):
    node = rule({"id": "at", "op": "attest", "role": role, "statement": "s1"})
    result = judge(node, attestation(role="teacher"), attestation("s2", role))
    missing = only_missing(result)
    assert (missing.kind, missing.who) == (MissingKind.ASK_ATTESTATION, who)
    assert missing.params == {"role": role}
    assert result.status is Status.PENDING
    assert judge(node, attestation("s1", role)).met


def test_facts_from_the_future_do_not_count_yet():
    result = judge(HOURS, hours(120, at=day(1)))
    assert not result.met
    assert result.next_eval_at == day(1)
    assert judge(HOURS, hours(120, at=day(1)), now=day(1)).met


def test_two_different_facts_under_one_key_are_refused():
    with pytest.raises(FactError, match="hours/entry-0/1"):
        judge(HOURS, hours(30), hours(60))


def test_the_moment_must_have_a_zone():
    with pytest.raises(ValueError, match="aware"):
        judge(HOURS, now=datetime(2026, 1, 1))  # noqa: DTZ001
