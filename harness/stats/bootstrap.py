"""Vectorised bootstrap: resample counts, not rows, wherever a measure is a function of counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.stats.design_effect import numbered

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[Any]


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


def resample_rows(
    statistic: Callable[[Ints], float], n: int, resamples: int, rng: np.random.Generator, clusters: Labels | None = None
) -> Floats:
    """The statistic of row indices over resamples drawn with replacement: n rows, or whole clusters (n,)."""
    if clusters is None:
        return np.array([statistic(rng.integers(0, n, n)) for _ in range(resamples)], dtype=np.float64)
    owner = numbered(clusters)
    members = np.split(np.argsort(owner, kind="stable"), np.cumsum(np.bincount(owner))[:-1])
    drawn = rng.integers(0, len(members), (resamples, len(members)))
    return np.array([statistic(np.concatenate([members[i] for i in own])) for own in drawn], dtype=np.float64)


def resample_weights(n: int, clusters: Labels | None, resamples: int, rng: np.random.Generator) -> Ints:
    """How often each of n rows is drawn in each resample (resamples, n); whole clusters (n,) where rows belong together."""
    if clusters is None:
        return rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    owner = numbered(clusters)
    count = int(owner.max()) + 1
    return rng.multinomial(count, np.full(count, 1 / count), size=resamples)[:, owner]


def resample_sums(moments: Floats, clusters: Labels | None, resamples: int, rng: np.random.Generator) -> Floats:
    """Sums (resamples, k) of the rows' moments (n, k); whole clusters (n,) are drawn where rows belong together.

    Any measure that is a function of sums (a mean, an RMSE, R²) follows from them without touching the rows again.
    """
    sums = moments
    if clusters is not None:
        owner = numbered(clusters)
        sums = np.zeros((int(owner.max()) + 1, moments.shape[1]))
        np.add.at(sums, owner, moments)
    n = len(sums)
    block = max(1, 4_000_000 // max(n, 1))
    parts = [
        rng.multinomial(n, np.full(n, 1 / n), size=min(block, resamples - start)) @ sums
        for start in range(0, resamples, block)
    ]
    return np.concatenate(parts)
