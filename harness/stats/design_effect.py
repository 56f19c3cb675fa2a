"""How much less rows that belong together tell than as many independent ones (after Rao & Scott 1992, Biometrics 48:577).

For a share p = Σ x / Σ m = h / n over k clusters of m rows with x hits, the variance of the ratio estimate is
v = k / (k - 1) · Σ (x - p·m)² / n², and the design effect d = v / (p·(1 - p) / n). Hits and rows divided by d go into the methods
for independent rows. Two things keep few clusters, or few hits, from telling more than they know:

- v takes in half a cluster of mean size that is all hits and half a one of none: 0.5 · (1/k)² · ((1 - p)² + p²);
- d is multiplied by (t / z)², Student's and the normal 97.5 % quantile, t with k - 1 degrees of freedom.

d is 1 at least; at most the larger of Σ m² / n, which it would be if the rows of a cluster were alike and its size told nothing of
them, and of d without the two additions. It is Σ m² / n where no row is a hit, or all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.interval import Interval
from harness.stats.exact import clopper_pearson
from harness.stats.intervals import student_factor

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]


def numbered(names: Labels) -> npt.NDArray[np.int64]:
    """The number of each row's cluster, class or group (n,), by names (n,): from 0, in the order of the names as text."""
    return np.unique(names.astype(str), return_inverse=True)[1].astype(np.int64)


def effective_counts(hit: Bools, clusters: Labels | None) -> tuple[float, float]:
    """Hits and rows of rows (n,) with these clusters (n,), divided by the design effect; as they are without clusters."""
    n, hits = len(hit), int(hit.sum())
    if clusters is None or n == 0:
        return hits, n
    effect = design_effect(hit.astype(float), clusters)
    return hits / effect, n / effect


def design_effect(values: Floats, clusters: Labels) -> float:
    """The design effect of the mean of values (n,) in [0, 1], with these clusters (n,); half of a cluster at either end as for shares."""
    owner = numbered(clusters)
    sizes, found = np.bincount(owner).astype(float), np.bincount(owner, weights=values)
    n, count, p = len(values), len(sizes), float(values.mean())
    alone, most = float(values.var()) / n, float((sizes**2).sum()) / n
    if alone <= 1e-15 or count < 2:
        return most
    plain = count / (count - 1) * float(((found - p * sizes) ** 2).sum()) / n**2 / alone
    extra = 0.5 * (p**2 + (1 - p) ** 2) / count**2 / alone
    return min(max(most, plain), max(1.0, (plain + extra) * student_factor(count) ** 2))


def largest_effect(clusters: Labels) -> float:
    """The design effect of clusters whose rows are alike, Σ m² / n."""
    sizes = np.unique(clusters.astype(str), return_counts=True)[1].astype(float)
    return float((sizes**2).sum() / sizes.sum())


def share_interval(hit: Bools, clusters: Labels | None) -> Interval:
    """Clopper and Pearson's interval of a share of rows (n,), of counts over their design effect where rows are clustered."""
    return clopper_pearson(*effective_counts(hit, clusters))


def mean_error(values: Floats, clusters: Labels | None) -> float | None:
    """Standard error of the mean of values (n,), n ≥ 1: s / √n; 0 of a single row.

    Where rows belong together √(k / (k - 1) · Σ_c (Σ_{i in c} (v - mean))²) / n over k clusters, times Student's 97.5 % quantile over
    the normal one; None with a single cluster.
    """
    n, centred = len(values), values - values.mean()
    if clusters is None:
        return float(np.sqrt((centred**2).sum() / max(n - 1, 1) / n))
    owner = numbered(clusters)
    count = int(owner.max()) + 1
    if count < 2:
        return None
    total = float((np.bincount(owner, weights=centred) ** 2).sum())
    return float(np.sqrt(count / (count - 1) * total)) / n * student_factor(count)
