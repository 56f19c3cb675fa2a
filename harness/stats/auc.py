"""The area under the ROC curve with DeLong's variance, over ranks in O(n log n)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.core.interval import Interval
from harness.stats.intervals import newcombe_auc, normal_logit

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Auc:
    """An AUC, its standard error, and the placements of each positive and negative row."""

    value: float
    standard_error: float
    positive_placements: Floats
    negative_placements: Floats

    def interval(self, level: float = 0.95) -> Interval:
        """DeLong's interval on the logit scale; Newcombe's where the variance is 0 (no or every pair is inverted)."""
        if self.standard_error == 0 or not 0 < self.value < 1:
            return newcombe_auc(self.value, len(self.positive_placements), len(self.negative_placements), level)
        return normal_logit(self.value, self.standard_error, level)


def delong(scores: Floats, positive: Bools, clusters: Labels | None = None) -> Auc | None:
    """AUC of scores (n,) for positive rows (DeLong et al. 1988, by mid-ranks as Sun & Xu 2014).

    With clusters (n,) the variance is Obuchowski's (1997): placements are summed by cluster first. None where either class
    has fewer than two rows, or fewer than two clusters.
    """
    up, down = scores[positive], scores[~positive]
    m, n = len(up), len(down)
    if m < 2 or n < 2:
        return None
    ranks = stats.rankdata(np.concatenate([up, down]))
    above = (ranks[:m] - stats.rankdata(up)) / n
    below = 1 - (ranks[m:] - stats.rankdata(down)) / m
    if clusters is None:
        variance = above.var(ddof=1) / m + below.var(ddof=1) / n
    else:
        variance = _clustered_variance(above, below, clusters[positive], clusters[~positive])
        if not math.isfinite(variance):
            return None
    return Auc(float(above.mean()), math.sqrt(float(variance)), above, below)


def _clustered_variance(above: Floats, below: Floats, of_above: Labels, of_below: Labels) -> float:
    """Variance of the AUC when rows of a cluster depend on each other; NaN with fewer than two clusters of a class."""
    names, owner = np.unique(np.concatenate([of_above, of_below]).astype(str), return_inverse=True)
    value, parts = float(above.mean()), []
    for placements, own in ((above, owner[: len(above)]), (below, owner[len(above) :])):
        sums = np.bincount(own, weights=placements - value, minlength=len(names))
        count = len(np.unique(own))
        if count < 2:
            return math.nan
        parts.append(sums * math.sqrt(count / (count - 1)) / len(placements))
    # A cluster that holds rows of both classes adds to both sums; squaring their total keeps the covariance.
    return float(((parts[0] + parts[1]) ** 2).sum())


def paired_standard_error(one: Auc, other: Auc, clusters: tuple[Labels, Labels] | None = None) -> float:
    """Standard error of the difference of two AUCs on the same rows (DeLong et al. 1988), from their placements.

    `clusters`: what the positive and the negative rows belong to; then Obuchowski's (1997), NaN below two clusters of a class.
    """
    above = one.positive_placements - other.positive_placements
    below = one.negative_placements - other.negative_placements
    if clusters is not None:
        variance = _clustered_variance(above, below, *clusters)
        return math.sqrt(variance) if math.isfinite(variance) else math.nan
    return math.sqrt(float(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below)))
