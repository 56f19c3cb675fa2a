"""Errors of predicted numbers, against scikit-learn and by hand; planted faults are caught, clean twins are not."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_absolute_percentage_error, r2_score, root_mean_squared_error

from harness.checks.performance.regression import regression
from harness.stats.bootstrap import resample_sums
from harness.stats.design_effect import share_interval
from harness.stats.exact import clopper_pearson


def made(n=400, seed=0, shift=0.0, noise=1.0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(50, 10, n)
    return truth, truth + shift + rng.normal(0, noise, n)


def test_the_measures_are_those_of_scikit_learn(build_numbers, find):
    truth, said = made()
    found = regression(build_numbers(truth, said), tolerances=[1.0])
    value = {name: find(found, f"performance.{name}").value for name in ("mae", "rmse", "r2", "mape", "mean_error")}
    assert value["mae"] == pytest.approx(mean_absolute_error(truth, said))
    assert value["rmse"] == pytest.approx(root_mean_squared_error(truth, said))
    assert value["r2"] == pytest.approx(r2_score(truth, said))
    assert value["mape"] == pytest.approx(mean_absolute_percentage_error(truth, said))
    assert value["mean_error"] == pytest.approx(np.mean(said - truth))
    share = find(found, "performance.within_tolerance", {"at": "1 mm"})
    assert share.value == np.mean(np.abs(said - truth) <= 1)
    assert share.interval == clopper_pearson(int((np.abs(said - truth) <= 1).sum()), 400)


def test_the_interval_of_the_mean_error_is_as_wide_as_a_t_interval(build_numbers, find):
    from scipy import stats

    truth, said = made(noise=3.0)
    band = find(regression(build_numbers(truth, said)), "performance.mean_error").interval
    wanted = stats.t.interval(0.95, 399, np.mean(said - truth), stats.sem(said - truth))
    assert band.low == pytest.approx(wanted[0], abs=0.05)
    assert band.high == pytest.approx(wanted[1], abs=0.05)


def test_a_model_that_is_too_high_is_seen_and_its_clean_twin_is_not(build_numbers, find):
    high = find(regression(build_numbers(*made(shift=1.0))), "performance.mean_error").interval
    even = find(regression(build_numbers(*made(shift=0.0))), "performance.mean_error").interval
    assert high.low > 0.5
    assert even.low < 0 < even.high


def test_rows_that_belong_together_widen_the_interval(build_numbers, find):
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 5, 400)
    said = truth + np.repeat(rng.normal(0, 1, 40), 10)  # ten rows of a cluster share their error
    alone = find(regression(build_numbers(truth, said)), "performance.mean_error").interval
    together = find(
        regression(build_numbers(truth, said, clusters=np.repeat(np.arange(40), 10).astype(str))),
        "performance.mean_error",
    ).interval
    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_a_row_without_an_answer_is_not_within_tolerance_and_not_in_the_mean(build_numbers, find):
    truth, said = made()
    said[:100] = np.nan
    found = regression(build_numbers(truth, said), tolerances=[1000.0])
    assert find(found, "performance.answer_rate").value == 0.75
    assert find(found, "performance.within_tolerance", {"at": "1000 mm"}).value == 0.75
    assert find(found, "performance.mae").n == 300


def test_what_is_undefined_has_a_reason(build_numbers, find):
    truth, said = made()
    zero = find(regression(build_numbers(np.r_[0.0, truth], np.r_[1.0, said])), "performance.mape")
    flat = find(regression(build_numbers(np.full(50, 3.0), np.linspace(2, 4, 50))), "performance.r2")
    assert (zero.value, flat.value) == (None, None)
    assert "a true value is 0" in zero.reason
    assert "do not differ" in flat.reason
    assert regression(build_numbers(truth[:5], said[:5])).status == "not_tested"


def test_resampled_sums_have_the_variance_of_the_cluster_totals():
    rng = np.random.default_rng(0)
    moments = rng.normal(size=(300, 1))
    clusters = np.repeat(np.arange(30), 10)
    drawn = resample_sums(moments, clusters, 4000, rng)
    totals = moments.reshape(30, 10).sum(axis=1)
    assert drawn.std() == pytest.approx(np.sqrt(30) * totals.std(), rel=0.05)


def test_a_share_of_clusters_that_all_agree_still_has_a_width():
    band = share_interval(np.ones(100, dtype=bool), np.repeat(np.arange(10), 10))
    assert (band.low, band.high) == (clopper_pearson(10, 10).low, 1.0)


@pytest.mark.parametrize("unit", [1e-9, 1e-15, 1e9])
@pytest.mark.parametrize("clustered", [False, True])
def test_no_measure_hangs_on_the_unit_of_the_label(build_numbers, unit, clustered):
    truth, said = made(noise=5.0, shift=1.0)
    groups = {"clusters": np.array([f"c{k % 40}" for k in range(400)])} if clustered else {}
    plain, scaled = (
        {f.measure: f for f in regression(build_numbers(truth * by, said * by, **groups)).findings}
        for by in (1.0, unit)
    )
    assert scaled["performance.r2"].value == pytest.approx(r2_score(truth, said))
    for measure, known in plain.items():
        by = unit if known.unit else 1.0
        ends = [known.value, known.interval.low, known.interval.high]
        found = scaled[measure]
        assert [found.value, found.interval.low, found.interval.high] == pytest.approx(
            [end * by for end in ends], rel=1e-6
        ), measure


@pytest.mark.parametrize("value", [0.1, 1e-9, 0.0, -3e7])
def test_equal_true_values_have_no_r2_in_any_unit(build_numbers, find, value):
    found = find(regression(build_numbers(np.full(50, value), value + np.linspace(-1, 1, 50))), "performance.r2")
    assert found.value is None and "do not differ" in found.reason


def test_r2_of_true_values_far_from_0_is_scikit_learns(build_numbers, find):
    truth, said = made()
    found = find(regression(build_numbers(truth + 1e8, said + 1e8)), "performance.r2")
    assert found.value == pytest.approx(r2_score(truth, said), rel=1e-5)
