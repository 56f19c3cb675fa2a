"""How many rows would settle a question."""

from __future__ import annotations

import math

from scipy import special

from harness.core.interval import Interval
from harness.stats.intervals import normal_quantile

POWER = 0.8


def rows_needed(value: float, interval: Interval, limit: float, rows: int) -> int | None:
    """Total rows at which an interval around `value` would exclude `limit` with 80 % power.

    The half-width towards the limit shrinks with the square root of n, the estimate taken as the
    truth: rows · ((z_level + z_power) · s / |value - limit|)², s the half-width over z_level.
    None where the estimate equals the limit.
    """
    gap = abs(value - limit)
    half = interval.high - value if limit > value else value - interval.low
    if gap <= 1e-12 * max(abs(value), abs(limit), half):
        return None
    z = normal_quantile(0.5 + interval.level / 2)
    return math.ceil(rows * ((z + normal_quantile(POWER)) * half / z / gap) ** 2)


def minimum_detectable(standard_error: float, level: float = 0.95) -> float:
    """The smallest true effect found with 80 % power at this standard error."""
    return (normal_quantile(0.5 + level / 2) + normal_quantile(POWER)) * standard_error


def superiority_power(true: float, margin: float, standard_error: float, level: float = 0.95) -> float:
    """The chance that an interval of this standard error lies wholly above the margin, if the difference is truly `true`.

    Φ((true - margin) / standard error - z); a two-sided interval's upper tail alone.
    """
    return float(special.ndtr((true - margin) / standard_error - normal_quantile(0.5 + level / 2)))
