"""Intervals of what abstaining gains on accuracy, and of the area under the risk-coverage curve."""

from __future__ import annotations

import numpy as np

from harness.core.interval import Interval
from harness.stats.exact import clopper_pearson, share_difference
from harness.stats.ranked import Ranking, precision_worth, worth_of

GRID = np.arange(1, 101) / 100
WEIGHT = 2.0


def selective_gain(ranking: Ranking, coverage: float) -> tuple[float, Interval]:
    """Precision among this share (< 1) of the rows, those ranked first, minus that of all rows.

    It is (1 - coverage) · (precision among the first - precision among the rest), two shares of different rows: the
    exact limits of each, of as many rows as the variance with its edge is worth, combined by MOVER (Zou & Donner 2008).
    The rest are the first rows of the reversed ranking. Student's interval of the gain's influence function misses the
    truth in up to 30 % where few rows are left out, or kept.
    """
    n = len(ranking.hit)
    first = precision_worth(ranking, coverage * n)
    rest = precision_worth(ranking.reversed(), n - coverage * n)
    band = share_difference([first[0], rest[0]], [first[1], rest[1]], 1 - coverage)
    return (1 - coverage) * (first[0] / first[1] - rest[0] / rest[1]), band


def area(ranking: Ranking) -> tuple[float, Interval]:
    """Mean of 1 - precision over the shares `GRID` of the rows ranked first.

    A row's influence is the mean of those on the precisions. Clopper and Pearson's limits (1934) of as many rows as the
    variance is worth (Korn & Graubard 1998), at most a half of all: with errors at random an error at the rank t weighs
    ln 1/t, whose square is 2 on average.
    """
    n = len(ranking.hit)
    risk, influence = 0.0, np.zeros(n)
    for share in GRID:
        taken = ranking.taken(share * n)
        risk += 1 - float((ranking.hit * taken).sum()) / float(taken.sum())
        influence += ranking.moved(share * n) / share
    value, rows = min(max(risk / len(GRID), 0.0), 1.0), n / ranking.effect / WEIGHT
    variance = max(ranking.variance(influence / len(GRID)), value * (1 - value) / rows)
    return value, clopper_pearson(*worth_of(value, variance, rows))
