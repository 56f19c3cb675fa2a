"""Vectorised bootstrap: resample counts, not rows, wherever a measure is a function of counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def resample_counts(counts: Ints, resamples: int, rng: np.random.Generator) -> Ints:
    """Multinomial resamples (resamples, strata, cells) of counts (strata, cells), each stratum's total kept.

    Equal in law to resampling the rows of each stratum with replacement, without touching a row.
    """
    out = np.empty((resamples, *counts.shape), dtype=np.int64)
    for stratum, row in enumerate(counts):
        total = int(row.sum())
        share = row / total if total else np.full(len(row), 1 / len(row))
        out[:, stratum] = rng.multinomial(total, share, size=resamples)
    return out


def resample_rows(statistic: Callable[[Ints], float], n: int, resamples: int, rng: np.random.Generator) -> Floats:
    """The statistic of row indices (n,) over resamples drawn with replacement."""
    return np.array([statistic(rng.integers(0, n, n)) for _ in range(resamples)], dtype=np.float64)


def resample_means(values: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Means of resamples of values (n,), in blocks that bound memory to about 32 MB."""
    n = len(values)
    block = max(1, 4_000_000 // max(n, 1))
    parts = [
        values[rng.integers(0, n, (min(block, resamples - start), n))].mean(axis=1)
        for start in range(0, resamples, block)
    ]
    return np.concatenate(parts)
