import numpy as np
import pytest
from scipy import optimize
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from harness.stats.auc import delong
from harness.stats.exact import clopper_pearson
from harness.stats.intervals import newcombe, newcombe_auc, score_ratio, wilson
from harness.stats.levels import at_level, p_beyond
from harness.stats.multiplicity import benjamini_hochberg, holm


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (81, 263), (950, 952)])
def test_wilson_and_clopper_pearson_equal_statsmodels(hits, n):
    for ours, name in ((wilson, "wilson"), (clopper_pearson, "beta")):
        found = ours(hits, n)
        assert (found.low, found.high) == pytest.approx(proportion_confint(hits, n, method=name), abs=1e-9)


def test_newcombe_gives_the_worked_example_of_its_paper():
    # Newcombe 1998, table II (a): 56/70 - 48/80, method 10.
    found = newcombe(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize("counts", [(123, 146, 753, 806), (20, 35, 300, 500), (3, 60, 40, 400)])
def test_score_ratio_equals_statsmodels(counts):
    found = score_ratio(*counts)
    wanted = confint_proportions_2indep(*counts, method="score", compare="ratio", correction=True)
    assert (found.low, found.high) == pytest.approx(wanted, abs=2e-4)


def test_score_ratio_where_everybody_is_selected_inverts_a_numerical_score_test():
    # statsmodels fails here (low above the estimate), so the constrained maximum is found by a numerical search.
    x1, n1, x0, n0 = 30, 30, 480, 500
    found = score_ratio(x1, n1, x0, n0)

    def z(ratio):
        def loss(p0):
            return -(scipy_stats.binom.logpmf(x1, n1, min(p0 * ratio, 1.0)) + scipy_stats.binom.logpmf(x0, n0, p0))

        p0 = optimize.minimize_scalar(
            loss, bounds=(1e-6, min(1, 1 / ratio)), method="bounded", options={"xatol": 1e-10}
        ).x
        p1 = p0 * ratio
        variance = (p1 * (1 - p1) / n1 + ratio**2 * p0 * (1 - p0) / n0) * (n1 + n0) / (n1 + n0 - 1)
        return (x1 / n1 - ratio * x0 / n0) / variance**0.5

    assert z(found.low) == pytest.approx(1.95996, abs=1e-2)
    assert z(found.high) == pytest.approx(-1.95996, abs=1e-2)


def test_score_ratio_without_any_success_says_nothing():
    assert score_ratio(0, 20, 0, 30).low == 0
    assert score_ratio(0, 20, 0, 30).high == 1e6


def test_delong_auc_is_the_mann_whitney_statistic_and_its_error_that_of_a_brute_force_sum():
    rng = np.random.default_rng(3)
    score, positive = np.round(rng.normal(size=80), 1), rng.random(80) < 0.4
    score[positive] += 0.7
    up, down = score[positive], score[~positive]
    wins = (up[:, None] > down).astype(float) + 0.5 * (up[:, None] == down)
    found = delong(score, positive)
    assert found.value == pytest.approx(scipy_stats.mannwhitneyu(up, down).statistic / (len(up) * len(down)))
    variance = wins.mean(axis=1).var(ddof=1) / len(up) + wins.mean(axis=0).var(ddof=1) / len(down)
    assert found.standard_error == pytest.approx(variance**0.5)


def test_auc_of_one_class_is_undefined():
    assert delong(np.array([0.1, 0.2]), np.array([True, True])) is None


def test_an_interval_can_be_recomputed_at_another_level_and_inverted_into_a_p_value():
    found = wilson(60, 100)
    wider = at_level(found, 0.99)
    assert wider.low < found.low < found.high < wider.high
    z = (0.6 - 0.5) / (0.25 / 100) ** 0.5
    assert p_beyond(found, 0.5, above=True) == pytest.approx(scipy_stats.norm.sf(z), rel=1e-3)
    assert p_beyond(found, 0.7, above=True) == 0.5


def test_holm_and_benjamini_hochberg_give_their_worked_examples():
    assert holm([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005], 0.05) == [True, True, True, True]


def test_a_perfect_auc_has_a_width_that_shrinks_with_the_rows():
    def low(n):
        return delong(np.arange(2.0 * n), np.arange(2 * n) >= n).interval().low

    assert low(10) < 0.8 < low(20) < low(200) < 1


def test_newcombes_auc_interval_covers_as_often_as_it_says():
    rng, hits, trials = np.random.default_rng(0), 0, 1500
    true = scipy_stats.norm.cdf(1.2 / 2**0.5)
    for _ in range(trials):
        score = np.r_[rng.normal(1.2, 1, 25), rng.normal(0, 1, 40)]
        found = newcombe_auc(delong(score, np.arange(65) < 25).value, 25, 40)
        hits += found.low <= true <= found.high
    assert 0.93 <= hits / trials <= 0.98
