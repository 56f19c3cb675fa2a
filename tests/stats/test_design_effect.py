"""Counts over their design effect: repeated rows, a case worked by hand, and coverage where rows belong together."""

import numpy as np
import pytest

from harness.stats.design_effect import effective_counts
from harness.stats.intervals import at_level, newcombe, p_beyond, score_ratio, wilson


def test_rows_that_stand_alone_are_counted_as_they_are():
    hit = np.array([True, False, True, True])
    assert effective_counts(hit, None) == (3, 4)
    assert effective_counts(np.zeros(0, dtype=bool), np.zeros(0, dtype=object)) == (0, 0)


def test_a_case_by_hand():
    """Clusters of 2, 2 and 4 rows with 2, 0 and 2 hits: p = 1/2, v = 3/2 · (1 + 1 + 0) / 64, binomial variance 1/32, d = 1.5."""
    hit = np.array([1, 1, 0, 0, 1, 1, 0, 0], dtype=bool)
    clusters = np.array(list("aabbcccc"), dtype=object)
    assert effective_counts(hit, clusters) == pytest.approx((4 / 1.5, 8 / 1.5))


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_of_a_row_tell_nothing_new(copies):
    hit = np.random.default_rng(0).random(400) < 0.3
    hits, n = effective_counts(np.repeat(hit, copies), np.repeat(np.arange(400), copies))
    assert n == pytest.approx(399, rel=1e-9) and hits / n == pytest.approx(hit.mean())


def test_where_all_hit_or_none_a_cluster_counts_once_and_alike_rows_never_count_more_than_once():
    clusters = np.repeat(np.arange(10), 6)
    assert effective_counts(np.ones(60, dtype=bool), clusters) == (10, 10)
    assert effective_counts(np.zeros(60, dtype=bool), clusters) == (0, 10)
    assert effective_counts(np.array([True, False] * 30), clusters) == (30, 60)  # each half right: unlike within


def test_an_interval_of_fractions_is_computed_again_at_another_level():
    for interval in (wilson(12.5, 40.25), newcombe(12.5, 40.25, 9, 30), score_ratio(12.5, 40.25, 9.75, 30)):
        assert at_level(interval, 0.95) == interval
        wide = at_level(interval, 0.99)
        assert wide.low < interval.low and wide.high > interval.high
        assert p_beyond(interval, interval.low, above=True) == pytest.approx(0.025, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("persons", [40, 120])
def test_the_ratio_of_two_equal_groups_of_people_with_several_rows_is_covered(persons):
    """Each person has 1 to 10 rows, alike by a beta law (correlation within 0.33): rows as independent would miss in a third."""
    rng, trials, missed, naive = np.random.default_rng(5), 2000, 0, 0
    for _ in range(trials):
        sides = []
        for _ in range(2):
            owner = np.repeat(np.arange(persons), rng.integers(1, 11, persons))
            hit = rng.random(len(owner)) < rng.beta(0.8, 1.2, persons)[owner]
            sides.append((effective_counts(hit, owner), (hit.sum(), len(hit))))
        for kind in (0, 1):
            band = score_ratio(*sides[0][kind], *sides[1][kind])
            outside = not band.low <= 1 <= band.high
            missed, naive = missed + (outside and kind == 0), naive + (outside and kind == 1)
    assert missed / trials < 0.07
    assert naive / trials > 0.2
