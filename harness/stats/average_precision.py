"""Average precision with its interval, over ranks in O(n log n)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.core.interval import Interval
from harness.stats.design_effect import largest_effect, mean_error
from harness.stats.exact import clopper_pearson
from harness.stats.intervals import normal_quantile
from harness.stats.ranked import worth_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[Any]
FEWEST_POSITIVES = 5
TOO_FEW_POSITIVES = "insufficient sample: fewer than five positive rows (or as many as clusters of them are worth)"


def average_precision(score: Floats, positive: Bools, clusters: Labels | None = None) -> tuple[float, Interval] | None:
    """Σ (recall_k - recall_{k-1}) · precision_k over the distinct scores; None below `FEWEST_POSITIVES`.

    With π the share of positives, P their number, prec(s) the precision among rows that score s or more and b(s) their
    share, the influence of a row is y · (prec(s) - AP) / π + 1/P · Σ over positives i with s_i ≤ s of (y - prec_i) /
    b_i. Clopper and Pearson's limits (1934) of as many rows as the variance is worth (Korn & Graubard 1998), at most
    the positive ones. To the standard error, times Student's quantile over the normal one (degrees of freedom 2 n /
    (kurtosis - 1), at most P - 1; of clusters those of `mean_error`), comes the bias over 1.96: with few positives AP
    is too high, since each counts in its own precision. The bias is AP minus the same without the row itself, (found -
    1) / (rows - 1), times the largest design effect of clustered rows.
    """
    positives = float(positive.sum())
    hits = positives / (1.0 if clusters is None or not positives else largest_effect(clusters[positive]))
    if hits < FEWEST_POSITIVES:
        return None
    order, n = np.argsort(-score, kind="stable"), len(score)
    ranked, hit = score[order], positive[order].astype(float)
    ends = np.r_[np.flatnonzero(np.diff(ranked)), n - 1]
    found, rows = np.cumsum(hit)[ends], ends + 1.0
    place = np.repeat(np.arange(len(ends)), np.diff(np.r_[-1, ends]))
    step, precision = np.diff(np.r_[0, found]), found / rows
    value = float((step * precision).sum() / positives)
    below = np.cumsum((step / rows)[::-1])[::-1], np.cumsum((step * precision / rows)[::-1])[::-1]
    influence = n / positives * (hit * (precision - value + below[0])[place] - below[1][place])
    others = np.divide(found - 1, rows - 1, out=np.ones(len(rows)), where=rows > 1)
    bias = max(value - float((step * others).sum() / positives), 0.0) * positives / hits
    error = _error(influence, clusters, order, positives) + bias / normal_quantile(0.975)
    variance = max(error**2, value * (1 - value) / hits)
    return value, clopper_pearson(*worth_of(min(value, 1.0), variance, hits))


def _error(influence: Floats, clusters: Labels | None, order: npt.NDArray[np.int64], positives: float) -> float:
    if clusters is not None:
        return mean_error(influence, clusters[order]) or 0.0
    error, square = mean_error(influence, None) or 0.0, float((influence**2).mean())
    if square < 1e-24:
        return 0.0
    kurtosis = max(float((influence**4).mean()) / square**2, 1.5)
    degrees = min(2 * len(influence) / (kurtosis - 1), positives - 1)
    return error * float(special.stdtrit(max(degrees, 1.0), 0.975)) / normal_quantile(0.975)
