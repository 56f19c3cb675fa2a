"""Two models on the same items: tests of a paired difference."""

from __future__ import annotations

from scipy import stats


def mcnemar_exact(gains: int, losses: int) -> float:
    """Two-sided p-value that gains and losses are equally likely (McNemar 1947, exact); 1 with no discordant pair."""
    if gains + losses == 0:
        return 1.0
    return float(stats.binomtest(gains, gains + losses).pvalue)


def two_sided(value: float, standard_error: float, degrees: int | None = None) -> float:
    """Two-sided p-value that the truth is 0: by Student's t with these degrees of freedom, or the normal distribution."""
    if value == 0:
        return 1.0
    if standard_error == 0:
        return 0.0
    z = abs(value) / standard_error
    return float(2 * (stats.norm.sf(z) if degrees is None else stats.t.sf(z, degrees)))
