"""Two models on the same items: tests of a paired difference, and its interval where it is a mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.core.interval import Interval
from harness.stats.intervals import student

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]


def mcnemar_exact(gains: int, losses: int) -> float:
    """Two-sided p-value that gains and losses are equally likely (McNemar 1947, exact); 1 with no discordant pair."""
    if gains + losses == 0:
        return 1.0
    return float(stats.binomtest(gains, gains + losses).pvalue)


def mean_difference(values: Floats, clusters: Labels | None = None) -> tuple[Interval, float]:
    """Student's interval of a mean of paired differences (n,), and its two-sided p-value.

    With clusters (n,) the variance is that of the clusters' sums times G / (G - 1), at G - 1 degrees of freedom
    (Miller 2024, "Adding error bars to evals"). ValueError below two rows or clusters.
    """
    n = len(values)
    centre = float(values.mean())
    owner, groups = np.arange(n), n
    if clusters is not None:
        names, owner = np.unique(clusters.astype(str), return_inverse=True)
        groups = len(names)
    if groups < 2:
        raise ValueError(f"a mean difference needs two independent items, got {groups}")
    sums = np.bincount(owner, weights=values - centre, minlength=groups)
    error = math.sqrt(float((sums**2).sum()) * groups / (groups - 1)) / n
    return student(centre, error, groups - 1), two_sided(centre, error, groups - 1)


def two_sided(value: float, standard_error: float, degrees: int | None = None) -> float:
    """Two-sided p-value that the truth is 0: by Student's t with these degrees of freedom, or the normal distribution."""
    if value == 0:
        return 1.0
    if standard_error == 0:
        return 0.0
    z = abs(value) / standard_error
    return float(2 * (stats.norm.sf(z) if degrees is None else stats.t.sf(z, degrees)))
