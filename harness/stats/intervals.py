"""Interval estimates of proportions, their differences (paired too) and ratios, and AUC; all recomputable from inputs.

Every function returns an `Interval` whose `inputs` hold the arguments, so that `levels.at_level` can give the
same interval at another level and `levels.p_beyond` can turn it into a p-value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize, special

from harness.core.interval import Interval
from harness.stats.exact import as_count, exact_bounds


def normal_quantile(p: float) -> float:
    """Standard normal quantile."""
    return float(special.ndtri(p))


def wilson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Wilson score interval for a proportion (Wilson 1927); (0, 1) when n is 0.

    The counts, here and below, are whole, or those of rows that belong together over their design effect.
    """
    inputs: dict[str, float | int | list[float]] = {"successes": as_count(successes), "n": as_count(n)}
    low, high = _wilson_bounds(successes, n, level)
    return Interval(low=low, high=high, level=level, method="wilson", inputs=inputs)


def newcombe(
    successes: float, n: float, reference_successes: float, reference_n: float, level: float = 0.95
) -> Interval:
    """Score interval for a difference of two proportions, group minus reference (Newcombe 1998, method 10)."""
    p, q = successes / n, reference_successes / reference_n
    low_p, high_p = _wilson_bounds(successes, n, level)
    low_q, high_q = _wilson_bounds(reference_successes, reference_n, level)
    gap = p - q
    low = gap - math.hypot(p - low_p, high_q - q)
    high = gap + math.hypot(high_p - p, q - low_q)
    return Interval(
        low=max(-1.0, low),
        high=min(1.0, high),
        level=level,
        method="newcombe",
        inputs=_two_counts(successes, n, reference_successes, reference_n),
    )


RATIO_CEILING = 1e6


def score_ratio(
    successes: float, n: float, reference_successes: float, reference_n: float, level: float = 0.95
) -> Interval:
    """Score interval for a ratio of two proportions, group over reference (Miettinen & Nurminen 1985).

    Inverts the score test with the constrained maximum-likelihood variance and the factor N/(N-1).
    An open upper end (no success in the reference) is capped at 1e6.
    """
    z = normal_quantile(0.5 + level / 2)
    counts = (successes, n, reference_successes, reference_n)
    if successes == 0 and reference_successes == 0:
        low, high = 0.0, RATIO_CEILING
    else:
        low = 0.0 if successes == 0 else _ratio_root(counts, z)
        high = RATIO_CEILING if reference_successes == 0 else _ratio_root(counts, -z)
    return Interval(
        low=low,
        high=max(low, high),
        level=level,
        method="miettinen_nurminen_ratio",
        inputs=_two_counts(*counts),
    )


def ratio_score(ratio: float, successes: float, n: float, reference_successes: float, reference_n: float) -> float:
    """Miettinen-Nurminen z for the ratio; positive when the observed ratio is above it."""
    p1, p0 = successes / n, reference_successes / reference_n
    total = n + reference_n
    a = total * ratio
    b = -(n * ratio + successes + reference_n + reference_successes * ratio)
    c = successes + reference_successes
    q0 = (-b - math.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a)
    q0 = min(max(q0, 0.0), 1.0)
    q1 = min(ratio * q0, 1.0)
    variance = (q1 * (1 - q1) / n + ratio**2 * q0 * (1 - q0) / reference_n) * total / (total - 1)
    gap = p1 - ratio * p0
    if variance <= 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def normal_logit(value: float, standard_error: float, level: float = 0.95, method: str = "delong_logit") -> Interval:
    """Normal interval on the logit scale, for an AUC with its DeLong standard error.

    At 0 or 1 the logit is not defined: use `newcombe_auc` there.
    """
    z = normal_quantile(0.5 + level / 2)
    inputs: dict[str, float | int | list[float]] = {"value": value, "standard_error": standard_error}
    spread = z * standard_error / (value * (1 - value))
    low, high = (float(special.expit(special.logit(value) + s * spread)) for s in (-1, 1))
    return Interval(low=low, high=high, level=level, method=method, inputs=inputs)


def effective_wilson(value: float, effective_n: float, degrees: float | None = None, level: float = 0.95) -> Interval:
    """Wilson's score interval (1927) of a measure in [0, 1] that was estimated as well as a proportion of `effective_n` rows.

    With `degrees` of freedom of its variance Student's quantile stands for the normal one.
    """
    tail = 0.5 + level / 2
    z = normal_quantile(tail) if degrees is None else float(special.stdtrit(degrees, tail))
    low, high = _score_bounds(value, effective_n, z)
    inputs: dict[str, float | int | list[float]] = {"value": value, "effective_n": effective_n}
    inputs |= {} if degrees is None else {"degrees": float(degrees)}
    return Interval(low=low, high=high, level=level, method="effective_wilson", inputs=inputs)


def gini(auc: float, effective_n: float, degrees: float | None = None, level: float = 0.95) -> Interval:
    """Interval of the Gini coefficient, 2 · AUC - 1, from the arguments of the AUC's `effective_wilson`."""
    band = effective_wilson(auc, effective_n, degrees, level)
    inputs = {"auc" if key == "value" else key: one for key, one in band.inputs.items()}
    ends = {"low": 2 * band.low - 1, "high": 2 * band.high - 1}
    return Interval(**ends, level=level, method="effective_wilson_gini", inputs=inputs)


def log_student(
    value: float,
    error_below: float,
    value_above: float,
    error_above: float,
    degrees: Sequence[float],
    level: float = 0.95,
) -> Interval:
    """Student's interval of a mean above 0 on the log scale, from value · exp(-t · error / value) to the same of `value_above` with exp(+ …).

    `degrees` are those of the lower and of the upper end; `value_above` is the value, or what it would be with a row that was not seen.
    """
    t = [float(special.stdtrit(own, 0.5 + level / 2)) for own in degrees]
    low = value * math.exp(-min(t[0] * error_below / value, 700.0))
    high = value_above * math.exp(min(t[1] * error_above / value_above, 700.0))
    inputs: dict[str, float | int | list[float]] = {
        "value": value,
        "error_below": error_below,
        "value_above": value_above,
        "error_above": error_above,
        "degrees": [float(one) for one in degrees],
    }
    return Interval(low=low, high=max(high, value), level=level, method="log_student", inputs=inputs)


def correlated_difference(
    first: Sequence[float], second: Sequence[float], correlation: float, level: float = 0.95
) -> Interval:
    """Interval of a difference of two estimates on the same rows by MOVER (Zou & Donner 2008), from `effective_wilson` of either.

    `first` and `second` are the arguments of `effective_wilson` (value, effective_n, and degrees where there are any): first - second
    ∓ √(d₁² + d₂² - 2 · correlation · d₁ · d₂), with d₁ the first's distance to its limit on this side and d₂ the second's on the other.
    """
    one, other = (effective_wilson(own[0], own[1], own[2] if len(own) > 2 else None, level) for own in (first, second))
    gap = first[0] - second[0]

    def distance(own: float, others: float) -> float:
        return math.sqrt(max(own**2 + others**2 - 2 * correlation * own * others, 0.0))

    low = gap - distance(first[0] - one.low, other.high - second[0])
    high = gap + distance(one.high - first[0], second[0] - other.low)
    inputs: dict[str, float | int | list[float]] = {
        "first": [float(x) for x in first],
        "second": [float(x) for x in second],
        "correlation": correlation,
    }
    return Interval(low=low, high=high, level=level, method="correlated_difference", inputs=inputs)


def newcombe_auc(value: float, positives: int, negatives: int, level: float = 0.95) -> Interval:
    """Score-type interval for an AUC from its value and the class sizes (Newcombe 2006, method 5).

    Solves |value - θ| = z · s(θ), s² = θ(1-θ)[1 + N(1-θ)/(2-θ) + Nθ/(1+θ)] / (m·n), N = (m+n)/2 - 1. It has a width
    where every positive row outranks every negative one, which DeLong's variance has not.
    """
    z = normal_quantile(0.5 + level / 2)

    def gap(theta: float) -> float:
        return abs(value - theta) - z * auc_standard_error(theta, positives, negatives)

    low = 0.0 if value == 0 or gap(1e-9) < 0 else float(optimize.brentq(gap, 1e-9, min(value, 1 - 1e-12)))
    high = 1.0 if value == 1 or gap(1 - 1e-9) < 0 else float(optimize.brentq(gap, max(value, 1e-12), 1 - 1e-9))
    inputs: dict[str, float | int | list[float]] = {"value": value, "positives": positives, "negatives": negatives}
    return Interval(low=low, high=high, level=level, method="newcombe_auc", inputs=inputs)


def auc_standard_error(auc: float, positives: int, negatives: int) -> float:
    """Standard error s of an AUC estimated from so many rows, if this is its true value (Newcombe 2006, method 5)."""
    half = (positives + negatives) / 2 - 1
    spread = 1 + half * (1 - auc) / (2 - auc) + half * auc / (1 + auc)
    return math.sqrt(auc * (1 - auc) * spread / (positives * negatives))


def student_factor(clusters: int) -> float:
    """How much wider few clusters make an interval: Student's 97.5 % quantile with clusters - 1 degrees of freedom over the normal one."""
    return float(special.stdtrit(clusters - 1, 0.975)) / normal_quantile(0.975)


def wald(value: float, standard_error: float, level: float = 0.95) -> Interval:
    """Normal interval: value ± z · standard error."""
    half = normal_quantile(0.5 + level / 2) * standard_error
    return Interval(
        low=value - half,
        high=value + half,
        level=level,
        method="wald",
        inputs={"value": value, "standard_error": standard_error},
    )


def student(value: float, standard_error: float, degrees: int, level: float = 0.95) -> Interval:
    """Student's t interval: value ± t · standard error, at these degrees of freedom."""
    half = float(special.stdtrit(degrees, 0.5 + level / 2)) * standard_error
    inputs: dict[str, float | int | list[float]] = {
        "value": value,
        "standard_error": standard_error,
        "degrees": int(degrees),
    }
    return Interval(low=value - half, high=value + half, level=level, method="student", inputs=inputs)


def tango(gains: int, losses: int, n: int, level: float = 0.95) -> Interval:
    """Score interval of a paired difference of proportions, (gains - losses) / n (Tango 1998).

    `gains` counts the items that only the first model gets right, `losses` those that only the second does, of n items.
    Holds its level at a boundary where Wald's interval does not; with no discordant pair it still has a width.
    """
    z = normal_quantile(0.5 + level / 2)
    value = (gains - losses) / n

    def gap(delta: float) -> float:
        return _tango_score(gains, losses, n, delta) - z

    low = -1.0 if gap(-1 + 1e-12) < 0 else float(optimize.brentq(gap, -1 + 1e-12, min(value, 1 - 1e-12)))
    high = 1.0
    if _tango_score(gains, losses, n, 1 - 1e-12) < -z:
        start = max(value, -1 + 1e-12)
        high = float(optimize.brentq(lambda d: _tango_score(gains, losses, n, d) + z, start, 1 - 1e-12))
    inputs: dict[str, float | int | list[float]] = {"gains": int(gains), "losses": int(losses), "n": int(n)}
    return Interval(low=min(low, value), high=max(high, value), level=level, method="tango", inputs=inputs)


def square_and_add(value: float, other: float, own: Interval, others: Interval) -> Interval:
    """Interval of value - other from the two estimates' own intervals (Zou & Donner 2008), taken as independent.

    Of models measured on the same items it is too wide wherever their errors go together: never wrongly sure.
    """
    z = normal_quantile(0.5 + own.level / 2)
    down = math.hypot(value - own.low, others.high - other) / z
    up = math.hypot(own.high - value, other - others.low) / z
    return asymmetric(value - other, down, up, own.level)


def observed_to_expected(
    successes: float, n: float, expected: float, standard_error: float, level: float = 0.95
) -> Interval:
    """Interval of an observed share over an expected mean (above 0): Clopper and Pearson's and the normal one, on the log scale (Zou & Donner 2008).

    The two are taken as independent. ln(ratio) ± √(distance of ln share to its bound² + the same of the mean's other bound²);
    from 0 where there is no success, to the exact upper bound over the mean.
    """
    low, high = exact_bounds(successes, n, level)
    share, spread = successes / n, normal_quantile(0.5 + level / 2) * standard_error / expected
    if successes == 0:
        ends = (0.0, high / expected * math.exp(spread))
    else:
        down, up = math.log(share / low), math.log(high / share)
        ends = (
            share / expected * math.exp(-math.hypot(down, spread)),
            share / expected * math.exp(math.hypot(up, spread)),
        )
    inputs: dict[str, float | int | list[float]] = {
        "successes": as_count(successes),
        "n": as_count(n),
        "expected": expected,
        "standard_error": standard_error,
    }
    return Interval(low=ends[0], high=ends[1], level=level, method="observed_to_expected", inputs=inputs)


FEWEST_BEYOND = 5
QUANTILE_GRID = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5]
QUANTILE_GRID = [*QUANTILE_GRID, *[1 - p for p in reversed(QUANTILE_GRID[:-1])]]


def percentile(resamples: np.ndarray, level: float = 0.95) -> Interval:
    """Percentile interval of bootstrap resamples (m,); the quantiles kept allow other levels."""
    grid = [float(q) for q in np.quantile(resamples, QUANTILE_GRID)]
    inputs: dict[str, float | int | list[float]] = {
        "probabilities": list(QUANTILE_GRID),
        "quantiles": grid,
        "resamples": len(resamples),
    }
    low, high = percentile_bounds(inputs, level)
    return Interval(low=low, high=high, level=level, method="bootstrap_percentile", inputs=inputs)


def resample_interval(drawn: np.ndarray, level: float = 0.95, scale: float = 1.0) -> Interval | None:
    """The percentile interval of resamples (m,); None where they do not differ by more than rounding: that is no certainty.

    `scale` is the size of what they are made of: 1 of shares, a typical one of numbers in a unit.
    """
    if not len(drawn) or np.ptp(drawn) <= 1e-12 * max(scale, float(np.abs(drawn).max())):
        return None
    return percentile(drawn, level)


def _wilson_bounds(successes: float, n: float, level: float) -> tuple[float, float]:
    if n == 0:
        return 0.0, 1.0
    return _score_bounds(successes / n, n, normal_quantile(0.5 + level / 2))


def _score_bounds(p: float, n: float, z: float) -> tuple[float, float]:
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # The exact ends: rounding must not leave 0.9999999 where every row succeeded.
    low = 0.0 if p == 0 else max(0.0, centre - half)
    return low, 1.0 if p == 1 else min(1.0, centre + half)


def _ratio_root(counts: tuple[float, float, float, float], z: float) -> float:
    def gap(log_ratio: float) -> float:
        return ratio_score(math.exp(log_ratio), *counts) - z

    ends = (-math.log(RATIO_CEILING) * 2, math.log(RATIO_CEILING))
    low_value, high_value = gap(ends[0]), gap(ends[1])
    if low_value < 0 or high_value > 0:
        return 0.0 if low_value < 0 else RATIO_CEILING
    return math.exp(float(optimize.brentq(lambda x: max(min(gap(x), 1e9), -1e9), *ends, xtol=1e-10)))


def percentile_bounds(inputs: dict[str, float | int | list[float]], level: float) -> tuple[float, float]:
    """The ends of a percentile interval at a level, from the quantiles that it keeps."""
    tail = (1 - level) / 2
    low, high = (_resampled_quantile(inputs, probability) for probability in (tail, 1 - tail))
    return low, high


def _resampled_quantile(inputs: dict[str, Any], probability: float) -> float:
    """Within the quantiles that enough resamples settle; beyond them as far out as in a normal distribution of the same spread."""
    known, quantiles = np.asarray(inputs["probabilities"]), np.asarray(inputs["quantiles"])
    settled = known[known >= FEWEST_BEYOND / float(inputs["resamples"])]
    least = float(settled[0]) if len(settled) and settled[0] < 0.5 else 0.25
    if least <= probability <= 1 - least:
        return float(np.interp(probability, known, quantiles))
    edge = least if probability < 0.5 else 1 - least
    at, middle = (float(np.interp(one, known, quantiles)) for one in (edge, 0.5))
    return middle + (at - middle) * normal_quantile(probability) / normal_quantile(edge)


def _two_counts(
    successes: float, n: float, reference_successes: float, reference_n: float
) -> dict[str, float | int | list[float]]:
    return {
        "successes": as_count(successes),
        "n": as_count(n),
        "reference_successes": as_count(reference_successes),
        "reference_n": as_count(reference_n),
    }


def asymmetric(value: float, error_below: float, error_above: float, level: float = 0.95) -> Interval:
    """The value ± the normal quantile times an error of its own on either side."""
    z = normal_quantile(0.5 + level / 2)
    inputs: dict[str, float | int | list[float]] = {
        "value": value,
        "error_below": error_below,
        "error_above": error_above,
    }
    return Interval(
        low=value - z * error_below,
        high=value + z * error_above,
        level=level,
        method="square_and_add",
        inputs=inputs,
    )


def _tango_score(gains: int, losses: int, n: int, delta: float) -> float:
    """Tango's z for a true difference of delta; falls as delta rises."""
    b = -(gains + losses) + (2 * n - gains + losses) * delta
    c = -losses * delta * (1 - delta)
    share = max((math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n), 0.0, -delta)
    variance = n * (2 * share + delta * (1 - delta))
    distance = gains - losses - n * delta
    if variance <= 1e-12:
        return 0.0 if abs(distance) < 1e-12 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)
