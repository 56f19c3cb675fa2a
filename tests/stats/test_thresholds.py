import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from harness.core.costs import BinaryCosts
from harness.stats.thresholds import (
    CalibrationRows,
    at_balanced_accuracy,
    at_least_cost,
    at_review,
    at_sensitivity,
    at_specificity,
)


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    positive = rng.random(400) < 0.15
    return np.round(np.clip(rng.normal(0.2 + 0.3 * positive, 0.15), 0, 1), 2), positive


def counts(scores, positive, threshold):
    return confusion_matrix(positive, scores >= threshold).ravel()  # tn, fp, fn, tp


def candidates(scores):
    values = np.unique(scores)
    return np.r_[values, np.nextafter(values.max(), 2)]


def test_sensitivity_is_the_highest_threshold_that_keeps_it(rows):
    scores, positive = rows
    found = CalibrationRows(scores, positive).threshold(at_sensitivity(0.8))
    reached = [t for t in candidates(scores) if (scores[positive] >= t).mean() >= 0.8]
    assert (scores >= found).tolist() == (scores >= max(reached)).tolist()


def test_specificity_is_the_lowest_threshold_that_keeps_it(rows):
    scores, positive = rows
    found = CalibrationRows(scores, positive).threshold(at_specificity(0.9))
    reached = [t for t in candidates(scores) if (scores[~positive] < t).mean() >= 0.9]
    assert (scores >= found).tolist() == (scores >= min(reached)).tolist()


def test_review_flags_as_many_as_it_may_and_no_more(rows):
    scores, positive = rows
    found = CalibrationRows(scores, positive).threshold(at_review(0.1))
    reached = [t for t in candidates(scores) if (scores >= t).mean() <= 0.1]
    assert (scores >= found).tolist() == (scores >= min(reached)).tolist()


def test_costs_and_balanced_accuracy_equal_a_search_over_all_thresholds(rows):
    scores, positive = rows
    costs = BinaryCosts(caught=5, missed=60, false_alarm=5, passed=0)
    calibration = CalibrationRows(scores, positive)

    def cost(threshold):
        tn, fp, fn, tp = counts(scores, positive, threshold)
        return 5 * tp + 60 * fn + 5 * fp + 0 * tn

    def balanced(threshold):
        tn, fp, fn, tp = counts(scores, positive, threshold)
        return tp / (tp + fn) + tn / (tn + fp)

    assert cost(calibration.threshold(at_least_cost(costs))) == min(map(cost, candidates(scores)))
    assert balanced(calibration.threshold(at_balanced_accuracy)) == max(map(balanced, candidates(scores)))


def test_a_threshold_lies_between_scores_so_that_rounding_turns_no_answer():
    scores, positive = np.array([0.1, 0.2, 0.6, 0.8]), np.array([False, False, True, True])
    assert CalibrationRows(scores, positive).threshold(at_sensitivity(1 - 1e-12)) == pytest.approx(0.4)
    assert CalibrationRows(scores, positive).threshold(at_review(0.25)) == pytest.approx(0.7)


def test_nobody_is_flagged_where_the_highest_score_is_shared_by_too_many():
    scores, positive = np.full(20, 0.7), np.arange(20) < 5
    found = CalibrationRows(scores, positive).threshold(at_review(0.1))
    assert found > 0.7


def test_resampling_gives_the_spread_of_a_quantile():
    # The 80 % sensitivity threshold of uniform scores is the positives' 20 % quantile: sd ≈ √(.2 · .8 / 5000).
    rng = np.random.default_rng(0)
    scores, positive = rng.random(20_000), np.arange(20_000) < 5000
    drawn = CalibrationRows(scores, positive).resampled(at_sensitivity(0.8), np.random.default_rng(1), 1000)
    assert len(drawn) == 1000
    assert drawn.std() == pytest.approx(np.sqrt(0.2 * 0.8 / 5000), rel=0.25)


def test_clusters_are_resampled_whole():
    scores, positive = np.repeat([0.1, 0.4, 0.6, 0.9], 50), np.repeat([False, False, True, True], 50)
    clusters = np.repeat(np.array(["a", "b", "c", "d"], dtype=object), 50)
    drawn = CalibrationRows(scores, positive, clusters).resampled(at_sensitivity(0.5), np.random.default_rng(1), 200)
    assert len(drawn) < 200  # some resamples hold no cluster of positives
