"""A log-scale histogram: quantiles that hold, merges in any order, and history that only fades."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.histogram import PER_DOUBLING, Histogram, bin_of, edge

# A bin is this much wider at its end than at its beginning.
WIDTH = 2 ** (1 / PER_DOUBLING)
numbers = st.floats(0.001, 1e9)
samples = st.lists(numbers, max_size=60)
levels = st.lists(st.floats(0, 1), min_size=2, max_size=8).map(sorted)


def of(values) -> Histogram:
    found = Histogram()
    for value in values:
        found.add(value)
    return found


def weights(histogram: Histogram) -> dict[int, float]:
    state = histogram.state()
    return dict(zip(state["bins"], state["weights"], strict=True))


def merged(*histograms: Histogram) -> dict[int, float]:
    found = Histogram()
    for each in histograms:
        found.merge(each)
    return weights(found)


@given(numbers)
def test_a_number_lies_in_its_bin(value):
    assert edge(bin_of(value)) <= value * 1.000001
    assert value <= edge(bin_of(value) + 1) * 1.000001


@pytest.mark.parametrize("value", [0, -5, math.nan, math.inf, 1e300, 1e-300])
def test_whatever_is_added_quantiles_stay_finite_and_positive(value):
    histogram = of([value, 5])
    assert all(0 < histogram.quantile(p) < 1e16 for p in (0, 0.5, 1))


@given(samples, levels)
def test_quantiles_are_finite_not_negative_and_rise_with_the_level(values, wanted):
    found = [of(values).quantile(p) for p in wanted]
    if not values:
        assert found == [None] * len(wanted)
    else:
        assert all(math.isfinite(value) and value >= 0 for value in found)
        assert all(below <= above * 1.000001 for below, above in zip(found, found[1:], strict=False))


@given(st.lists(numbers, min_size=1, max_size=61).filter(lambda values: len(values) % 2))
def test_the_median_is_within_a_bin_of_the_true_one(values):
    truth = statistics.median(values)
    assert truth / WIDTH <= of(values).quantile(0.5) <= truth * WIDTH


@given(samples, samples, samples)
def test_merging_is_associative_and_commutative(one, two, three):
    a, b, c = of(one), of(two), of(three)
    left, right = Histogram(), Histogram()
    left.merge(a)
    left.merge(b)
    right.merge(b)
    right.merge(c)
    assert merged(left, c) == merged(a, right) == merged(c, b, a) == merged(b, a, c)


@given(samples, samples)
def test_a_merge_holds_what_both_held(one, two):
    assert merged(of(one), of(two)) == pytest.approx(weights(of(one + two)))


@given(samples, st.lists(st.floats(0.01, 1), min_size=1, max_size=20))
def test_fading_never_brings_anything_back(values, factors):
    histogram = of(values)
    for factor in factors:
        before = weights(histogram)
        histogram.fade(factor)
        after = weights(histogram)
        assert set(after) <= set(before)
        assert all(after[index] <= before[index] * 1.000001 for index in after)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=300))
def test_the_newest_counts_one_and_each_before_it_less(values):
    histogram, growth = Histogram(), 2 ** (1 / 10)
    for value in values:
        histogram.add_fading(bin_of(value), growth)
    expected = sum(growth**-age for age in range(len(values)))
    assert histogram.total == pytest.approx(expected)


def test_a_hundred_thousand_fading_numbers_keep_their_shape():
    histogram = Histogram()
    for turn in range(100_000):
        histogram.add_fading(bin_of(100 if turn % 4 else 1000), 2 ** (1 / 2))
    assert histogram.total == pytest.approx(1 / (1 - 2**-0.5), rel=1e-6)


def test_a_cut_off_number_goes_to_those_above_it_in_proportion():
    histogram = of([10] * 6 + [100] * 3 + [1000])
    histogram.add_censored(bin_of(50), 1.0)
    assert weights(histogram) == pytest.approx({bin_of(10): 6, bin_of(100): 3.75, bin_of(1000): 1.25})


def test_a_cut_off_number_above_all_others_is_where_it_was_cut_off():
    histogram = of([10])
    histogram.add_censored(bin_of(50), 1.0)
    assert weights(histogram) == {bin_of(10): 1, bin_of(50): 1}


@given(samples)
def test_what_is_kept_comes_back(values):
    histogram = of(values)
    assert weights(Histogram.of(histogram.state())) == weights(histogram)
