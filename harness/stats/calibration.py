"""Intervals of how far stated probabilities lie from what comes true, paired by row: a row's outcome goes with its probability."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.interval import Interval
from harness.stats.design_effect import largest_effect, mean_error
from harness.stats.exact import remainder_share
from harness.stats.intervals import observed_to_expected

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]


def gap_interval(stated: Floats, hit: Bools, clusters: Labels | None = None) -> Interval:
    """Interval of the mean stated probability minus the share that comes true, of rows (n,).

    Clopper and Pearson's limits (1934) of the share among as many rows as the variance of stated - true is worth (Korn & Graubard 1998), so
    a row whose probability says what comes true adds little. Taken as independent, the two would make it two to four times too wide.
    """
    share = float(hit.mean())
    return remainder_share(*_worth(share, stated - hit, clusters), float(stated.mean()))


def ratio_interval(stated: Floats, hit: Bools, clusters: Labels | None = None) -> Interval:
    """Interval of the share that comes true over the mean stated probability (above 0), from the variance of true - ratio · stated."""
    mean = float(stated.mean())
    share = float(hit.mean())
    return observed_to_expected(*_worth(share, hit - share / mean * stated, clusters), mean, 0.0)


def _worth(share: float, apart: Floats, clusters: Labels | None) -> tuple[float, float]:
    n, plain = float(len(apart)), share * (1 - share)
    rows = n if clusters is None else n / largest_effect(clusters)
    error = mean_error(np.asarray(apart, dtype=float), clusters) or 0.0
    effective = rows if plain <= 0 or error < 1e-12 else plain / error**2
    return share * effective, effective
