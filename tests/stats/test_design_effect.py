"""Counts over their design effect: repeated rows, a case worked by hand, and coverage where rows belong together."""

import numpy as np
import pytest
from scipy import stats

from harness.stats.design_effect import effective_counts
from harness.stats.intervals import newcombe, score_ratio, wilson
from harness.stats.levels import at_level, p_beyond


def test_rows_that_stand_alone_are_counted_as_they_are():
    hit = np.array([True, False, True, True])
    assert effective_counts(hit, None) == (3, 4)
    assert effective_counts(np.zeros(0, dtype=bool), np.zeros(0, dtype=object)) == (0, 0)


def test_a_case_by_hand():
    """Clusters of 2, 2 and 4 rows with 2, 0 and 2 hits: p = 1/2, v = 3/2 · (1 + 1 + 0) / 64 + 0.5 · (1/4 + 1/4) / 9, binomial
    variance 1/32, t² / z² = 18.5128 / 3.84146: 11.6, more than the most, (4 + 4 + 16) / 8 = 3.
    """
    hit = np.array([1, 1, 0, 0, 1, 1, 0, 0], dtype=bool)
    assert effective_counts(hit, np.array(list("aabbcccc"), dtype=object)) == pytest.approx((4 / 3, 8 / 3))


def test_another_by_hand_that_no_bound_cuts():
    """40 clusters of 10 rows, each half hits: v = 0 + 0.5 · 0.5 / 1600; over 0.25 / 400 that is 0.25, times 1.0648: 1 at least.
    With 2 and 8 hits in turn: v = 40 / 39 · 40 · 9 / 400² + 0.5 · 0.5 / 1600, d = v / (0.25 / 400) · t² / z².
    """
    owner = np.repeat(np.arange(40), 10)
    assert effective_counts(np.tile([True, False], 200), owner) == (200, 400)
    hit = np.concatenate([np.arange(10) < (8 if i % 2 else 2) for i in range(40)])
    d = (40 / 39 * 40 * 9 / 400**2 + 0.25 / 1600) / (0.25 / 400) * (stats.t.ppf(0.975, 39) / stats.norm.ppf(0.975)) ** 2
    assert effective_counts(hit, owner) == pytest.approx((200 / d, 400 / d))


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_of_a_row_tell_nothing_new(copies):
    hit = np.random.default_rng(0).random(400) < 0.3
    hits, n = effective_counts(np.repeat(hit, copies), np.repeat(np.arange(400), copies))
    assert n == pytest.approx(399) and hits / n == pytest.approx(hit.mean())
    assert effective_counts(hit, np.arange(400))[1] == pytest.approx(399)


def test_a_cluster_counts_once_where_all_hit_or_none_and_hardly_more_often_where_one_row_does():
    clusters = np.repeat(np.arange(10), 60)
    assert effective_counts(np.ones(600, dtype=bool), clusters) == (10, 10)
    ends = [wilson(*effective_counts(np.arange(600) < hits, clusters)).high for hits in (0, 1, 2, 5)]
    assert ends == sorted(ends) and ends[0] > 0.27
    assert effective_counts(np.zeros(40, dtype=bool), np.array(["one"] * 40)) == (0, 1)


def test_an_interval_of_fractions_is_computed_again_at_another_level():
    for interval in (wilson(12.5, 40.25), newcombe(12.5, 40.25, 9, 30), score_ratio(12.5, 40.25, 9.75, 30)):
        assert at_level(interval, 0.95) == interval
        wide = at_level(interval, 0.99)
        assert wide.low < interval.low and wide.high > interval.high
        assert p_beyond(interval, interval.low, above=True) == pytest.approx(0.025, abs=1e-6)


@pytest.mark.parametrize(("clusters", "rows"), [(2, 15), (2, 50), (3, 10), (5, 20), (20, 5), (100, 6)])
@pytest.mark.parametrize("law", [(0.8, 1.2), (800, 1200), (0.2, 3.8)])
def test_a_share_of_few_or_many_clusters_is_covered(clusters, rows, law):
    """300 trials of a share that is alike within clusters, independent, or rare: at most 5 % missed, up to Monte Carlo error."""
    rng, truth, missed = np.random.default_rng(3), law[0] / sum(law), 0
    owner = np.repeat(np.arange(clusters), rows)
    for _ in range(300):
        band = wilson(*effective_counts(rng.random(len(owner)) < rng.beta(*law, clusters)[owner], owner))
        missed += not band.low <= truth <= band.high
    assert missed <= 25


@pytest.mark.slow
@pytest.mark.parametrize("persons", [20, 40, 120])
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


def test_large_clusters_that_differ_from_small_ones_are_covered():
    """1,000 clusters, one in a hundred of 30 rows that nearly all hit, the rest of one row that hardly does: 400 trials."""
    rng, missed = np.random.default_rng(7), 0
    for _ in range(400):
        large = rng.random(1000) < 0.01
        owner = np.repeat(np.arange(1000), np.where(large, 30, 1))
        hit = rng.random(len(owner)) < np.where(large, rng.beta(9, 1, 1000), 0.02)[owner]
        band = wilson(*effective_counts(hit, owner))
        truth = (0.01 * 30 * 0.9 + 0.99 * 0.02) / (0.01 * 30 + 0.99)
        missed += not band.low <= truth <= band.high
    assert missed / 400 < 0.1
