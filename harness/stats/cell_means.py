"""Interval of a mean that depends on a row's cell alone (its truth and the answer), such as a cost; recomputable from counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.core.interval import Inputs, Interval
from harness.stats.exact import as_count
from harness.stats.profile import Cells, Floats, profile_limits


def cell_mean(
    counts: Sequence[float],
    truths: Sequence[int],
    values: Sequence[float],
    effect: float = 1,
    level: float = 0.95,
) -> Interval:
    """Interval of the smallest of several means (of one, say) of rows whose value depends on their cell, by `profile_limits`.

    `counts` (c,) of rows by cell, `truths` (c,) the class of each cell, numbered from 0; `values` (k · c,) what a row of the cell adds to each of the k
    means, one mean after the other; `effect` the design effect of clustered rows. A saving against the cheaper of two decisions is the smaller of two means: its lower
    end is the smallest lower end, its upper end the smallest upper end at the error over k (Bonferroni), since the smaller of two estimates
    is too small by chance. A cell without rows counts: a costly error that no row shows is not certain not to happen.
    """
    table = np.asarray(counts, dtype=float)
    worth = np.asarray(values, dtype=float).reshape(-1, len(table))
    used = np.isin(truths, np.unique(np.asarray(truths)[table > 0]))
    _, strata = np.unique(np.asarray(truths)[used], return_inverse=True)
    cells = Cells(table[used] / effect, strata.astype(np.int64))

    def limits(row: Floats, level: float) -> tuple[float, float]:
        return profile_limits(lambda weights: np.asarray(weights @ row[used] / weights.sum(axis=1)), cells, level)

    shared = 1 - (1 - level) / len(worth)
    low = min(limits(row, level)[0] for row in worth)
    high = min(limits(row, shared)[1] for row in worth)
    inputs: Inputs = {
        "counts": [as_count(one) for one in table],
        "truths": [int(one) for one in truths],
        "values": [float(one) for one in values],
        "effect": float(effect),
    }
    return Interval(low=low, high=high, level=level, method="mean_of_cells", inputs=inputs)


def cell_mean_value(counts: Sequence[float], values: Sequence[float]) -> float:
    """What `cell_mean` is the interval of."""
    table = np.asarray(counts, dtype=float)
    return float((np.asarray(values, dtype=float).reshape(-1, len(table)) @ table).min() / table.sum())
