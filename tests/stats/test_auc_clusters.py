"""The AUC of rows that belong together: Obuchowski's variance against a bootstrap of whole clusters."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from harness.stats.auc import delong, gap_standard_error
from harness.stats.intervals import student_factor


def made(seed=0, clusters=60, size=6):
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(clusters), size)
    positive = np.repeat(rng.random(clusters) < 0.5, size) ^ (rng.random(clusters * size) < 0.2)
    return positive + np.repeat(rng.normal(0, 1.5, clusters), size) + rng.normal(0, 0.5, len(owner)), positive, owner


def test_the_standard_error_is_that_of_resampled_clusters():
    scores, positive, owner = made()
    rng, drawn = np.random.default_rng(1), []
    for _ in range(1500):
        rows = np.concatenate([np.flatnonzero(owner == c) for c in rng.integers(0, 60, 60)])
        drawn.append(roc_auc_score(positive[rows], scores[rows]))
    found = delong(scores, positive, owner)
    assert found.value == pytest.approx(roc_auc_score(positive, scores))
    assert found.standard_error == pytest.approx(np.std(drawn), rel=0.12)
    assert found.standard_error > 1.5 * delong(scores, positive).standard_error


def test_clusters_of_one_row_give_delong_s_variance():
    scores, positive, owner = made()
    alone = delong(scores, positive, np.arange(len(owner)))
    wider = student_factor(min(positive.sum(), (~positive).sum()))
    assert alone.standard_error == pytest.approx(wider * delong(scores, positive).standard_error, rel=1e-6)
    assert 1 < wider < 1.05


def test_fewer_than_two_clusters_of_a_class_give_nothing():
    positive = np.array([True, True, False, False])
    assert delong(np.arange(4.0), positive, np.array(["a", "a", "b", "c"])) is None


def test_the_gap_of_two_parts_keeps_what_their_common_clusters_share():
    scores, positive, owner = made()
    inside = np.arange(len(owner)) % 3 == 0  # every cluster lies in both parts
    rng, drawn = np.random.default_rng(2), []
    for _ in range(500):
        rows = np.concatenate([np.flatnonzero(owner == c) for c in rng.integers(0, 60, 60)])
        one, other = rows[inside[rows]], rows[~inside[rows]]
        drawn.append(roc_auc_score(positive[one], scores[one]) - roc_auc_score(positive[other], scores[other]))
    parts = [delong(scores[rows], positive[rows], owner[rows]) for rows in (inside, ~inside)]
    assert gap_standard_error(*parts) == pytest.approx(np.std(drawn), rel=0.15)
    assert gap_standard_error(*parts) < 0.8 * np.hypot(*[part.standard_error for part in parts])


def test_the_gap_of_parts_without_clusters_adds_their_variances():
    scores, positive, _ = made()
    half = len(scores) // 2
    parts = [delong(scores[rows], positive[rows]) for rows in (slice(half), slice(half, None))]
    assert gap_standard_error(*parts) == pytest.approx(np.hypot(*[part.standard_error for part in parts]))
    alone = [delong(scores[r], positive[r], np.arange(len(scores))[r]) for r in (slice(half), slice(half, None))]
    fewest = [min(len(part.positive_placements), len(part.negative_placements)) for part in parts]
    wider = [student_factor(few) * part.standard_error for few, part in zip(fewest, parts, strict=True)]
    assert gap_standard_error(*alone) == pytest.approx(np.hypot(*wider), rel=1e-6)


@pytest.mark.parametrize(("clusters", "mixed"), [(3, True), (5, True), (10, True), (8, False), (40, True)])
def test_few_clusters_are_covered(clusters, mixed):
    """400 trials of 30 rows a cluster whose scores move together, with both classes in a cluster or one: about 5 % missed."""
    rng, missed, trials = np.random.default_rng(4), 0, 0
    truth = NormalDist().cdf(1 / math.sqrt(2 * (1 if mixed else 2)))
    for _ in range(400):
        owner = np.repeat(np.arange(clusters), 30)
        positive = rng.random(len(owner)) < 0.5 if mixed else owner % 2 == 0
        scores = positive + rng.normal(size=clusters)[owner] * (0 if mixed else 1) + rng.normal(size=len(owner))
        found = delong(scores, positive, owner)
        trials += found is not None
        band = found.interval()
        missed += not band.low <= truth <= band.high
    assert missed / trials < 0.09
