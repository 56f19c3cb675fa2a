"""Interval of a measure that is a function of counts by stratum (a confusion table by true class), evaluated exactly.

The parts of the counts are independent: how many rows each stratum has, and how the rows of each spread over its cells. Each gets
exact limits, and the measure is evaluated at the worst point of the ellipsoid that they span: MOVER (Zou & Donner 2008) where the
measure is linear in the parts, and beyond it where it is not (F1, Matthews correlation). With ψ the derivative of the measure
by the weight of a cell, a row's cell either is the stratum's usual one (the weighted median of ψ), or lies above it, or below:

- how many rows lie above and below follows Clopper and Pearson's limits (1934) of the mean of |ψ - usual|, over rows that count as many as
  its variance says (Korn & Graubard 1998), at least as many as there are;
- over all strata the move is scaled to the gamma limits of the weighted sum of such rows (Fay & Feuer 1997), since few in each of many
  strata add up to a skewed sum;
- the rows of each stratum follow the exact limits of a Poisson count.

No resampling: a table without any error has an interval, and p-values have no floor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.stats.exact import exact_limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Measure = Callable[[Floats], Floats]
ROUNDS = 4
_STEP = 1e-3


@dataclass(frozen=True)
class Cells:
    """Counts (c,) of cells, and the stratum (c,) of each, numbered from 0; a cell may be empty."""

    counts: Floats
    strata: Ints

    @property
    def rows(self) -> Floats:
        """Rows of each stratum."""
        return np.bincount(self.strata, self.counts).astype(float)


def profile_limits(measure: Measure, cells: Cells, level: float) -> tuple[float, float]:
    """Lower and upper limit of a measure of weights (m, c) → (m,) that is the same for a table and its multiples.

    The counts are whole, or those of clustered rows over their design effect.
    """
    share = cells.counts / cells.counts.sum()
    value = _at(measure, share)
    step = 1e-4 / cells.counts.sum()
    slope = (measure(share + step * np.eye(len(share))) - value) / step
    slope = np.nan_to_num(slope)
    low, high = (_worst(measure, cells, end * slope, end, level) for end in (-1, 1))
    return min(low, value), max(high, value)


def _worst(measure: Measure, cells: Cells, slope: Floats, end: int, level: float) -> float:
    """The largest (end 1) or smallest (end -1) value on the ellipsoid; `slope` is the derivative towards that end."""
    tail, rows = (1 - level) / 2, cells.rows
    n, live = rows.sum(), np.flatnonzero(rows > 0)
    share = rows / n
    inside = cells.counts / np.where(rows > 0, rows, 1)[cells.strata]
    moves = _scaled([m for k in live for m in _moves(cells, inside, slope, int(k), tail)], len(inside), tail)
    drift = np.bincount(cells.strata, slope * inside)[live]
    more = special.gammaincinv(rows[live] + 1, 1 - tail) / n - share[live]
    fewer = special.gammaincinv(rows[live], tail) / n - share[live]
    shares = np.where(drift > 0, more, fewer)

    def weights(steps: Floats) -> Floats:
        spread = np.maximum(inside + steps[:, : len(moves)] @ moves, 0)
        sizes = np.repeat(share[None], len(steps), axis=0)
        sizes[:, live] += steps[:, len(moves) :] * shares
        return sizes[:, cells.strata] * spread

    count = len(moves) + len(live)
    at, best = np.zeros(count), _at(measure, cells.counts)
    around = _STEP * np.eye(count + 1, count, -1)
    for left in range(ROUNDS, -1, -1):
        found = measure(weights(at + (around if left else around[:1])))
        here = float(found[0])
        best = max(best, here) if end > 0 else min(best, here)
        gradient = np.maximum(np.nan_to_num(end * (found[1:] - here) / _STEP), 0)
        length = float(np.sqrt((gradient**2).sum()))
        if length < 1e-15:
            break
        at = gradient / length
    return best


@dataclass(frozen=True)
class _Move:
    """Where the rows of a stratum go at its limit: changes (c,) of the spread, how far the measure moves, and what the sum over strata needs.

    `towards`: rows that lie above the usual cell become more (else those below become fewer). `mean`, `variance` and `largest` are those
    of the weighted sum of such rows.
    """

    change: Floats
    distance: float
    towards: bool
    mean: float
    variance: float
    largest: float


def _moves(cells: Cells, inside: Floats, slope: Floats, stratum: int, tail: float) -> list[_Move]:
    own = np.flatnonzero(cells.strata == stratum)
    p, v, rows = inside[own], slope[own], float(cells.counts[own].sum())
    part = rows / cells.counts.sum()
    order = np.argsort(v, kind="stable")
    usual = order[int(np.searchsorted(np.cumsum(p[order]), 0.5 - 1e-12))]
    found = []
    for towards, apart in ((True, np.maximum(v - v[usual], 0)), (False, np.maximum(v[usual] - v, 0))):
        most, mean = float(apart.max()), float((p * apart).sum())
        if most <= 1e-12 or (mean <= 0 and not towards):
            continue
        m, variance = mean / most, float((p * apart**2).sum()) - mean**2
        counted = rows * max(1.0, m * (1 - m) * most**2 / variance if variance > 1e-15 * most**2 else 1.0)
        low, high = exact_limits(m * counted, counted, tail)
        change = np.zeros(len(inside))
        if towards:
            spread = (p * rows + 0.5 / len(p)) * apart
            spread /= spread.sum()
            gain = float((spread * apart).sum()) - mean
            change[own] = min(1.0, (high - m) * most / gain if gain > 0 else 0.0) * (spread - p)
            distance = (high - m) * most
        else:
            gone = (1 - low / m) * p * (apart > 0)
            change[own] -= gone
            change[own[usual]] += gone.sum()
            distance = (m - low) * most
        sums = part * mean, part**2 * variance / rows, part * most / rows
        found.append(_Move(change, part * distance, towards, *sums))
    return found


def _scaled(moves: list[_Move], cells: int, tail: float) -> Floats:
    """The changes (moves, c), those of either kind scaled to the gamma limits of their sum."""
    scaled = []
    for towards in (True, False):
        same = [move for move in moves if move.towards is towards]
        apart = float(np.sqrt(sum(move.distance**2 for move in same)))
        if apart <= 0:
            continue
        mean, variance = sum(move.mean for move in same), sum(move.variance for move in same)
        if towards:
            largest = max(move.largest for move in same)
            limit = _gamma(mean + largest, variance + largest**2, 1 - tail) - mean
        else:
            limit = mean - _gamma(mean, variance, tail)
        scaled += [move.change * limit / apart for move in same]
    return np.array(scaled).reshape(len(scaled), cells)


def _gamma(mean: float, variance: float, probability: float) -> float:
    """Quantile of the gamma distribution with this mean and variance; the mean where it has no variance."""
    if variance <= 0 or mean <= 0:
        return max(mean, 0.0)
    return float(special.gammaincinv(mean**2 / variance, probability)) * variance / mean


def _at(measure: Measure, weights: Floats) -> float:
    return float(measure(weights[None] if weights.ndim == 1 else weights)[0])
