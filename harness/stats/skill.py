"""Skill scores: how much smaller a model's mean loss is than that of the best constant answer."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from harness.core.interval import Inputs, Interval
from harness.stats.design_effect import numbered
from harness.stats.exact import uniform_skill
from harness.stats.means import Group, degrees_of, skewed_ends

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]
_WORST = 1e6
_BINOMIALS = [
    (power, start, [math.comb(power, k) for k in range(power + 1)]) for power, start in ((2, 2), (3, 5), (4, 9))
]
FEWEST_OF_CLASS = 10
"""With fewer the constant's loss is hardly known, and the lower end lies nowhere."""


def skill(
    losses: Floats, constant: Floats, classes: Labels | None, clusters: Labels | None = None
) -> tuple[float, Interval] | None:
    """1 - mean loss / mean loss of a constant, from both losses of the same rows (n,), with its interval.

    It holds every skill s for which the mean of loss - (1 - s) · constant's loss is not surely other than 0, by the interval of a mean of
    skewed values (Fieller 1954; Hall 1992), the degrees of freedom at most those of the rarer rows, those of the most frequent of `classes` (n,) or all others: a ratio whose lower part
    few rows carry is far from normal. For the lower end half a row with the largest loss is added, for the upper end half a rarer one
    without any (of numbers, with the smallest loss): the worst and the best have hardly been seen. Clusters count by their sums. Where every row's loss is the same part of the constant's (0, say) the interval
    is `uniform_skill`, of the rows (or clusters). None where the constant has no loss, there are fewer than `FEWEST_OF_CLASS`
    rarer rows, or the rows fewer than two clusters.
    """
    own, other = Group(losses, clusters), Group(constant, clusters)
    rarest, fewest = np.arange(len(losses)), 2
    if classes is not None:
        owner = numbered(classes)
        most = owner == np.bincount(owner).argmax()
        rarest, fewest = np.flatnonzero(most if 2 * most.sum() < len(most) else ~most), FEWEST_OF_CLASS
    independent = own.independent
    if constant.sum() <= 0 or independent < 2 or len(rarest) < fewest:
        return None
    ratio = own.mean / other.mean
    if float(np.abs(own.parts() - ratio * other.parts()).max()) < 1e-13 * other.mean:
        return 1 - ratio, uniform_skill(1 - ratio, independent, float(constant.max()) / other.mean)
    apart, (model, best) = losses - ratio * constant, _of_clusters(losses, constant, clusters)
    weights = np.r_[np.ones(independent), 0.5]
    worst, least = int(apart.argmax()), int(rarest[apart[rarest].argmin()])
    below = _moments(np.r_[model, losses[worst]], np.r_[best, constant[worst]], weights)
    above = _moments(np.r_[model, losses[least] if classes is None else 0.0], np.r_[best, constant[least]], weights)
    return 1 - ratio, skill_interval(1 - ratio, below, above, independent, min(independent, len(rarest)) - 1)


def explained(square: Floats, centred: Floats, squares: Floats, rows: Floats) -> Floats:
    """R² (m,), 1 - Σe² / Σ(y - ȳ)², of the sums over some rows (m,): squared errors, `deviations`, and their squares.

    NaN where the true values do not differ. It does not hang on their unit.
    """
    total = squares - centred**2 / rows
    return np.asarray(1 - np.divide(square, total, out=np.full_like(total, np.nan), where=total > 1e-12 * squares))


def deviations(truth: Floats) -> Floats:
    """What true values (n,) are above their median; 0 where that is rounding."""
    above = truth - np.median(truth)
    return np.where(np.abs(above) > 1e-14 * np.abs(truth).max(), above, 0.0)


def _of_clusters(losses: Floats, constant: Floats, clusters: Labels | None) -> tuple[Floats, Floats]:
    """Both losses of each row; of clusters their sums over the mean size."""
    if clusters is None:
        return losses, constant
    owner = numbered(clusters)
    size = len(losses) / (owner.max() + 1)
    return np.bincount(owner, losses) / size, np.bincount(owner, constant) / size


def _moments(a: Floats, b: Floats, weights: Floats) -> list[float]:
    """Both weighted means, and of what each row adds to their errors Σ a^(p - k) · b^k, k = 0 … p, for the powers p = 2, 3 and 4."""
    n = float(weights.sum())
    means = [float(weights @ one) / n for one in (a, b)]
    own, other = (
        np.vander((one - mean) / math.sqrt(n * (n - 1)), 5, increasing=True)
        for one, mean in zip((a, b), means, strict=True)
    )
    sums = own.T @ (weights[:, None] * other)
    return means + [float(sums[power - k, k]) for power in (2, 3, 4) for k in range(power + 1)]


def skill_interval(
    value: float,
    below: Sequence[float],
    above: Sequence[float],
    independent: int,
    degrees: float,
    level: float = 0.95,
) -> Interval:
    """From `_moments` (14,) for the lower and for the upper end, of so many rows or clusters; `degrees` are the degrees of freedom at most."""

    def ends(moments: Sequence[float], ratio: float) -> tuple[float, float]:
        """Of the mean of loss - ratio · constant's loss."""
        powers = [(-ratio) ** k for k in range(5)]
        square, cube, fourth = (
            math.fsum(map(operator.mul, map(operator.mul, binomials, powers), moments[start : start + power + 1]))
            for power, start, binomials in _BINOMIALS
        )
        square = max(square, 1e-300)
        freedom = min(degrees, degrees_of(independent, square, fourth))
        gap = moments[0] - ratio * moments[1]
        return skewed_ends(gap, math.sqrt(square), freedom, cube / square**1.5, level)

    ratio, smallest = 1 - value, 0.0
    largest = _first_root(lambda r: ends(below, r)[1], ratio)
    if ratio > 0 and ends(above, 0.0)[0] > 0 > ends(above, ratio)[0]:
        smallest = float(brentq(lambda r: ends(above, r)[0], 0.0, ratio))
    inputs: Inputs = {
        "value": value,
        "below": [float(one) for one in below],
        "above": [float(one) for one in above],
        "independent": int(independent),
        "degrees": float(degrees),
    }
    return Interval(low=1 - largest, high=1 - smallest, level=level, method="inverted_skill", inputs=inputs)


def _first_root(upper: Callable[[float], float], start: float) -> float:
    """Where an upper end, above 0 at `start`, falls below 0; `_WORST` more where it does not."""
    step = max(start, 0.01)
    if upper(start) < 0:
        return start
    while step < _WORST:
        if upper(start + step) < 0:
            return float(brentq(upper, start, start + step))
        step *= 1.5
    return start + _WORST
