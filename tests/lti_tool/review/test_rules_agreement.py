from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_tool.review.agreement import Strength, agreement

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C:
# four observers, twelve units, some of them not seen by everybody.
OBSERVERS = [
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
]
PUBLISHED = [
    [level for level in unit if level is not None] for unit in zip(*OBSERVERS, strict=True)
]

samples = st.lists(st.lists(st.integers(1, 4), max_size=5), max_size=12)


def by_definition(units):
    """Alpha from its definition, pair by pair and rational where it can be."""
    units = [unit for unit in units if len(unit) > 1]
    values = [level for unit in units for level in unit]

    def distance(one, other):
        low, high = sorted((one, other))
        between = sum(low <= level <= high for level in values)
        return (between - (values.count(low) + values.count(high)) / 2) ** 2

    observed = sum(
        distance(*pair) / (len(unit) - 1) for unit in units for pair in permutations(unit, 2)
    ) / len(values)
    expected = sum(distance(*pair) for pair in permutations(values, 2))
    return 1 - observed / (expected / (len(values) * (len(values) - 1)))


def test_the_published_example_comes_out_as_published():
    found = agreement(PUBLISHED)
    assert found.alpha == pytest.approx(0.815, abs=0.0005)
    assert (found.units, found.ratings) == (11, 40)
    assert found.low < found.alpha < found.high <= 1


@given(samples)
def test_alpha_is_what_its_definition_says(units):
    found = agreement(units, resamples=1)
    paired = [unit for unit in units if len(unit) > 1]
    assert found.units == len(paired)
    if len({level for unit in paired for level in unit}) < 2:
        assert found.alpha is None
    else:
        assert found.alpha == pytest.approx(by_definition(units))


@given(samples)
def test_alpha_depends_on_the_order_of_levels_alone(units):
    plain = agreement(units, resamples=1)
    stretched = agreement([[level**2 for level in unit] for unit in units], resamples=1)
    mirrored = agreement([[5 - level for level in unit] for unit in units], resamples=1)
    shuffled = agreement([unit[::-1] for unit in units[::-1]], resamples=1)
    if plain.alpha is None:
        assert stretched.alpha is mirrored.alpha is shuffled.alpha is None
    else:
        assert stretched.alpha == pytest.approx(plain.alpha)
        assert mirrored.alpha == pytest.approx(plain.alpha)
        assert shuffled.alpha == pytest.approx(plain.alpha)


@given(samples, st.integers(0, 5))
def test_the_interval_is_ordered_within_bounds_and_repeatable(units, seed):
    found = agreement(units, seed=seed, resamples=40)
    assert found == agreement(units, seed=seed, resamples=40)
    if found.alpha is not None:
        assert found.low <= found.high <= 1


def test_reviewers_who_always_agree_reach_one():
    found = agreement([[1, 1], [2, 2], [3, 3, 3]])
    assert (found.alpha, found.low, found.high) == (1, 1, 1)


def test_near_misses_cost_less_than_opposites():
    near = agreement([[1, 2], [3, 4], [2, 2], [4, 4], [1, 1]])
    far = agreement([[1, 4], [3, 1], [2, 2], [4, 4], [1, 1]])
    assert near.alpha > far.alpha


@pytest.mark.parametrize("units", [[], [[3]], [[1], [2]], [[2, 2], [2, 2, 2]]])
def test_without_pairs_or_variation_nothing_is_claimed(units):
    found = agreement(units)
    assert (found.alpha, found.low, found.high) == (None, None, None)
    assert found.strength is Strength.UNKNOWN


def test_more_work_makes_the_interval_narrower():
    few, many = agreement(PUBLISHED), agreement(PUBLISHED * 10)
    assert many.high - many.low < few.high - few.low


def test_agreement_is_read_as_the_house_reads_it():
    assert agreement(PUBLISHED).strength is Strength.GOOD
    assert agreement([[1, 4], [2, 3], [3, 1], [4, 2]]).strength is Strength.LOW
    fair = agreement([[1, 1], [2, 2], [3, 3], [4, 4], [1, 3], [2, 2], [4, 4]])
    assert 0.67 <= fair.alpha < 0.80
    assert fair.strength is Strength.FAIR


@pytest.mark.parametrize("options", [{"confidence": 0}, {"confidence": 1}, {"resamples": 0}])
def test_senseless_options_are_refused(options):
    with pytest.raises(ValueError, match="confidence"):
        agreement(PUBLISHED, **options)
