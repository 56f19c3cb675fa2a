"""Means, gaps of means and parts of a total: known answers, clusters, and values that are all alike."""

import numpy as np
import pytest
from scipy.stats import binom, t, ttest_ind

from harness.stats.estimates import estimate
from harness.stats.exact import clopper_pearson
from harness.stats.levels import at_level, p_beyond
from harness.stats.losses import mean_loss
from harness.stats.means import (
    Group,
    bounded_mean,
    loss_gap,
    mean_gap,
    part_of_total,
    signed_mean,
    skewed_student,
)

EVEN = np.arange(-20.0, 21)


def clusters(count, size):
    return np.repeat(np.arange(count), size).astype(str)


def test_of_even_values_the_interval_is_students():
    band = signed_mean(EVEN)
    half = t.ppf(0.975, 40) * EVEN.std(ddof=1) / np.sqrt(41)
    assert (band.low, band.high) == (pytest.approx(-half, rel=0.15), pytest.approx(half, rel=0.15))
    assert band.high > half
    many = np.tile(EVEN, 40)
    assert signed_mean(many).high == pytest.approx(t.ppf(0.975, 1639) * many.std(ddof=1) / np.sqrt(1640), rel=0.005)


def test_of_two_even_groups_the_gap_is_welchs():
    own, other = np.tile(EVEN, 40), np.tile(EVEN[5:-5] * 3 + 1, 40)
    gap = mean_gap(Group(own), Group(other))
    wanted = ttest_ind(own, other, equal_var=False).confidence_interval()
    assert (gap.low, gap.high) == (pytest.approx(wanted.low, rel=0.02), pytest.approx(wanted.high, rel=0.02))
    assert estimate(gap) == pytest.approx(-1)


def test_halls_end_lies_further_out_on_the_side_of_the_tail_alone():
    even, skewed = (skewed_student(0.0, [0.0, 1.0, 40, k], [0.0, 1.0, 40, k]) for k in (0.0, 0.3))
    assert skewed.low == even.low and skewed.high > even.high
    # g(T) = T + k T² / 3 + k² T³ / 27 + k / 6 of Hall (1992) turns the end back into Student's quantile.
    end = -skewed.high
    assert end + 0.3 * end**2 / 3 + 0.3**2 * end**3 / 27 + 0.3 / 6 == pytest.approx(-t.ppf(0.975, 40))


@pytest.mark.slow
def test_exponential_values_are_missed_in_four_percent_at_most():
    rng, below, tables = np.random.default_rng(0), 0, 2000
    for _ in range(tables):
        below += signed_mean(rng.exponential(1, 30)).high < 1
    assert below <= binom.ppf(0.99, tables, 0.025)  # of Student's interval 7 %


@pytest.mark.slow
def test_log_normal_errors_of_30_rows_are_missed_in_four_percent_at_most():
    rng, few, tables = np.random.default_rng(0), {"mean": 0, "gap": 0, "loss": 0}, 2000
    for _ in range(tables):
        own, other = (rng.lognormal(0, 1, n) - np.exp(0.5) for n in (30, 2000))
        few["mean"] += signed_mean(own).high < 0
        few["gap"] += mean_gap(Group(own), Group(other)).high < 0
        few["loss"] += mean_loss(rng.lognormal(0, 1, 30), None, 1.0).high < np.exp(0.5)
    assert max(few.values()) <= binom.ppf(0.99, tables, 0.04), few  # 6, 8 and 6 % without what was not seen


def test_a_cluster_in_both_groups_counts_with_the_difference():
    rng = np.random.default_rng(1)
    shared, noise = np.repeat(rng.normal(0, 10, 30), 3), rng.normal(size=(2, 90))
    one, other = (Group(shared + own, clusters(30, 3)) for own in noise)
    apart = mean_gap(one, Group(other.values, np.char.add("r", clusters(30, 3))))
    together = mean_gap(one, other)
    assert together.high - together.low < 0.2 * (apart.high - apart.low)
    means = (noise[0] - noise[1]).reshape(30, 3).mean(axis=1)
    wanted = signed_mean(means)
    assert together.high - together.low == pytest.approx(wanted.high - wanted.low, rel=0.1)
    positive = [Group(np.abs(group.values), group.clusters) for group in (one, other)]
    assert loss_gap(*positive).inputs["correlation"] > 0.9


def test_of_zeros_and_ones_a_mean_is_a_share():
    hit = np.r_[np.ones(7), np.zeros(13)]
    assert bounded_mean(hit) == clopper_pearson(7, 20)
    assert bounded_mean(np.ones(20)) == clopper_pearson(20, 20)
    assert bounded_mean(np.full(20, 0.6)).inputs["n"] == 20
    narrow = bounded_mean(0.4 + 0.2 * hit)
    assert narrow.high - narrow.low < 0.3 * (bounded_mean(hit).high - bounded_mean(hit).low)


def test_a_part_that_is_nothing_or_all_of_the_total_has_an_interval():
    total = np.arange(1.0, 21)
    assert part_of_total(np.zeros(20), total) == clopper_pearson(0, 20)
    assert part_of_total(total, total) == clopper_pearson(20, 20)
    assert part_of_total(np.zeros(20), total, clusters(5, 4)).inputs["n"] == 5
    assert estimate(part_of_total(total * 0.25, total)) == pytest.approx(0.25)


def test_what_does_not_differ_has_a_width_and_one_row_has_no_interval():
    for own in (None, clusters(10, 3)):
        alike, other = Group(np.full(30, 2.0), own), Group(np.full(30, 1.0), own)
        for band in (signed_mean(alike.values, own), mean_gap(alike, other), loss_gap(alike, other)):
            assert band.low < estimate(band) < band.high
    # The sums of these clusters are alike though the rows are not.
    rows = np.tile([1.0, 3.0, 2.0], 10)
    for band in (signed_mean(rows, clusters(10, 3)), mean_loss(rows, None, 3.0, clusters(10, 3))):
        assert band.low < 2 < band.high
    assert signed_mean(np.ones(1)) is None
    assert signed_mean(np.ones(3), np.array(["a"] * 3)) is None
    assert mean_gap(Group(np.ones(1)), Group(EVEN)) is None


SKEWED = np.exp(EVEN / 10)
EVERY = [
    signed_mean(SKEWED),
    mean_gap(Group(SKEWED), Group(EVEN)),
    loss_gap(Group(SKEWED), Group(np.abs(EVEN))),
    bounded_mean(SKEWED / 10),
    part_of_total(SKEWED, SKEWED + 1),
]


@pytest.mark.parametrize("band", EVERY, ids=lambda band: band.method)
def test_every_interval_is_recomputed_from_its_inputs_at_any_level(band):
    again = at_level(band, band.level)
    assert (again.low, again.high) == pytest.approx((band.low, band.high))
    assert band.low < estimate(band) < band.high
    wider, narrower = at_level(band, 0.999), at_level(band, 0.8)
    assert wider.low <= band.low <= narrower.low and narrower.high <= band.high <= wider.high
    assert 0.024 < p_beyond(band, band.high + 1e-9, above=False) < 0.026
