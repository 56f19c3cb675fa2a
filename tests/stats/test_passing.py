"""The values that pass are those that the judge passes, and the chance of them is what a simulation finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from harness.checks.data.trials import _ratio
from harness.core.finding import CheckRecord, Finding
from harness.core.rule import Rule
from harness.engine.judge import judge
from harness.stats.auc import delong
from harness.stats.passing import (
    against,
    attainable,
    chance,
    mean_recall,
    passing,
    ranking,
    rate_gap,
    share,
    two_valued_auc,
)
from harness.stats.tables import balanced_accuracy

LIMITS = st.floats(0.02, 0.98).map(lambda x: round(x, 3))


def judged(design, step, bounds):
    """Whether the judge passes a finding of this step's value and interval."""
    outcome = design.outcome(step)
    if outcome is None:
        return False
    value, interval = outcome
    low, high = bounds
    limit = {"between": bounds} if None not in bounds else {"at_least": low} if high is None else {"at_most": high}
    rule = Rule(id="r", measure="performance.accuracy", reason="r", source="s", **limit)
    found = Finding(measure="performance.accuracy", value=value, n=10, interval=interval)
    record = CheckRecord(check="performance.classification", status="measured", findings=[found])
    return judge([rule], [record], 10).decisions[0].outcome == "pass"


def misjudged(design, bounds):
    """The steps at both ends of those that pass, and beside them, of which the judge says otherwise."""
    steps = passing(design, bounds)
    inside = {step for step in (steps.start, steps.stop - 1) if steps}
    outside = {step for step in (steps.start - 1, steps.stop) if 0 <= step <= design.last}
    return [step for step in inside | outside if judged(design, step, bounds) != (step in inside)]


@pytest.mark.parametrize(
    ("n", "limit", "least"), [(24, 0.9, None), (35, 0.9, None), (36, 0.9, 36), (178, 0.7, 137), (950, 0.9, 874)]
)
def test_the_least_share_that_passes_is_that_of_statsmodels(n, limit, least):
    # By hand: n of n pass where 0.025^(1/n) ≥ 0.9, from 35.01 rows on.
    lows = proportion_confint(np.arange(n + 1), n, method="beta")[0]
    found = passing(share(n), (limit, None))
    assert (found.start if found else None) == least
    assert list(found) == list(np.flatnonzero(lows >= limit))


def test_of_24_rows_even_all_do_not_show_a_recall_of_nine_tenths():
    # The exact lower bound of n of n is 0.025^(1/n): 0.8575 of 24, and 0.9 needs 35.01 rows.
    design = share(24)
    assert design.outcome(24)[1].low == pytest.approx(0.025 ** (1 / 24))
    assert not passing(design, (0.9, None))
    assert not attainable(design, (0.9, None))
    assert chance(design, (0.9, None), 0.99) == 0
    assert attainable(share(36), (0.9, None))
    assert not attainable(share(35), (0.9, None))


def test_the_ratios_that_pass_are_those_of_statsmodels():
    # The reference is 737 of 815; every tenth count of the 135, and both ends.
    found = passing(against(_ratio, 135, 815, 737), (0.8, 1.25))
    for hits in {*range(60, 135, 10), found.start - 1, found.start}:
        low, high = confint_proportions_2indep(hits, 135, 737, 815, method="score", compare="ratio", correction=True)
        assert (hits in found) == (low >= 0.8 and high <= 1.25), hits


def test_the_gaps_that_pass_are_those_of_statsmodels():
    found = passing(against(rate_gap, 135, 815, 737), (-0.1, 0.05))
    assert 0 < found.start < found.stop - 1 < 135
    for hits in {*range(60, 135, 10), found.start - 1, found.start, found.stop - 1, found.stop}:
        low, high = confint_proportions_2indep(hits, 135, 737, 815, method="newcomb", compare="diff")
        assert (hits in found) == (low >= -0.1 and high <= 0.05), hits


def test_a_step_that_the_judge_would_not_pass_is_seen(monkeypatch):
    # 137 of 178 is the least share that passes 0.7 (see above); a search that is one step off is told.
    assert misjudged(share(178), (0.7, None)) == []
    monkeypatch.setitem(globals(), "passing", lambda design, bounds: range(136, 179))
    assert misjudged(share(178), (0.7, None)) == [136]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), LIMITS, st.floats(0.01, 0.5))
def test_shares_agree_with_the_judge(n, low, width):
    for bounds in ((low, None), (None, low), (low, low + width)):
        assert misjudged(share(n), bounds) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(10, 600), st.integers(10, 3000), st.floats(0, 1), st.floats(0.05, 0.9))
def test_gaps_and_ratios_agree_with_the_judge(n, reference_n, rate, width):
    hits = round(rate * reference_n)
    for bounds in ((-width, None), (None, width), (-width, width)):
        assert misjudged(against(rate_gap, n, reference_n, hits), bounds) == []
    for bounds in ((1 - width, None), (None, 1 + width), (1 - width, 1 / (1 - width))):
        assert misjudged(against(_ratio, n, reference_n, hits), bounds) == []


@settings(max_examples=25, deadline=None)
@given(st.integers(10, 500), st.integers(10, 5000), LIMITS)
def test_aucs_agree_with_the_judge(positives, negatives, limit):
    for bounds in ((limit, None), (None, limit)):
        assert misjudged(ranking(positives, negatives), bounds) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(30, 500), st.integers(30, 5000), st.floats(0.1, 0.9), st.floats(0.3, 0.7))
def test_aucs_of_a_yes_or_no_agree_with_the_judge(n, reference_n, rate, limit):
    for bounds in ((limit, None), (None, limit)):
        design = against(two_valued_auc, n, reference_n, round(rate * reference_n))
        assert misjudged(design, bounds) == []


@pytest.mark.parametrize("design", [share(60), against(rate_gap, 60, 90, 40), against(_ratio, 60, 90, 40)])
@pytest.mark.parametrize("bounds", [(0.7, None), (None, 0.3), (0.4, 1.6), (-0.3, 0.3), (None, None)])
def test_bisection_finds_every_step_that_a_full_search_finds(design, bounds):
    low, high = (-np.inf if bounds[0] is None else bounds[0], np.inf if bounds[1] is None else bounds[1])
    outcomes = {step: design.outcome(step) for step in range(61)}
    wanted = [s for s, found in outcomes.items() if found and found[1].low >= low and found[1].high <= high]
    assert list(passing(design, bounds)) == wanted


@pytest.mark.parametrize("counts", [(300, 320, 410, 500), (12, 12, 1, 13), (40, 90, 700, 900), (30, 30, 50, 50)])
def test_the_auc_of_a_yes_or_no_is_delongs(counts):
    hits, n, reference_hits, reference_n = counts
    signal = np.r_[np.ones(hits), np.zeros(n - hits), np.ones(reference_hits), np.zeros(reference_n - reference_hits)]
    wanted = delong(signal, np.arange(n + reference_n) < n)
    value, interval = two_valued_auc(*counts)
    assert value == pytest.approx(wanted.value)
    assert (interval.low, interval.high) == pytest.approx((wanted.interval().low, wanted.interval().high))


@pytest.mark.parametrize(("n", "limit", "truth"), [(100, 0.7, 0.8), (178, 0.7, 0.85), (30, 0.5, 0.6)])
def test_the_chance_of_a_share_is_binomial(n, limit, truth):
    hits = np.arange(n + 1)
    passes = proportion_confint(hits, n, method="beta")[0] >= limit
    assert chance(share(n), (limit, None), truth) == pytest.approx(binom.pmf(hits[passes], n, truth).sum())


@pytest.mark.parametrize(
    ("contrast", "bounds", "sizes", "rate"),
    [
        (_ratio, (0.8, 1.25), (40, 300), 0.75),
        (rate_gap, (-0.25, None), (19, 159), 0.62),
        (two_valued_auc, (None, 0.55), (300, 250), 0.7),
    ],
)
def test_the_chance_at_parity_is_that_of_a_simulation(contrast, bounds, sizes, rate):
    n, reference_n = sizes
    reference = round(rate * reference_n)
    design = against(contrast, n, reference_n, reference)
    rng, truth = np.random.default_rng(1), reference / reference_n
    drawn = zip(rng.binomial(n, truth, 3000), rng.binomial(reference_n, truth, 3000), strict=True)
    low, high = (-np.inf if bounds[0] is None else bounds[0], np.inf if bounds[1] is None else bounds[1])
    found = [contrast(int(k), n, int(r), reference_n) for k, r in drawn]
    passed = np.mean([f is not None and f[1].low >= low and f[1].high <= high for f in found])
    assert 0.1 < passed < 0.9
    # Three standard errors of 3,000 draws, and the 21 counts that stand for all.
    assert chance(design, bounds, truth) == pytest.approx(passed, abs=0.03 + 0.01)


@pytest.mark.parametrize(("truth", "bounds"), [(0.8, (0.72, None)), (0.5, (None, 0.58))])
def test_an_aucs_value_to_pass_and_chance_come_near_those_of_delong_on_scores(truth, bounds):
    # Normal scores with the shift that makes this AUC.
    from scipy.stats import norm

    rng, design = np.random.default_rng(2), ranking(90, 160)
    positive = np.arange(250) < 90
    aucs = [delong(rng.normal(size=250) + 2**0.5 * norm.ppf(truth) * positive, positive) for _ in range(1500)]
    passes = [a.interval().low >= bounds[0] if bounds[1] is None else a.interval().high <= bounds[1] for a in aucs]
    steps = passing(design, bounds)
    edge = (steps.start if bounds[1] is None else steps.stop - 1) / design.last
    near = [a.value for a, p in zip(aucs, passes, strict=True) if p]
    assert edge == pytest.approx(min(near) if bounds[1] is None else max(near), abs=0.015)
    assert chance(design, bounds, truth) == pytest.approx(np.mean(passes), abs=0.08)


def test_the_least_balanced_accuracy_that_passes_is_near_that_of_a_bootstrap_and_above_it():
    sizes, design = [200, 60, 40], mean_recall([200, 60, 40])
    edge = passing(design, (0.7, None)).start / 1000
    rng = np.random.default_rng(3)

    def low(rate):
        table = np.zeros((3, 4))
        table[[0, 1, 2], [0, 1, 2]] = [rate * n for n in sizes]
        table[[0, 1, 2], [1, 2, 0]] = [(1 - rate) * n for n in sizes]
        drawn = rng.multinomial(300, (table / 300).ravel(), size=4000).reshape(-1, 3, 4)
        return np.quantile(balanced_accuracy(drawn), 0.025)

    assert low(edge + 0.01) > 0.7 > low(edge - 0.02)
    assert 0 < chance(design, (0.7, None), edge) < 1
    assert chance(design, (0.7, None), 0.95) > 0.99


def test_a_reference_of_another_rate_may_make_a_rule_attainable():
    # At a half and a half 36 against 60 rows are too few; where most are selected they are enough.
    design = against(_ratio, 36, 60, 30)
    assert not passing(design, (0.8, 1.25))
    assert attainable(design, (0.8, 1.25))
    assert not attainable(against(_ratio, 10, 12, 6), (0.8, 1.25))
