import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.review.rules import (
    Criterion,
    Kind,
    RepeatedReviewerError,
    Review,
    Rubric,
    ScoreError,
    TooFewReviewsError,
    VersionMismatchError,
    decide,
    default_k,
    disagreement,
    needs_adjudication,
    score_faults,
)

RUBRIC = Rubric("v1", (Criterion("goal", 4, 3), Criterion("evidence", 4, 2)))


def review(who, goal, evidence, kind=Kind.PEER, **more):
    scores = {"goal": goal, "evidence": evidence}
    return Review(f"r-{who}", who, kind, more.pop("version", "v1"), scores, **more)


levels = st.integers(1, 4)
panels = st.lists(st.tuples(levels, levels), min_size=1, max_size=7).map(
    lambda pairs: [review(n, *pair) for n, pair in enumerate(pairs)]
)


def test_one_coach_decides_alone():
    decision = decide(RUBRIC, [review("c", 3, 2, Kind.COACH)], 1)
    assert decision.outcome == "met"
    assert decision.levels == {"goal": 3, "evidence": 2}
    assert decision.below == ()
    assert decision.reviews == ("r-c",)


def test_two_peers_give_the_lower_of_two_levels():
    decision = decide(RUBRIC, [review("x", 3, 4), review("y", 2, 3)], 2)
    assert decision.levels == {"goal": 2, "evidence": 3}
    assert decision.outcome == "not_yet"
    assert decision.below == ("goal",)


def test_every_criterion_must_reach_its_level_whatever_the_others_say():
    assert decide(RUBRIC, [review("x", 4, 1)], 1).below == ("evidence",)
    assert decide(RUBRIC, [review("x", 2, 1)], 1).below == ("goal", "evidence")


@given(panels)
def test_the_median_lies_among_the_levels_given_with_half_on_either_side(panel):
    decision = decide(RUBRIC, panel, 1)
    for criterion, level in decision.levels.items():
        given_levels = [item.scores[criterion] for item in panel]
        assert level in given_levels
        assert 2 * sum(other >= level for other in given_levels) >= len(panel)
        assert 2 * sum(other <= level for other in given_levels) >= len(panel)
        # The lower middle: half or more would have given no more than this.
        assert all(
            2 * sum(other <= lower for other in given_levels) < len(panel)
            for lower in range(1, level)
        )


@given(panels, st.randoms(use_true_random=False))
def test_the_order_of_reviews_does_not_matter(panel, random):
    decision = decide(RUBRIC, panel, 1)
    shuffled = random.sample(panel, len(panel))
    again = decide(RUBRIC, shuffled, 1)
    assert (again.levels, again.outcome, again.below) == (
        decision.levels,
        decision.outcome,
        decision.below,
    )


@given(panels, levels, st.integers(0, 6))
def test_a_higher_score_never_lowers_the_outcome(panel, goal, place):
    before = decide(RUBRIC, panel, 1)
    place %= len(panel)
    old = panel[place]
    raised = review(old.reviewer, max(goal, old.scores["goal"]), old.scores["evidence"])
    after = decide(RUBRIC, [*panel[:place], raised, *panel[place + 1 :]], 1)
    assert after.levels["goal"] >= before.levels["goal"]
    assert after.outcome == "met" or before.outcome == "not_yet"


def test_no_decision_has_fewer_reviews_than_it_needs():
    with pytest.raises(TooFewReviewsError) as caught:
        decide(RUBRIC, [review("x", 4, 4)], 2)
    assert (caught.value.have, caught.value.need) == (1, 2)
    with pytest.raises(RepeatedReviewerError):
        decide(RUBRIC, [review("x", 4, 4), review("x", 4, 4)], 2)
    with pytest.raises(ValueError, match="k must be"):
        decide(RUBRIC, [review("x", 4, 4)], 0)


def test_reviews_that_are_not_independent_can_be_left_out():
    panel = [review("x", 4, 4), review("y", 1, 1, independent=False)]
    assert decide(RUBRIC, panel, 2).outcome == "not_yet"
    decision = decide(RUBRIC, panel, 1, independent=True)
    assert (decision.outcome, decision.reviews) == ("met", ("r-x",))
    with pytest.raises(TooFewReviewsError):
        decide(RUBRIC, panel, 2, independent=True)


def test_an_adjudicator_decides_but_does_not_count_towards_k():
    split = [review("x", 1, 4), review("y", 4, 4)]
    judge = review("j", 3, 2, Kind.ADJUDICATOR)
    assert decide(RUBRIC, split, 2).outcome == "not_yet"
    decision = decide(RUBRIC, [judge, *split], 2)
    assert decision.levels == {"goal": 3, "evidence": 2}
    assert decision.outcome == "met"
    assert decision.reviews == ("r-x", "r-y", "r-j")
    with pytest.raises(TooFewReviewsError):
        decide(RUBRIC, [judge, split[0]], 2)


def test_an_appeal_can_raise_what_one_coach_scored():
    coach = review("c", 2, 2, Kind.COACH)
    assert decide(RUBRIC, [coach, review("j", 3, 2, Kind.ADJUDICATOR)], 1).outcome == "met"


def test_reviews_on_another_version_of_the_rubric_are_refused():
    with pytest.raises(VersionMismatchError) as caught:
        decide(RUBRIC, [review("x", 4, 4), review("y", 4, 4, version="v0")], 1)
    assert caught.value.reviews == ("r-y",)


def test_every_faulty_score_is_named():
    scores = {"evidence": 5, "style": 2}
    faults = score_faults(RUBRIC, scores)
    assert [(fault.criterion, fault.code, fault.given) for fault in faults] == [
        ("goal", "missing", None),
        ("evidence", "foreign_level", 5),
        ("style", "unknown_criterion", 2),
    ]
    with pytest.raises(ScoreError) as caught:
        decide(RUBRIC, [Review("r", "x", Kind.PEER, "v1", scores)], 1)
    assert caught.value.faults == faults
    assert caught.value.review == "r"


@pytest.mark.parametrize("level", [0, -1, 5, 2.0, "2", True])
def test_a_level_is_one_of_the_criterions_own(level):
    (fault,) = score_faults(RUBRIC, {"goal": level, "evidence": 1})
    assert (fault.code, fault.given) == ("foreign_level", level)


def test_complete_scores_have_no_fault():
    assert score_faults(RUBRIC, {"goal": 1, "evidence": 4}) == ()


@pytest.mark.parametrize(
    ("panel", "on_outcome", "criteria"),
    [
        ([(3, 2), (2, 2)], True, ()),
        ([(3, 2), (3, 4)], False, ("evidence",)),
        ([(4, 4), (2, 2)], True, ("goal", "evidence")),
    ],
)
def test_reviewers_who_disagree_need_an_adjudicator(panel, on_outcome, criteria):
    reviews = [review(n, *pair) for n, pair in enumerate(panel)]
    found = disagreement(RUBRIC, reviews)
    assert (found.on_outcome, found.criteria) == (on_outcome, criteria)
    assert needs_adjudication(RUBRIC, reviews)
    judged = [*reviews, review("j", 3, 3, Kind.ADJUDICATOR)]
    assert not needs_adjudication(RUBRIC, judged)


@pytest.mark.parametrize("panel", [[(3, 2)], [(3, 2), (3, 2)], [(3, 2), (4, 3)], [(1, 1), (2, 2)]])
def test_reviewers_who_are_close_need_none(panel):
    reviews = [review(n, *pair) for n, pair in enumerate(panel)]
    assert not needs_adjudication(RUBRIC, reviews)


@given(panels)
def test_where_nobody_is_asked_to_adjudicate_everybody_agrees_on_the_outcome(panel):
    if not needs_adjudication(RUBRIC, panel):
        outcomes = {decide(RUBRIC, [item], 1).outcome for item in panel}
        assert outcomes == {decide(RUBRIC, panel, len(panel)).outcome}


def test_one_coach_or_two_peers_by_default():
    assert (default_k(Kind.COACH), default_k(Kind.PEER)) == (1, 2)
    assert default_k("peer") == 2


def test_a_rubric_that_cannot_be_passed_or_has_nothing_in_it_is_refused():
    with pytest.raises(ValueError, match="goal"):
        Criterion("goal", 3, 4)
    with pytest.raises(ValueError, match="criteria"):
        Rubric("v1", ())
    with pytest.raises(ValueError, match="criteria"):
        Rubric("v1", (Criterion("a", 2, 1), Criterion("a", 2, 1)))
