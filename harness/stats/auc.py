"""The area under the ROC curve with DeLong's variance, over ranks in O(n log n)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.core.interval import Interval
from harness.stats.intervals import auc_standard_error, effective_wilson, student_factor

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[Any]
FEWEST_OF_CLASS = 10
TOO_FEW_TO_RANK = "insufficient sample: fewer than ten rows (or two clusters) of a class"


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
    untied: float = 1.0

    def interval(self, level: float = 0.95) -> Interval:
        """Wilson's interval of as many rows as the AUC's variance is worth, value · (1 - value) / variance.

        The variance is the larger of DeLong's (Obuchowski's with clusters) and of that which the class sizes alone give: 0.7 of
        Newcombe's (2006, method 5) and 0.3 of the same with the larger spread in the rarer class, both times the share that is left by ties.
        DeLong's is too small where few rows of a class are ranked wrongly, and 0 where none is. Student's quantile by
        Satterthwaite's degrees of freedom (of clusters the error has them already).
        """
        value, effective_n, *degrees = self.worth
        return effective_wilson(value, effective_n, degrees[0] if degrees else None, level)

    @property
    def worth(self) -> tuple[float, ...]:
        """Value, the rows that it is worth, and the degrees of freedom where the error lacks them."""
        sizes = self.clusters_of_class or (len(self.positive_placements), len(self.negative_placements))
        parts = [(p.var(ddof=1) / len(p), len(p) - 1) for p in (self.positive_placements, self.negative_placements)]
        if self.clusters_of_class is None:
            return worth_of(self.value, self.standard_error**2, sizes, self.untied, degrees_of(parts))
        # The error of clusters has Student's quantile in it already; what their numbers alone give has not.
        wider = self.untied * student_factor(min(sizes)) ** 2
        return worth_of(self.value, self.standard_error**2, sizes, wider, 1.0)[:2]


def worth_of(value: float, variance: float, sizes: tuple[int, int], untied: float, degrees: float) -> tuple[float, ...]:
    """Value, the rows that an AUC of this variance and these class sizes is worth, and the degrees of freedom."""
    inner = min(max(value, 1e-9), 1 - 1e-9)  # at 0 and 1 the rows that an AUC next to it is worth
    variance = max(variance, untied * variance_of_sizes(inner, *sizes))
    if variance <= 0:  # every score is the same
        return value, min(sizes), degrees
    return value, inner * (1 - inner) / variance, degrees


def degrees_of(parts: Sequence[tuple[float, int]]) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances with their own (variance, degrees); at least the fewest."""
    total, fewest = sum(v for v, _ in parts), min(df for _, df in parts)
    return float(max(fewest, total**2 / sum(v**2 / df for v, df in parts))) if total > 0 else float(fewest)


def variance_of_sizes(value: float, positives: int, negatives: int) -> float:
    """Variance of an AUC from its value and the class sizes alone: 0.7 of Newcombe's (2006, method 5), 0.3 of that with the larger spread in the rarer class."""
    rarer, other = sorted((positives, negatives))
    spreads = value * (1 - value) ** 2 / (2 - value), value**2 * (1 - value) / (1 + value)
    uneven = (value * (1 - value) + (other - 1) * max(spreads) + (rarer - 1) * min(spreads)) / (positives * negatives)
    return 0.7 * auc_standard_error(value, positives, negatives) ** 2 + 0.3 * uneven


def delong(scores: Floats, positive: Bools, clusters: Labels | None = None) -> Auc | None:
    """AUC of scores (n,) for positive rows (DeLong et al. 1988, by mid-ranks as Sun & Xu 2014).

    With clusters (n,) the variance is Obuchowski's (1997): placements are summed by cluster first; the error is multiplied by
    Student's quantile over the normal one, for the clusters of the rarer class, so that few tell no more than they know. None where either class
    has fewer than `FEWEST_OF_CLASS` rows, or fewer than two clusters.
    """
    up, down = scores[positive], scores[~positive]
    m, n = len(up), len(down)
    if min(m, n) < FEWEST_OF_CLASS:
        return None
    ranks = stats.rankdata(np.concatenate([up, down]))
    untied = _untied(up, down)
    above = (ranks[:m] - stats.rankdata(up)) / n
    below = 1 - (ranks[m:] - stats.rankdata(down)) / m
    value = float(above.mean())
    if clusters is None:
        variance = above.var(ddof=1) / m + below.var(ddof=1) / n
        return Auc(value, math.sqrt(float(variance)), above, below, untied=untied)
    parts = _cluster_parts(above - value, below - value, clusters[positive], clusters[~positive])
    if parts is None:
        return None
    sizes = (len(set(clusters[positive])), len(set(clusters[~positive])))
    parts = {name: part * student_factor(min(sizes)) for name, part in parts.items()}
    return Auc(value, math.sqrt(sum(part**2 for part in parts.values())), above, below, parts, sizes, untied)


def _untied(up: Floats, down: Floats) -> float:
    """1 - Σ p³ over the distinct scores, p their share with either class counted alike: what ties leave of the variance of ranks."""
    _, place = np.unique(np.concatenate([up, down]), return_inverse=True)
    weights = np.concatenate([np.full(len(up), 0.5 / len(up)), np.full(len(down), 0.5 / len(down))])
    return float(1 - (np.bincount(place, weights) ** 3).sum())


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


def correlation(one: Auc, other: Auc) -> float:
    """Correlation of two AUCs on the same rows, from their placements; at most 1 - 1 / the rows (or clusters) of the rarer class.

    So models that rank alike still differ by chance; 0 where a model ranks all pairs rightly, or all wrongly.
    """
    both = one.standard_error * other.standard_error
    if both < 1e-18:
        return 0.0
    covariance = (one.standard_error**2 + other.standard_error**2 - paired_standard_error(one, other) ** 2) / 2
    rarer = min(one.clusters_of_class or (len(one.positive_placements), len(one.negative_placements)))
    return float(np.clip(covariance / both, -1, 1 - 1 / rarer))


def gap_standard_error(one: Auc, other: Auc) -> float:
    """Standard error of the difference of two AUCs on different rows: variances add; clusters in both keep their covariance."""
    if one.of_clusters is None or other.of_clusters is None:
        return math.hypot(one.standard_error, other.standard_error)
    names = one.of_clusters.keys() | other.of_clusters.keys()
    gaps = [one.of_clusters.get(name, 0.0) - other.of_clusters.get(name, 0.0) for name in sorted(names)]
    return math.sqrt(sum(gap**2 for gap in gaps))
