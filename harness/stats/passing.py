"""With which observed values a rule would pass, and how probably, from the numbers of rows alone.

A rule passes where the whole 95 % interval lies within its bounds. A design is what the numbers of rows settle before the run:
its possible outcomes, counted in steps (rows that hit, pairs in the right order), each with its value and interval. Both ends of
the interval rise with the step, so the steps that pass are a range, and bisection finds it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import special, stats

from harness.core.interval import Interval
from harness.stats.auc import degrees_of, variance_of_sizes, worth_of
from harness.stats.exact import clopper_pearson, mean_share
from harness.stats.intervals import effective_wilson, newcombe

Bounds = tuple[float | None, float | None]
Outcome = tuple[float, Interval]
Contrast = Callable[[int, int, int, int], Outcome | None]
REFERENCE_COUNTS = 21


@dataclass(frozen=True)
class Design:
    """What is settled before the run.

    `outcome` gives the value and 95 % interval of a step from 0 to `last`, None where the measure is undefined (the lowest and
    the highest steps only). `probability` is that of a range of steps, at a true rate or AUC. Where a reference's hits are assumed, `likely`
    holds the design at equally likely hits around them, and `thinkable` at hits from none to all.
    """

    last: int
    outcome: Callable[[int], Outcome | None]
    probability: Callable[[range, float], float]
    likely: tuple[Design, ...] = ()
    thinkable: tuple[Design, ...] = ()


def passing(design: Design, bounds: Bounds) -> range:
    """The steps whose whole interval lies within the bounds; empty where there are none."""
    low, high = bounds

    def above(step: int) -> bool:
        found = design.outcome(step)
        return found is not None and (low is None or found[1].low >= low)

    def beyond(step: int) -> bool:
        found = design.outcome(step)
        return found is not None and high is not None and found[1].high > high

    last = design.last
    while last > 0 and design.outcome(last) is None:
        last -= 1
    start, stop = (bisect_left(range(last + 1), True, key=key) for key in (above, beyond))
    return range(start, max(start, stop))


def chance(design: Design, bounds: Bounds, truth: float) -> float:
    """The probability of passing at a true rate (or AUC); a reference's hits vary around what is assumed of them."""
    variants = design.likely or (design,)
    return float(np.mean([one.probability(passing(one, bounds), truth) for one in variants]))


def attainable(design: Design, bounds: Bounds) -> bool:
    """Whether any answers of a model could pass, whatever is assumed of a reference."""
    return any(passing(one, bounds) for one in (design, *design.thinkable))


def share(n: int) -> Design:
    """Hits among n rows, n ≥ 1: Clopper and Pearson's interval and the binomial probability."""
    return Design(n, lambda step: (step / n, clopper_pearson(step, n)), partial(_binomial, n))


def against(contrast: Contrast, n: int, reference_n: int, reference_hits: int) -> Design:
    """Hits among n rows against assumed hits among a reference's.

    `contrast` gives the outcome of (hits, n, reference hits, reference n).
    """

    def at(hits: int) -> Design:
        return Design(n, lambda step: contrast(step, n, hits, reference_n), partial(_binomial, n))

    tails = (np.arange(REFERENCE_COUNTS) + 0.5) / REFERENCE_COUNTS
    likely = stats.binom.ppf(tails, reference_n, reference_hits / reference_n)
    thinkable = np.linspace(reference_n, 0, REFERENCE_COUNTS).round()
    return replace(
        at(reference_hits),
        likely=tuple(at(int(hits)) for hits in likely),
        thinkable=tuple(at(int(hits)) for hits in thinkable),
    )


def ranking(positives: int, negatives: int) -> Design:
    """The AUC of a score, in steps of half a pair: the run's interval, with the variance that the class sizes give.

    The run's variance is at least that, so that its value to pass may be a little higher. The probability is normal.
    """
    last, sizes = 2 * positives * negatives, (positives, negatives)

    def at(step: int) -> Outcome:
        value = step / last
        inner = min(max(value, 1e-9), 1 - 1e-9)
        spreads = inner * (1 - inner) ** 2 / (2 - inner), inner**2 * (1 - inner) / (1 + inner)
        parts = [(spread / n, max(n - 1, 1)) for spread, n in zip(spreads, sizes, strict=True)]
        return value, _as_auc(worth_of(value, 0.0, sizes, 1.0, degrees_of(parts)))

    return Design(
        last, at, lambda steps, truth: _normal(steps, last, truth, math.sqrt(variance_of_sizes(truth, *sizes)))
    )


def mean_recall(sizes: list[int]) -> Design:
    """Balanced accuracy of classes of these sizes where each is recognised equally well, in thousandths below 1."""

    def error(rate: float) -> float:
        return math.sqrt(rate * (1 - rate) * sum(1 / n for n in sizes)) / len(sizes)

    return Design(
        999,
        lambda step: (step / 1000, mean_share([step / 1000 * n for n in sizes], sizes)),
        lambda steps, truth: _normal(steps, 1000, truth, error(truth)),
    )


def rate_gap(hits: int, n: int, reference_hits: int, reference_n: int) -> Outcome:
    """Difference of two shares, with Newcombe's interval."""
    return hits / n - reference_hits / reference_n, newcombe(hits, n, reference_hits, reference_n)


def two_valued_auc(hits: int, n: int, reference_hits: int, reference_n: int) -> Outcome:
    """AUC of a yes or no that tells n ≥ 2 rows from the reference's (≥ 2): (1 + gap) / 2, with the run's interval.

    A row's placement takes two values half apart, so DeLong's variance is ¼ [p (1 - p) / (n - 1) + q (1 - q) / (m - 1)].
    """
    p, q = hits / n, reference_hits / reference_n
    parts = [(share * (1 - share) / (rows - 1) / 4, rows - 1) for share, rows in ((p, n), (q, reference_n))]
    untied = 1 - ((p + q) / 2) ** 3 - (1 - (p + q) / 2) ** 3
    value = (1 + p - q) / 2
    return value, _as_auc(worth_of(value, sum(v for v, _ in parts), (n, reference_n), untied, degrees_of(parts)))


def _as_auc(worth: tuple[float, ...]) -> Interval:
    value, effective_n, degrees = worth
    return effective_wilson(value, effective_n, degrees)


def _binomial(n: int, steps: range, rate: float) -> float:
    below, upto = stats.binom.cdf([steps.start - 1, steps.stop - 1], n, rate)
    return float(upto - below)


def _normal(steps: range, scale: int, truth: float, error: float) -> float:
    ends = [((step - 0.5) / scale - truth) / error for step in (steps.start, steps.stop)]
    return float(special.ndtr(ends[1]) - special.ndtr(ends[0]))
