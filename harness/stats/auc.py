"""The area under the ROC curve with DeLong's variance, over ranks in O(n log n)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.core.interval import Interval
from harness.stats.intervals import newcombe_auc, normal_logit, student_factor

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Auc:
    """An AUC, its standard error, and the placements of each positive and negative row.

    Where rows belong together, `of_clusters` is what each cluster adds to the error (the squares sum to the variance), and
    `clusters_of_class` how many hold positive and negative rows.
    """

    value: float
    standard_error: float
    positive_placements: Floats
    negative_placements: Floats
    of_clusters: dict[str, float] | None = None
    clusters_of_class: tuple[int, int] | None = None

    def interval(self, level: float = 0.95) -> Interval:
        """DeLong's interval on the logit scale; Newcombe's where the variance is 0 (no or every pair is inverted), of clusters."""
        if self.standard_error < 1e-9 or not 0 < self.value < 1:
            sizes = self.clusters_of_class or (len(self.positive_placements), len(self.negative_placements))
            return newcombe_auc(self.value, *sizes, level)
        return normal_logit(self.value, self.standard_error, level)


def delong(scores: Floats, positive: Bools, clusters: Labels | None = None) -> Auc | None:
    """AUC of scores (n,) for positive rows (DeLong et al. 1988, by mid-ranks as Sun & Xu 2014).

    With clusters (n,) the variance is Obuchowski's (1997): placements are summed by cluster first; the error is multiplied by
    Student's quantile over the normal one, for the clusters of the rarer class, so that few tell no more than they know. None where either class
    has fewer than two rows, or fewer than two clusters.
    """
    up, down = scores[positive], scores[~positive]
    m, n = len(up), len(down)
    if m < 2 or n < 2:
        return None
    ranks = stats.rankdata(np.concatenate([up, down]))
    above = (ranks[:m] - stats.rankdata(up)) / n
    below = 1 - (ranks[m:] - stats.rankdata(down)) / m
    value = float(above.mean())
    if clusters is None:
        variance = above.var(ddof=1) / m + below.var(ddof=1) / n
        return Auc(value, math.sqrt(float(variance)), above, below)
    parts = _cluster_parts(above - value, below - value, clusters[positive], clusters[~positive])
    if parts is None:
        return None
    sizes = (len(set(clusters[positive])), len(set(clusters[~positive])))
    parts = {name: part * student_factor(min(sizes)) for name, part in parts.items()}
    return Auc(value, math.sqrt(sum(part**2 for part in parts.values())), above, below, parts, sizes)


def _cluster_parts(above: Floats, below: Floats, of_above: Labels, of_below: Labels) -> dict[str, float] | None:
    """What each cluster's centred placements add to the error of the AUC; None with fewer than two clusters of a class.

    A cluster that holds rows of both classes adds both sums; squaring their total keeps the covariance.
    """
    names, owner = np.unique(np.concatenate([of_above, of_below]).astype(str), return_inverse=True)
    total = np.zeros(len(names))
    for placements, own in ((above, owner[: len(above)]), (below, owner[len(above) :])):
        count = len(np.unique(own))
        if count < 2:
            return None
        sums = np.bincount(own, weights=placements, minlength=len(names))
        total += sums * math.sqrt(count / (count - 1)) / len(placements)
    return dict(zip(names.tolist(), total.tolist(), strict=True))


def paired_standard_error(one: Auc, other: Auc) -> float:
    """Standard error of the difference of two AUCs on the same rows (DeLong et al. 1988), from their placements.

    Of AUCs with clusters Obuchowski's (1997), as `gap_standard_error`.
    """
    if one.of_clusters is not None and other.of_clusters is not None:
        return gap_standard_error(one, other)
    above = one.positive_placements - other.positive_placements
    below = one.negative_placements - other.negative_placements
    return math.sqrt(float(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)))


def gap_standard_error(one: Auc, other: Auc) -> float:
    """Standard error of the difference of two AUCs on different rows: variances add; clusters in both keep their covariance."""
    if one.of_clusters is None or other.of_clusters is None:
        return math.hypot(one.standard_error, other.standard_error)
    names = one.of_clusters.keys() | other.of_clusters.keys()
    gaps = [one.of_clusters.get(name, 0.0) - other.of_clusters.get(name, 0.0) for name in sorted(names)]
    return math.sqrt(sum(gap**2 for gap in gaps))
