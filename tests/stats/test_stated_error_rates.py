"""Intervals and tests hold the error rate that they state: where everything is right, where classes are rare, and in the far tails."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from harness.core.finding import CheckRecord, Finding
from harness.core.rule import Rule
from harness.engine.judge import judge
from harness.stats.auc import correlation, delong
from harness.stats.average_precision import average_precision
from harness.stats.estimates import estimate
from harness.stats.exact import clopper_pearson, mean_share, unseen_difference, weighted_shares
from harness.stats.intervals import correlated_difference, percentile
from harness.stats.levels import at_level, p_beyond, two_sided_p
from harness.stats.losses import mean_loss
from harness.stats.multiplicity import holm
from harness.stats.ranked import Ranking, among_first
from harness.stats.risk_coverage import area, selective_gain
from harness.stats.roc import rate_at
from harness.stats.table_intervals import difference_interval, f1_interval, table_interval
from harness.stats.tables import MEASURES


def judged(interval, value, limit, n, rules=1):
    """The decisions of so many equal rules on one finding."""
    measure = "performance.f1_macro"
    found = Finding(measure=measure, value=value, n=n, interval=interval)
    record = CheckRecord(check="performance.classification", status="measured", findings=[found])
    named = [Rule(id=f"r{k}", measure=measure, reason="r", source="s", **limit) for k in range(rules)]
    return judge(named, [record], n).decisions


def right(classes, rows):
    """A confusion table without an error, the last column "no answer"."""
    return np.concatenate([np.eye(classes) * rows, np.zeros((classes, 1))], axis=1)


@pytest.mark.parametrize("measure", list(MEASURES))
def test_twenty_classes_all_right_pass_a_limit_of_nine_tenths(measure):
    # A bootstrap of cells with half a row each gave 0.818 to 0.863, and a failure.
    band = table_interval(measure, right(20, 50).ravel(), 20)
    assert 0.96 < band.low < band.high == 1
    assert judged(band, 1.0, {"at_least": 0.9}, 1000)[0].outcome == "pass"


def test_a_hopeless_f1_fails_among_thirty_rules_and_asks_for_more_rows_than_there_are():
    # Of bootstraps p-values had a floor of 1 / (resamples + 1), which Holm over 26 decisions never rejects.
    hits, n = 132, 2868
    f1 = 2 * hits / (hits + n)
    decisions = judged(f1_interval(hits, n), f1, {"at_least": 0.9}, 3000, rules=30)
    assert {d.outcome for d in decisions} == {"fail"}
    near = judged(f1_interval(1530, 1700), 2 * 0.9 / 1.9, {"at_least": 0.94}, 3000)[0]
    assert near.outcome == "inconclusive"
    assert near.n_needed is None or near.n_needed > 3000


def test_of_a_bootstrap_too_the_tail_goes_on_beyond_the_resamples():
    drawn = percentile(np.random.default_rng(0).normal(0.2, 0.01, 1000))
    assert p_beyond(drawn, 0.3, above=False) < 1e-5
    assert all(holm([p_beyond(drawn, 0.3, above=False)] * 60, 0.025))
    assert p_beyond(drawn, 0.22, above=False) == pytest.approx(norm.sf(2), rel=0.4)


def test_a_threshold_found_on_the_same_rows_and_ties_are_taken_in():
    # All members at 1, and 1.5 % of 2,000 others too: straight through the tie, 1 % of the others are at two thirds.
    others = np.zeros(2000)
    others[:30] = 1
    value, band = rate_at(np.ones(300), others, 0.01)
    assert value == pytest.approx(2 / 3)
    assert band.low < 0.5 and band.high > 0.8
    rng, truth, missed = np.random.default_rng(1), norm.sf(norm.isf(0.01) - 1.5), 0
    for _ in range(400):
        band = rate_at(rng.normal(1.5, 1, 500), rng.normal(size=950), 0.01)[1]
        missed += not band.low <= truth <= band.high
    assert missed <= 28  # of a fixed threshold 22 to 70 % missed


@pytest.mark.slow
def test_ten_positives_give_no_false_pass_of_an_auc_or_of_balanced_accuracy():
    rng, tables, passed = np.random.default_rng(2), 2000, {"auc": 0, "balanced": 0}
    positive = np.arange(200) < 10
    for _ in range(tables):
        score = rng.normal(size=200) + positive * 2**0.5 * norm.ppf(0.9)
        passed["auc"] += delong(score, positive).interval().low > 0.9
        hits = [rng.binomial(10, 0.7), rng.binomial(190, 0.9)]
        passed["balanced"] += mean_share(hits, [10, 190]).low > 0.8
    # 4 % is the criterion; at 10 positives it was 8 to 11 % of AUCs, 15 % of balanced accuracies.
    assert max(passed.values()) <= binom.ppf(0.99, tables, 0.04)


def test_two_models_without_an_error_may_still_differ():
    positive = np.arange(40) < 20
    one = delong(positive + 0.0, positive)
    band = correlated_difference(one.worth, one.worth, correlation(one, one))
    assert band.low < -0.03 and band.high > 0.03
    table = difference_interval("mcc", [[0, 1], [0, 1], [0, 1]], [20, 20], 2)
    assert table.low < -0.1 and table.high > 0.1
    assert unseen_difference(0.0, 40, 1.0).high == pytest.approx(1 - 0.025 ** (1 / 40))


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["balanced_accuracy", "mcc", "f1:1"])
def test_equal_models_with_two_percent_of_positives_differ_in_one_of_twenty(measure):
    rng, differ, tables = np.random.default_rng(3), 0, 250
    truth = np.r_[np.ones(20, int), np.zeros(980, int)]
    for _ in range(tables):
        sides = [np.where(rng.random(1000) < np.where(truth, 0.6, 0.95), truth, 1 - truth) for _ in range(2)]
        cells, counts = np.unique(np.column_stack([truth, *sides]), axis=0, return_counts=True)
        differ += two_sided_p(difference_interval(measure, cells.T.tolist(), counts.tolist(), 2)) < 0.05
    assert differ <= binom.ppf(0.999, tables, 0.05)  # of a paired bootstrap 9 to 11 %


def test_ten_rules_that_are_just_met_fail_in_one_table_of_forty_at_most():
    # 50 rows, truth 0.95 against ≥ 0.95; Wilson's tail failed some rule in 11.2 % of tables.
    p = [p_beyond(clopper_pearson(hits, 50), 0.95, above=False) for hits in range(51)]
    failing = [hits for hits in range(51) if p[hits] <= 0.025 / 10]
    some = 1 - (1 - binom.cdf(max(failing), 50, 0.95)) ** 10
    assert some <= 0.025
    single = [hits for hits in range(51) if p[hits] <= 0.025]
    assert binom.cdf(max(single), 50, 0.95) <= 0.025


def test_what_is_found_without_an_error_among_the_first_rows_has_an_interval():
    hit = np.r_[np.ones(30), np.zeros(170)]
    found = among_first(Ranking.of(-np.arange(200.0), hit), 20)
    assert found.precision[0] == 1
    assert found.precision[1].low == pytest.approx(0.025 ** (1 / 20))
    assert rate_at(np.ones(30), np.zeros(170), 0.1)[1].low == pytest.approx(0.025 ** (1 / 30), abs=1e-6)


def test_rows_of_one_score_are_no_surer_than_rows_apart():
    # Their mean in place of each row's own label hid nearly all of the variance: 1,800 rows' worth of 200.
    hit = np.arange(200) % 4 > 0
    band = among_first(Ranking.of(np.zeros(200), hit), 180).precision[1]
    plain = clopper_pearson(150, 200)
    assert (band.low, band.high) == pytest.approx((plain.low, plain.high), abs=0.005)


@pytest.mark.slow
def test_ten_positives_give_no_false_pass_of_average_precision():
    rng, tables = np.random.default_rng(4), 2000
    shift, grid = 2**0.5 * norm.ppf(0.9), np.linspace(-9, 13, 20001)
    recall, alarm = norm.sf(grid - shift), norm.sf(grid)
    truth = np.trapezoid(norm.pdf(grid - shift) * 0.01 * recall / (0.01 * recall + 0.99 * alarm), grid)
    bands = []
    for _ in range(tables):
        positive = rng.random(1000) < 0.01
        found = average_precision(rng.normal(size=1000) + shift * positive, positive)
        bands += [] if found is None else [found[1]]
    assert sum(band.low > truth for band in bands) <= binom.ppf(0.99, len(bands), 0.04)
    assert sum(band.high < truth for band in bands) <= binom.ppf(0.99, len(bands), 0.04)


@pytest.mark.slow
def test_few_rows_carry_a_log_loss_and_its_upper_end_knows_it():
    rng, above, tables = np.random.default_rng(5), 0, 2000
    shift = norm.ppf(0.97) * 2**0.5

    def each(n):
        hit = rng.random(n) < 0.05
        odds = shift * (rng.normal(size=n) + shift * hit) - shift**2 / 2 + np.log(0.05 / 0.95)
        return hit, np.logaddexp(0, np.where(hit, -odds, odds))

    truth = each(1_000_000)[1].mean()
    defined = 0
    for _ in range(tables):
        hit, losses = each(200)
        band = mean_loss(losses, hit, 35.0)
        defined += band is not None
        above += band is not None and band.high < truth
    assert above <= binom.ppf(0.99, defined, 0.04)  # Student's on the plain scale: 10 %


COUNTS = st.lists(st.integers(0, 60), min_size=6, max_size=6).filter(lambda c: min(c[0] + c[1], c[3] + c[4]) > 0)


@settings(max_examples=60, deadline=None)
@given(COUNTS, st.sampled_from(sorted(MEASURES)))
def test_an_interval_of_a_table_holds_its_value_and_has_a_width(counts, measure):
    value = float(MEASURES[measure](np.array(counts, dtype=float).reshape(1, 2, 3))[0])
    if not np.isfinite(value):
        return
    band = table_interval(measure, counts, 2)
    assert estimate(band) == pytest.approx(value)
    assert band.low - 1e-9 <= value <= band.high + 1e-9
    assert band.high > band.low
    wider = at_level(band, 0.999)
    assert wider.low <= band.low + 1e-9 and wider.high >= band.high - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.data())
def test_one_more_right_answer_makes_neither_end_of_a_share_worse(n, data):
    hits = data.draw(st.integers(0, n - 1))
    one, more = clopper_pearson(hits, n), clopper_pearson(hits + 1, n)
    assert more.low >= one.low and more.high >= one.high
    one, more = f1_interval(hits, n), f1_interval(hits + 1, n)
    assert more.low >= one.low and more.high >= one.high
    one, more = (mean_share([k, 5], [n, 10]) for k in (hits, hits + 1))
    assert more.low >= one.low - 1e-9 and more.high >= one.high - 1e-9
    one, more = (weighted_shares([k], n, [1000.0]) for k in (hits, hits + 1))
    assert more.low >= one.low and more.high >= one.high


@settings(max_examples=60, deadline=None)
@given(st.integers(10, 40), st.integers(10, 200), st.integers(0, 2**31), st.sampled_from([0.0, 0.5, 2.0, 9.0]))
def test_an_interval_of_an_auc_holds_its_value_and_has_a_width(positives, negatives, seed, shift):
    rng = np.random.default_rng(seed)
    score = np.r_[rng.normal(shift, 1, positives), rng.normal(size=negatives)].round(1)
    found = delong(score, np.arange(len(score)) < positives)
    band = found.interval()
    assert 0 <= band.low - 1e-12 <= found.value <= band.high + 1e-12
    assert band.low < band.high <= 1


RANKING = Ranking.of(-np.arange(40.0), np.arange(40) % 3 == 0)
EVERY = [
    clopper_pearson(3, 10),
    f1_interval(30, 50),
    mean_share([8, 3], [10, 5]),
    table_interval("mcc", [30, 5, 0, 4, 20, 0], 2),
    difference_interval("f1:1", [[0, 0, 1], [0, 1, 1], [0, 0, 0]], [30, 4, 9], 2),
    weighted_shares([3, 4], 40, [1.0, -0.5], 0.2),
    rate_at(np.arange(40.0), np.arange(60.0) - 20, 0.1)[1],
    mean_loss(np.arange(1.0, 41), np.arange(40) % 2, 50.0),
    mean_loss(np.zeros(40), None, 1.0),
    unseen_difference(0.1, 40, 1.0),
    delong(np.arange(40.0), np.arange(40) % 3 > 0).interval(),
    correlated_difference((0.8, 50.0, 20.0), (0.7, 60.0, 30.0), 0.4),
    *(found[1] for found in vars(among_first(RANKING, 9)).values()),
    selective_gain(RANKING, 0.8)[1],
    area(RANKING)[1],
    average_precision(-np.arange(40.0), np.arange(40) % 3 == 0)[1],
]


@pytest.mark.parametrize("band", EVERY, ids=lambda band: band.method)
def test_every_interval_is_recomputed_from_its_inputs_at_any_level(band):
    again = at_level(band, band.level)
    assert (again.low, again.high) == pytest.approx((band.low, band.high), abs=1e-9)
    assert band.low - 1e-9 <= estimate(band) <= band.high + 1e-9
    wider, narrower = at_level(band, 0.99), at_level(band, 0.8)
    assert wider.low <= band.low <= narrower.low and narrower.high <= band.high <= wider.high
    assert 0 < p_beyond(band, band.high + 1e-9, above=False) <= 0.026


def test_few_misses_in_each_of_twenty_classes_add_up_and_a_good_model_does_not_fail():
    # Each class's upper end is cut at 1, so that the mean of twenty lay below the truth in 8 to 10 % of tables.
    rng, below = np.random.default_rng(0), 0
    for _ in range(500):
        hits = rng.binomial(50, 0.99, 20)
        below += mean_share(hits.tolist(), [50] * 20).high < 0.99
    assert below <= 25
