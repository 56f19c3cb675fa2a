"""The AUC of rows that belong together: Obuchowski's variance against a bootstrap of whole clusters."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from harness.stats.auc import delong, gap_standard_error


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
    assert alone.standard_error == pytest.approx(delong(scores, positive).standard_error, rel=1e-6)


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
    assert gap_standard_error(*alone) == pytest.approx(gap_standard_error(*parts), rel=1e-6)
