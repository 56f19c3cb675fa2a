import numpy as np
import pytest
from scipy.stats import binom, norm
from statsmodels.stats.proportion import proportion_confint

from harness.stats.intervals import wald, wilson
from harness.stats.power import minimum_detectable, rows_needed


def power(rate, limit, n, level=0.95):
    """The exact chance that a Wilson interval of n rows at this true rate excludes the limit on the rate's side."""
    hits = np.arange(n + 1)
    low, high = proportion_confint(hits, n, alpha=1 - level, method="wilson")
    return binom.pmf(hits[low > limit if rate > limit else high < limit], n, rate).sum()


def power_at_needed(rate, limit, n, level):
    needed = rows_needed(rate, wilson(round(rate * n), n, level), limit, n)
    # Whole counts make power jump from one n to the next, so it is averaged over the neighbourhood.
    near = np.linspace(0.97 * needed, 1.03 * needed, 25).astype(int)
    return np.mean([power(rate, limit, int(m), level) for m in near])


@pytest.mark.parametrize(("rate", "limit"), [(0.85, 0.8), (0.6, 0.5), (0.45, 0.5), (0.72, 0.8), (0.92, 0.9)])
@pytest.mark.parametrize("level", [0.95, 0.99])
def test_at_the_rows_needed_the_interval_excludes_the_limit_four_times_in_five(rate, limit, level):
    assert power_at_needed(rate, limit, 1000, level) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize(("rate", "limit"), [(0.85, 0.8), (0.6, 0.5), (0.72, 0.8), (0.92, 0.9), (0.97, 0.95)])
def test_from_few_rows_near_the_edge_the_rows_needed_err_on_the_safe_side(rate, limit):
    # A Wilson interval of 200 rows is wider towards the middle than a larger one is: too many rows, never too few.
    assert power_at_needed(rate, limit, 200, 0.95) > 0.78


def test_a_simulated_audit_of_the_rows_needed_decides_four_times_in_five():
    needed = rows_needed(0.75, wilson(150, 200), 0.7, 200)
    hits = np.random.default_rng(1).binomial(needed, 0.75, 20_000)
    decided = np.mean([wilson(int(k), needed).low > 0.7 for k in hits])
    assert decided == pytest.approx(0.8, abs=0.05)
    half = np.random.default_rng(1).binomial(needed // 2, 0.75, 20_000)
    assert np.mean([wilson(int(k), needed // 2).low > 0.7 for k in half]) < 0.6


def test_the_rows_needed_by_a_mean_are_those_of_the_textbook():
    # n = (z_0.975 + z_0.8)² · sd² / gap², for sd 2 and a gap of 0.25: 502.3.
    found = rows_needed(1.25, wald(1.25, 2 / 100**0.5), 1.0, 100)
    assert found == np.ceil((norm.ppf(0.975) + norm.ppf(0.8)) ** 2 * 4 / 0.0625) == 503


def test_an_estimate_on_the_limit_can_never_be_decided():
    assert rows_needed(0.8, wilson(80, 100), 0.8, 100) is None


def test_half_the_gap_needs_four_times_the_rows():
    interval = wald(0.5, 0.01)
    assert rows_needed(0.5, interval, 0.49, 100) == pytest.approx(4 * rows_needed(0.5, interval, 0.48, 100), abs=4)


def test_the_minimum_detectable_effect_is_found_four_times_in_five():
    error = 0.02
    effect = minimum_detectable(error)
    assert effect == pytest.approx(2.8016 * error, rel=1e-4)
    assert norm.sf(norm.ppf(0.975) - effect / error) == pytest.approx(0.8)
