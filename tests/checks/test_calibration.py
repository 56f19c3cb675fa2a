import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from harness.checks.performance.calibration import calibration, expected_calibration_error

SLOPE, INTERCEPT = "performance.calibration_slope", "performance.calibration_intercept"


def outcomes(build, stated, true, seed=0):
    """Rows whose outcome comes true with `true` while the model states `stated`."""
    happened = np.random.default_rng(seed).random(len(true)) < true
    return build(np.where(happened, "yes", "no"), scores=stated)


@pytest.fixture(scope="module")
def true():
    return expit(np.random.default_rng(5).normal(-0.5, 1.2, 3000))


def test_ece_of_four_rows_in_two_bins_worked_by_hand():
    # Bin 1: mean 0.2, observed 1/2: 0.3. Bin 2: mean 0.7, observed 1: 0.3. Half of the rows each: 0.3.
    score, outcome = np.array([0.8, 0.1, 0.6, 0.3]), np.array([1.0, 0.0, 1.0, 1.0])
    assert expected_calibration_error(score, outcome, 2) == pytest.approx(0.3)


def test_ece_in_bins_of_equal_mass_worked_by_a_loop(build, find):
    rng = np.random.default_rng(3)
    score = rng.random(150)
    happened = rng.random(150) < score**2
    rows = np.argsort(score).reshape(15, 10)
    wanted = np.mean([abs(score[bin_].mean() - happened[bin_].mean()) for bin_ in rows])
    found = find(calibration(build(np.where(happened, "yes", "no"), scores=score)), "performance.ece")
    assert found.value == pytest.approx(wanted)
    assert found.interval.low < found.value


def test_slope_and_intercept_equal_an_unpenalised_logistic_regression(build, true, find):
    stated = expit(1.7 * logit(true) + 0.4)
    evidence = outcomes(build, stated, true)
    wanted = LogisticRegression(C=1e10, tol=1e-10, max_iter=1000).fit(
        logit(stated)[:, None], evidence.split("test").labels == "yes"
    )
    measured = calibration(evidence)
    assert find(measured, SLOPE).value == pytest.approx(wanted.coef_[0, 0], abs=1e-4)
    assert find(measured, INTERCEPT).value == pytest.approx(wanted.intercept_[0], abs=1e-4)


def test_the_slopes_interval_is_that_of_the_information_matrix(build, true, find):
    evidence = outcomes(build, true, true)
    found = find(calibration(evidence), SLOPE)
    x = np.column_stack([np.ones(len(true)), logit(true)])
    fitted = expit(find(calibration(evidence), INTERCEPT).value + found.value * x[:, 1])
    error = np.linalg.inv((x * (fitted * (1 - fitted))[:, None]).T @ x)[1, 1] ** 0.5
    assert (found.interval.high - found.interval.low) / 2 == pytest.approx(1.959964 * error, rel=1e-3)


def test_an_overconfident_model_is_caught_and_its_calibrated_twin_is_not(build, true, find):
    over = calibration(outcomes(build, expit(2 * logit(true)), true))
    clean = calibration(outcomes(build, true, true))
    assert find(over, SLOPE).interval.high < 1
    assert find(over, SLOPE).value == pytest.approx(0.5, abs=0.06)
    assert find(clean, SLOPE).interval.low < 1 < find(clean, SLOPE).interval.high
    assert find(clean, INTERCEPT).interval.low < 0 < find(clean, INTERCEPT).interval.high
    assert find(over, "performance.ece").interval.low > find(clean, "performance.ece").interval.high


def test_a_model_that_states_too_much_has_a_negative_intercept(build, true, find):
    shifted = calibration(outcomes(build, expit(logit(true) + 0.6), true))
    found = find(shifted, INTERCEPT)
    assert found.interval.high < 0
    assert found.interval.low < -0.6 < found.interval.high


def test_a_constant_score_has_no_slope(build, find):
    measured = calibration(build(["yes", "no"] * 30, scores=[0.5] * 60))
    for name in (SLOPE, INTERCEPT):
        assert find(measured, name).value is None
        assert "constant score" in find(measured, name).reason


def test_labels_alone_are_not_tested(build):
    measured = calibration(build(["yes", "no"] * 30))
    assert (measured.status, measured.findings) == ("not_tested", [])


def test_the_curve_shows_the_observed_share_of_each_tenth(build):
    score = np.linspace(0.005, 0.995, 100)
    happened = np.arange(100) % 4 == 0
    rows = calibration(build(np.where(happened, "yes", "no"), scores=score)).exhibits[0].rows
    assert [row[0] for row in rows] == pytest.approx([0.05 + 0.1 * i for i in range(10)])
    assert [row[1] for row in rows] == pytest.approx([0.3, 0.2] * 5)
    assert [row[4] for row in rows] == [10] * 10


def test_a_constant_score_that_is_right_has_no_calibration_error_whatever_the_order_of_rows():
    score, outcome = np.full(150, 0.3), np.r_[np.ones(45), np.zeros(105)]
    assert expected_calibration_error(score, outcome, 15) == pytest.approx(0)
    assert expected_calibration_error(score, outcome[::-1], 15) == pytest.approx(0)


def test_scores_that_separate_the_classes_have_no_slope(build, find):
    labels = np.array(["no"] * 40 + ["yes"] * 40)
    found = calibration(build(labels, scores=np.r_[np.linspace(0.1, 0.4, 40), np.linspace(0.6, 0.9, 40)]))
    assert find(found, SLOPE).value is None


THREE = ("a", "b", "c")


def three_classes(build, sharper=1.0, labels=None, n=6000, seed=4):
    """Rows of three classes drawn from the true probabilities; the model states them raised to a power."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet([0.8, 0.8, 0.4], n)
    drawn = (rng.random(n)[:, None] > true.cumsum(axis=1)).sum(axis=1)
    stated = true**sharper / (true**sharper).sum(axis=1, keepdims=True)
    truth = np.array(THREE, dtype=object)[drawn] if labels is None else labels
    answers = np.array(THREE, dtype=object)[stated.argmax(axis=1)]
    return stated, truth, build(truth, answers=answers, scores=stated, positive=None, classes=THREE)


def test_without_a_positive_class_each_class_is_measured_as_if_it_were_it(build, find):
    stated, truth, evidence = three_classes(build)
    measured = calibration(evidence)
    for k, name in enumerate(THREE):
        alone = calibration(build(np.where(truth == name, "yes", "no"), scores=stated[:, k]))
        for measure in (SLOPE, INTERCEPT, "performance.ece"):
            own = find(measured, measure, {"class": name})
            assert (own.value, own.n) == (pytest.approx(find(alone, measure).value), len(truth))
            assert own.interval.low < own.value < own.interval.high
    assert [f.of for f in measured.findings if f.measure == SLOPE] == [{"class": name} for name in THREE]


def test_the_top_label_is_the_largest_probability_against_being_right(build, find):
    stated, truth, evidence = three_classes(build)
    right = np.array(THREE)[stated.argmax(axis=1)] == truth
    measured = calibration(evidence)
    alone = calibration(build(np.where(right, "yes", "no"), scores=stated.max(axis=1)))
    for one, other in (("top_label_slope", "calibration_slope"), ("top_label_ece", "ece")):
        assert find(measured, f"performance.{one}").value == pytest.approx(find(alone, f"performance.{other}").value)
    gap = find(measured, "performance.top_label_gap")
    assert gap.value == pytest.approx((stated.max(axis=1) - right).mean())
    assert gap.interval.high - gap.interval.low == pytest.approx(
        2 * 1.96 * (stated.max(axis=1) - right).std() / len(right) ** 0.5, rel=0.15
    )


def test_a_model_of_three_classes_that_is_too_sure_is_caught_and_its_twin_is_not(build, find):
    clean, over = (calibration(three_classes(build, sharper)[2]) for sharper in (1.0, 2.0))
    gap, slope = "performance.top_label_gap", "performance.top_label_slope"
    assert find(clean, gap).interval.low < 0 < find(clean, gap).interval.high
    assert find(clean, slope).interval.low < 1 < find(clean, slope).interval.high
    assert find(over, gap).interval.low > 0.03
    assert find(over, slope).interval.high < 0.8
    for name in THREE:
        assert find(over, SLOPE, {"class": name}).interval.high < 0.8
        assert find(clean, SLOPE, {"class": name}).interval.high > 0.9


def test_a_class_of_few_rows_is_undefined_and_the_others_are_not(build, find):
    labels = np.array((["a", "b"] * 500)[:-5] + ["c"] * 5, dtype=object)
    measured = calibration(three_classes(build, labels=labels, n=1000)[2])
    assert "5 of 1000 answered rows" in find(measured, SLOPE, {"class": "c"}).reason
    assert find(measured, SLOPE, {"class": "a"}).value is not None


def test_three_classes_without_probabilities_are_not_tested(build):
    assert calibration(build(["a", "b", "c"] * 20, positive=None)).status == "not_tested"
