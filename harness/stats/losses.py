"""Interval of a mean loss (Brier score, log loss, squared error) that a few rows may carry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.interval import Interval
from harness.stats.design_effect import numbered
from harness.stats.exact import rare_losses, uniform_loss
from harness.stats.intervals import log_student

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]
FEWEST_OF_CLASS = 5
UNSEEN = 180
"""Over n: how many rows with the largest loss are added to rows of one kind, since those of a long tail are mostly not among them."""
UNSEEN_CLUSTERS = 20
FEWEST_CLUSTERS = 10
"""With fewer, the upper end of skewed losses is missed in over 4 %: the largest cluster is often not among them."""


def mean_loss(losses: Floats, classes: Labels | None, worst: float, clusters: Labels | None = None) -> Interval | None:
    """Interval of the mean of losses (n,) ≥ 0 of rows of these classes (n,), or of one kind.

    None where a class has fewer than `FEWEST_OF_CLASS` rows, or the rows fewer than `FEWEST_CLUSTERS`
    clusters.

    Student's on the log scale, value · exp(∓ t · error / value). The variance is that of the classes' own means and of
    how many rows each has: Σ (n_c / n)² s_c² / n_c + Σ (n_c / n) (mean_c - mean)² / n. The degrees of freedom are
    Satterthwaite's, each class's by the kurtosis of its losses, 2 n_c / (kurtosis - 1), since a variance that few rows
    carry is known as badly as they are few. For the upper end half a row of the rarest class with its largest loss is
    added, of rows of one kind `UNSEEN` / n rows if that is more: the worst loss has hardly been seen. With clusters (n,) the variance is that of their sums,
    with degrees of freedom by their kurtosis, at most clusters - 1; the cluster that raises the mean most is
    added once more. `worst` is what a row can lose at most.

    Where all losses are alike (0, say): `uniform_loss`; where fewer than `FEWEST_OF_CLASS` rows of one kind lose
    anything: `rare_losses`.
    """
    owner = np.zeros(len(losses), dtype=np.int64)
    if classes is not None:
        owner = numbered(classes)
    sizes = np.bincount(owner)
    if sizes.min() < FEWEST_OF_CLASS:
        return None
    n, value = len(losses), float(losses.mean())
    if clusters is not None:
        return _of_clusters(losses, clusters, worst)
    if np.ptp(losses) <= 1e-12 * max(value, 1e-3 * worst):
        return uniform_loss(value, n, worst)
    losing = int(np.count_nonzero(losses))
    if classes is None and losing < FEWEST_OF_CLASS:
        return rare_losses(value, losing, n, worst)
    below = _spread(losses, owner, np.ones(n))
    rarest = int(sizes.argmin())
    largest = float(losses[owner == rarest].max())
    more = 0.5 if classes is not None else max(0.5, UNSEEN / n)
    above = _spread(np.r_[losses, largest], np.r_[owner, rarest], np.r_[np.ones(n), more])
    return log_student(value, below[1], above[0], above[1], [below[2], above[2]])


def _spread(losses: Floats, owner: npt.NDArray[np.int64], weights: Floats) -> tuple[float, float, float]:
    """Weighted mean, its standard error, and the degrees of freedom."""
    n = float(weights.sum())
    mean = float((weights * losses).sum()) / n
    size = np.bincount(owner, weights)
    of_class = np.bincount(owner, weights * losses) / size
    apart = losses - of_class[owner]
    squares = apart**2
    square = np.bincount(owner, weights * squares) / np.maximum(size - 1, 1)
    fourth = np.bincount(owner, weights * squares**2) / size
    kurtosis = np.divide(fourth, square**2, out=np.full(len(size), 3.0), where=square > 1e-300)
    within = (size / n) ** 2 * square / size
    between = float((size / n * (of_class - mean) ** 2).sum()) / n
    total = float(within.sum()) + between
    part = float((within**2 * (np.maximum(kurtosis, 1.5) - 1) / (2 * size)).sum())
    degrees = min(max(total**2 / part, 1.0), 1e6) if part > 0 else n - 1
    return mean, math.sqrt(total), degrees


def _of_clusters(losses: Floats, clusters: Labels, worst: float) -> Interval | None:
    owner = numbered(clusters)
    count, value = int(owner.max()) + 1, float(losses.mean())
    if count < FEWEST_CLUSTERS:
        return None
    sums: Floats = np.bincount(owner, losses).astype(float)
    sizes: Floats = np.bincount(owner).astype(float)
    if np.abs(sums - value * sizes).max() <= 1e-12 * max(value, 1e-3 * worst) * sizes.max():
        return uniform_loss(value, count, worst)
    largest = int((sums - value * sizes).argmax())
    below = _of_sums(sums, sizes, np.ones(count))
    more = max(1.0, UNSEEN_CLUSTERS / count)
    above = _of_sums(np.r_[sums, sums[largest]], np.r_[sizes, sizes[largest]], np.r_[np.ones(count), more])
    return log_student(value, below[1], above[0], above[1], [below[2], above[2]])


def _of_sums(sums: Floats, sizes: Floats, weights: Floats) -> tuple[float, float, float]:
    """Weighted mean loss of clusters with these sums and sizes (m,), its standard error, and the degrees of freedom."""
    count, rows = float(weights.sum()), float((weights * sizes).sum())
    mean = float((weights * sums).sum()) / rows
    squares = (sums - mean * sizes) ** 2
    square = float(weights @ squares)
    kurtosis = count * float(weights @ squares**2) / square**2
    degrees = min(count - 1, 2 * count / max(kurtosis - 1, 0.5))
    return mean, math.sqrt(count / (count - 1) * square) / rows, degrees
