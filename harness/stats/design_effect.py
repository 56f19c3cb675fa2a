"""How much less rows that belong together tell than as many independent ones (Rao & Scott 1992, Biometrics 48:577).

For a share p = Σ x / Σ m over clusters of m rows with x hits, the variance of the ratio estimate is
v = k / (k - 1) · Σ (x - p·m)² / (Σ m)² over the k clusters; the design effect d = v / (p·(1 - p) / Σ m). Hits and rows divided by d
go into the methods for independent rows. Where p is 0 or 1, or there is one cluster, nothing tells d, and the rows of a cluster are
taken to say the same: d = Σ m / k. d is never below 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]


def effective_counts(hit: Bools, clusters: npt.NDArray[Any] | None) -> tuple[float, float]:
    """Hits and rows of rows (n,) with these clusters (n,), divided by the design effect; as they are without clusters."""
    n, hits = len(hit), int(hit.sum())
    if clusters is None or n == 0:
        return hits, n
    _, owner = np.unique(clusters.astype(str), return_inverse=True)
    sizes, found = np.bincount(owner).astype(float), np.bincount(owner, weights=hit)
    count, p = len(sizes), hits / n
    effect = n / count
    if 0 < p < 1 and count > 1:
        variance = count / (count - 1) * ((found - p * sizes) ** 2).sum() / n**2
        effect = variance / (p * (1 - p) / n)
    effect = max(1.0, float(effect))
    return hits / effect, n / effect
