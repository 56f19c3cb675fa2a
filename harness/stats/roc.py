"""A point of the ROC curve: how many rows of one kind lie above the score that a share of the others exceeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from harness.core.interval import Inputs, Interval
from harness.stats.exact import exact_bounds

Floats = npt.NDArray[np.float64]
_FARTHEST = 1e-6


def rate_at(
    inside: Floats, outside: Floats, share: float, effects: tuple[float, float] = (1, 1)
) -> tuple[float, Interval]:
    """The share of scores `inside` (n,) above the score that the `share` of those `outside` (m,) exceeds, with its interval.

    The ROC curve is taken through ties in a straight line: rows of one score on either side count as their average would. `effects` are the
    design effects of clustered rows inside and outside.
    """
    values = np.unique(np.concatenate([inside, outside]))[::-1]
    found, alarms = (
        np.r_[0.0, len(side) - np.searchsorted(np.sort(side), values, side="left")] for side in (inside, outside)
    )
    most = int(stats.binom.ppf(1 - _FARTHEST, math.ceil(len(outside) / effects[1]), share) * effects[1]) + 2
    wanted = np.r_[share * len(outside), np.arange(min(most, len(outside)) + 1)]
    last = np.minimum(np.searchsorted(alarms, wanted, side="right") - 1, len(alarms) - 1)
    following = np.minimum(last + 1, len(alarms) - 1)
    step = np.maximum(alarms[following] - alarms[last], 1e-12)
    hits = found[last] + (found[following] - found[last]) * np.clip((wanted - alarms[last]) / step, 0, 1)
    band = order_statistics(float(hits[0]), hits[1:].tolist(), len(inside), len(outside), share, [*effects])
    return float(hits[0]) / len(inside), band


def order_statistics(
    hits: float,
    hits_at: Sequence[float],
    n: int,
    m: int,
    share: float,
    effects: Sequence[float] = (1, 1),
    level: float = 0.95,
) -> Interval:
    """Interval of `hits` / `n` where the threshold was found on `m` other rows, so that a `share` of them exceeds it.

    `hits_at` [k] are the hits above the threshold that k of the others exceed. The share that truly exceeds the k-th largest of m has a beta
    distribution (k, m - k + 1), which settles between which k the threshold lies: the (k + 1)-th largest for the lower end, the k-th for the upper. The distances to the hits there and to Clopper and
    Pearson's limits (1934) are combined by MOVER (Zou & Donner 2008).
    """
    tail, rows = (1 - level) / 2, m / effects[1]
    k = np.arange(len(hits_at)) / effects[1]
    next_below = special.betainc(k + 1, np.maximum(rows - k, 1e-9), share)
    below = special.betainc(np.maximum(k, 1e-9), np.maximum(rows - k + 1, 1e-9), share)
    surely_below, surely_above = np.flatnonzero(1 - next_below <= tail), np.flatnonzero(below <= tail)
    first = hits_at[int(surely_below[-1])] if len(surely_below) else 0.0
    last = hits_at[int(surely_above[0])] if len(surely_above) else float(n)
    value = hits / n
    low, high = exact_bounds(hits / effects[0], n / effects[0], level)
    down = math.hypot(value - low, value - min(first, hits) / n)
    up = math.hypot(high - value, max(last, hits) / n - value)
    inputs: Inputs = {
        "hits": hits,
        "hits_at": [float(one) for one in hits_at],
        "n": n,
        "m": m,
        "share": share,
        "effects": [float(one) for one in effects],
    }
    ends = max(0.0, value - down), min(1.0, value + up)
    return Interval(low=ends[0], high=ends[1], level=level, method="order_statistics", inputs=inputs)
