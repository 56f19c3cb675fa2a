"""Skill scores: how much smaller a model's mean loss is than that of the best constant answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.interval import Interval
from harness.stats.exact import uniform_skill
from harness.stats.intervals import student

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]


def skill(losses: Floats, constant: Floats, clusters: Labels | None, rarer: int) -> tuple[float, Interval] | None:
    """1 - mean loss / mean loss of a constant, from both losses of the same rows (n,), with Student's interval.

    With r the ratio of the means, the standard error is that of a ratio of paired means, s / (√n · mean of the constant's), s
    the deviation of loss - r · constant's loss; of clusters' sums where rows are clustered. The degrees of freedom are those of the
    `rarer` class (or of the clusters, if fewer): a few rows of it carry most of the loss. Where every row's loss
    is the same part of the constant's (0, say) the interval is `uniform_skill`, of the rows (or clusters). None where the constant has no loss, or fewer than two rows or clusters count.
    """
    n, below = len(losses), float(constant.sum())
    owner, groups = np.arange(n), n
    if clusters is not None:
        names, owner = np.unique(clusters.astype(str), return_inverse=True)
        groups = len(names)
    if below <= 0 or min(groups, rarer) < 2:
        return None
    ratio = float(losses.sum()) / below
    sums = np.bincount(owner, weights=losses - ratio * constant, minlength=groups)
    error = math.sqrt(groups / (groups - 1) * float((sums**2).sum())) / below
    if error < 1e-12:
        return 1 - ratio, uniform_skill(1 - ratio, groups, float(constant.max()) * n / below)
    return 1 - ratio, student(1 - ratio, error, min(groups, rarer) - 1)
