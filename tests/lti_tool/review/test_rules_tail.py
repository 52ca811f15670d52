from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from lti_tool.review.tail import Work, fillable, may_claim

PEOPLE = "abcd"

open_work = st.lists(
    st.tuples(st.integers(0, 2), st.frozensets(st.sampled_from(PEOPLE))), max_size=4
).map(lambda items: [Work(n, seats, eligible) for n, (seats, eligible) in enumerate(items)])
capacities = st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 2))


def by_trying_everything(work, capacity):
    pairs = [(n, person) for n, item in enumerate(work) for person in sorted(item.eligible)]
    best = 0
    for chosen in product((False, True), repeat=len(pairs)):
        taken = [pair for pair, used in zip(pairs, chosen, strict=True) if used]
        seats_hold = all(
            sum(place == n for place, _ in taken) <= item.seats for n, item in enumerate(work)
        )
        people_hold = all(
            sum(who == person for _, who in taken) <= capacity.get(person, 0) for person in PEOPLE
        )
        if seats_hold and people_hold:
            best = max(best, len(taken))
    return best


@given(open_work.filter(lambda work: sum(len(item.eligible) for item in work) < 11), capacities)
def test_as_many_seats_are_filled_as_can_be(work, capacity):
    assert fillable(work, capacity) == by_trying_everything(work, capacity)


@given(open_work, capacities)
def test_guarded_claims_one_after_another_fill_everything_that_could_be_filled(work, capacity):
    possible = fillable(work, capacity)
    left, free, claimed = list(work), dict(capacity), 0
    progress = True
    while progress:
        progress = False
        for n, item in enumerate(left):
            for person in sorted(item.eligible):
                if may_claim(left, free, item.revision, person):
                    rest = left[n].eligible - {person}
                    left[n] = Work(item.revision, left[n].seats - 1, rest)
                    free[person] -= 1
                    claimed += 1
                    progress = True
                    break
    assert claimed == possible


def test_the_only_reviewer_of_another_revision_is_kept_for_it():
    work = [Work("easy", 1, frozenset("ab")), Work("hard", 1, frozenset("a"))]
    one_each = {"a": 1, "b": 1}
    assert not may_claim(work, one_each, "easy", "a")
    assert may_claim(work, one_each, "easy", "b")
    assert may_claim(work, one_each, "hard", "a")
    assert may_claim(work, {"a": 2, "b": 0}, "easy", "a")


def test_what_cannot_be_filled_anyway_holds_nobody_up():
    work = [Work("easy", 1, frozenset("a")), Work("hopeless", 1, frozenset())]
    assert may_claim(work, {"a": 1}, "easy", "a")


def test_nobody_claims_a_seat_that_is_not_theirs_to_claim():
    work = [Work("r", 1, frozenset("a")), Work("full", 0, frozenset("a"))]
    assert not may_claim(work, {"a": 1, "b": 1}, "r", "b")
    assert not may_claim(work, {"a": 0}, "r", "a")
    assert not may_claim(work, {}, "r", "a")
    assert not may_claim(work, {"a": 1}, "full", "a")
    assert not may_claim(work, {"a": 1}, "gone", "a")


def test_one_person_does_not_fill_two_seats_of_one_revision():
    assert fillable([Work("r", 2, frozenset("a"))], {"a": 5}) == 1
