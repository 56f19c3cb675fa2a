"""Two models' gaps (or ratios) of a group against the reference, on the same rows: their difference, and which lies nearer to its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.interval import Inputs, Interval
from harness.stats.intervals import asymmetric, normal_quantile
from harness.stats.profile import Cells, Floats, profile_limits

# Cells of a group: selected by neither, by the second model alone, by the first alone, by both.
_SELECTED = np.array([[0, 0, 1, 1], [0, 1, 0, 1]], dtype=float)
_LARGEST = 1e6


@dataclass(frozen=True)
class Compared:
    """Both models' gap or ratio; the first's minus the second's with its interval; and how much nearer the first lies to the target."""

    values: tuple[float, float]
    difference: Interval
    gain: float
    nearer: Interval


def compare_groups(counts: npt.ArrayLike, *, ratio: bool, effect: float = 1) -> Compared | None:
    """Gaps of selection rates (target 0), or their ratios (target 1), of a group and the reference, from counts (2, 4) of their rows.

    A row of `counts` holds those that neither model selects, the second alone, the first alone, both. `effect` is the design effect of
    clustered rows. None where a rate that is divided by is 0. Limits of the difference and of the sum by `profile_limits`.
    """
    table, target = np.asarray(counts, dtype=float), 1.0 if ratio else 0.0
    rates = _rates(table[None])[0]
    if ratio and (rates[1] <= 0).any():
        return None
    first, second = _measure(table[None], ratio)[0]
    cells = Cells(table.ravel() / effect, np.repeat([0, 1], 4).astype(np.int64))

    def errors(signs: tuple[int, int]) -> list[float]:
        """The value of a sum of both models' measures, and its errors below and above, in standard errors."""

        def value(weights: Floats) -> Floats:
            return np.asarray(_measure(weights.reshape(-1, 2, 4), ratio) @ np.array(signs, dtype=float))

        here = float(value(table.reshape(1, -1))[0])
        low, high = profile_limits(value, cells, 0.95)
        z = normal_quantile(0.975)
        return [here, (here - low) / z, (high - here) / z]

    apart, total = errors((-1, 1)), errors((1, 1))
    total[0] -= 2 * target
    gain = abs(second - target) - abs(first - target)
    difference = asymmetric(-apart[0], apart[2], apart[1])
    return Compared((float(first), float(second)), difference, float(gain), nearer(apart, total))


def nearer(difference: Sequence[float], total: Sequence[float], level: float = 0.95) -> Interval:
    """Interval of |b - t| - |a - t|: how much nearer a lies to the target t than b.

    It is sign(d) · min(max(s, -|d|), |d|) with d = b - a and s = a + b - 2t, so it is bounded over the box that both intervals span, each at half the
    error (Bonferroni): an absolute value is biased where its argument is near 0, so that no interval around it by its own variance holds.
    `difference` and `total`: value, error below and error above of d and s, in standard errors.
    """
    z = normal_quantile(0.5 + (1 + level) / 4)
    ends = [(value - z * below, value + z * above) for value, below, above in (difference, total)]
    flipped = (-ends[0][1], -ends[0][0])
    inputs: Inputs = {"difference": [float(one) for one in difference], "total": [float(one) for one in total]}
    low, high = _lowest(ends[0], ends[1]), -_lowest(flipped, ends[1])
    return Interval(low=low, high=high, level=level, method="nearer_to_target", inputs=inputs)


def nearer_value(difference: Sequence[float], total: Sequence[float]) -> float:
    """What `nearer` is the interval of."""
    d, s = difference[0], total[0]
    return max(min(d, s), -max(d, s))


def _lowest(d: tuple[float, float], s: tuple[float, float]) -> float:
    """The smallest value over the box of d and s."""
    found = []
    if d[1] >= 0:
        found.append(min(s[0], max(d[0], 0.0)) if s[0] >= 0 else max(s[0], -d[1]))
    if d[0] <= 0:
        found.append(max(-s[1], d[0]) if s[1] >= 0 else min(-s[1], max(-d[1], 0.0)))
    return min(found)


def _rates(tables: Floats) -> Floats:
    """Selection rates (m, groups, models) of tables (m, groups, 4)."""
    rows = np.maximum(tables.sum(axis=2, keepdims=True), 1e-300)
    return np.asarray((tables @ _SELECTED.T) / rows)


def _measure(tables: Floats, ratio: bool) -> Floats:
    """Gaps or ratios (m, models)."""
    rates = _rates(tables)
    if not ratio:
        return np.asarray(rates[:, 0] - rates[:, 1])
    return np.asarray(np.minimum(rates[:, 0] / np.maximum(rates[:, 1], 1e-12), _LARGEST))
