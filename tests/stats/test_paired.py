import math

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import ttost_paired

from harness.stats.auc import delong, paired_standard_error
from harness.stats.intervals import newcombe, square_and_add, student_factor, tango, wilson
from harness.stats.levels import at_level, two_sided_p
from harness.stats.means import Group, signed_mean
from harness.stats.paired import mcnemar_exact
from harness.stats.power import superiority_power


def test_tango_gives_the_published_interval():
    # Airway hyper-responsiveness before and after transplantation: 1 and 7 discordant of 21
    # (Fagerland, Lydersen & Laake 2013, Table 3: -0.517 to -0.026).
    found = tango(1, 7, 21)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.517, -0.026)


def likelihood_score(gains, losses, n, delta):
    """Tango's z with the constrained maximum likelihood found by a search instead of the closed form."""
    rest = n - gains - losses

    def cost(q):
        return -(gains * math.log(q + delta) + losses * math.log(q) + rest * math.log(1 - 2 * q - delta))

    q = optimize.minimize_scalar(
        cost, bounds=(max(0, -delta) + 1e-12, (1 - delta) / 2 - 1e-12), method="bounded", options={"xatol": 1e-13}
    ).x
    return (gains - losses - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))


@pytest.mark.parametrize(("gains", "losses", "n"), [(12, 5, 100), (3, 9, 40), (212, 144, 1319), (30, 30, 200)])
def test_the_ends_of_tango_are_where_the_score_is_196(gains, losses, n):
    found = tango(gains, losses, n)
    assert likelihood_score(gains, losses, n, found.low) == pytest.approx(1.959964, abs=1e-3)
    assert likelihood_score(gains, losses, n, found.high) == pytest.approx(-1.959964, abs=1e-3)


def test_no_discordant_pair_still_has_a_width_and_every_pair_reaches_the_end():
    none = tango(0, 0, 50)
    assert none.low == pytest.approx(-none.high) and 0.05 < none.high < 0.1
    assert tango(20, 0, 20).high == 1.0 and tango(0, 20, 20).low == -1.0
    assert at_level(none, 0.8).high < none.high


@pytest.mark.parametrize(("gains", "losses"), [(0, 0), (1, 7), (9, 9), (30, 12)])
def test_mcnemar_agrees_with_statsmodels(gains, losses):
    expected = mcnemar([[10, gains], [losses, 10]], exact=True).pvalue if gains + losses else 1.0
    assert mcnemar_exact(gains, losses) == pytest.approx(min(expected, 1.0))


def test_a_mean_difference_is_nearly_the_paired_t_test_where_values_are_normal():
    rng = np.random.default_rng(0)
    values = rng.normal(0.1, 1, 800)
    found = signed_mean(values)
    expected = stats.ttest_1samp(values, 0)
    low, high = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)
    assert two_sided_p(found) == pytest.approx(expected.pvalue, abs=0.01)


def test_a_mean_difference_of_clusters_is_statsmodels_cluster_robust_error():
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(25), 4).astype(object)
    values = rng.normal(size=25).repeat(4) + rng.normal(size=100)
    found = signed_mean(values, clusters)
    fitted = OLS(values, np.ones(100)).fit(
        cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(25), 4), "df_correction": True}
    )
    # statsmodels scales by G/(G-1)·(n-1)/(n-1) for one parameter, ours by G/(G-1) alone.
    parts = Group(values, clusters).parts()
    assert math.sqrt((parts**2).sum()) == pytest.approx(float(fitted.bse[0]), rel=1e-6)
    assert found.high - found.low > signed_mean(values).high - signed_mean(values).low
    assert signed_mean(values[:4], clusters[:4]) is None


def naive_delong_error(one, other, positive):
    """DeLong's paired standard error by the double loop of the definition."""
    v10, v01 = [], []
    for scores in (one, other):
        psi = (scores[positive][:, None] > scores[~positive][None]) + 0.5 * (
            scores[positive][:, None] == scores[~positive][None]
        )
        v10.append(psi.mean(axis=1))
        v01.append(psi.mean(axis=0))
    s10, s01 = np.cov(v10), np.cov(v01)
    weights = np.array([1, -1])
    return math.sqrt(weights @ (s10 / positive.sum() + s01 / (~positive).sum()) @ weights)


def test_the_paired_error_of_two_aucs_is_delongs():
    rng = np.random.default_rng(2)
    positive = rng.random(150) < 0.3
    one = positive + rng.normal(size=150)
    other = np.round(0.5 * one + rng.normal(size=150), 1)
    first, second = delong(one, positive), delong(other, positive)
    assert paired_standard_error(first, second) == pytest.approx(naive_delong_error(one, other, positive), rel=1e-6)
    alone = np.arange(150).astype(object)
    # Each row a cluster of its own: Obuchowski's variance is DeLong's, but for Student's quantile.
    clustered = paired_standard_error(delong(one, positive, alone), delong(other, positive, alone))
    wider = student_factor(int(positive.sum()))
    assert clustered == pytest.approx(wider * paired_standard_error(first, second), rel=1e-6)


def test_rows_told_twice_do_not_make_two_aucs_surer():
    rng = np.random.default_rng(3)
    positive = rng.random(100) < 0.4
    one, other = positive + rng.normal(size=100), positive + rng.normal(size=100)
    once = paired_standard_error(delong(one, positive), delong(other, positive))
    twice = [np.r_[values, values] for values in (one, other, positive)]
    owner = np.r_[np.arange(100), np.arange(100)].astype(object)
    both = delong(twice[0], twice[2]), delong(twice[1], twice[2])
    clustered = paired_standard_error(delong(twice[0], twice[2], owner), delong(twice[1], twice[2], owner))
    assert paired_standard_error(*both) < 0.75 * once
    assert clustered == pytest.approx(student_factor(int(positive.sum())) * once, rel=0.02)


def test_square_and_add_of_two_wilson_intervals_is_newcombes():
    found = square_and_add(56 / 70, 48 / 80, wilson(56, 70), wilson(48, 80))
    expected = newcombe(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert at_level(found, 0.8).low > found.low


def test_power_is_the_worked_example():
    # δ = 0.02, true difference 0.05, 20 % discordant, 2,000 items: about 86 %.
    error = math.sqrt((0.2 - 0.05**2) / 2000)
    assert superiority_power(0.05, 0.02, error) == pytest.approx(0.855, abs=0.005)
    assert superiority_power(0.02, 0.02, error) == pytest.approx(0.025, abs=1e-4)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.2, 0.35])
@pytest.mark.parametrize("seed", range(8))
def test_non_inferiority_by_the_interval_is_statsmodels_one_sided_test(seed, margin):
    """Lower end of the 95 % interval above -margin exactly where the one-sided test at 2.5 % rejects "worse by the margin"."""
    rng = np.random.default_rng(seed)
    new, last = rng.normal(0.1, 1, 120), rng.normal(0.15, 1, 120)
    _, (_, p, _), _ = ttost_paired(new, last, -margin, 10)
    found = signed_mean(new - last)
    # Nearly: the degrees of freedom follow the kurtosis of the values.
    assert (found.low > -margin) == (p < 0.025) or abs(p - 0.025) < 0.004
