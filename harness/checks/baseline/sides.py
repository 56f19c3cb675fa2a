"""Two models' answers for the same rows, and the differences that any measure can be put into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.core.comparison import Difference, PairedTest
from harness.core.dataset import Dataset, Labels, Split
from harness.core.finding import Selector
from harness.core.interval import Interval
from harness.core.predictions import Predictions
from harness.spec.suite import Suite
from harness.stats.auc import delong, paired_standard_error
from harness.stats.intervals import normal_quantile, resample_interval, tango, wald
from harness.stats.paired import mcnemar_exact, mean_difference
from harness.stats.power import minimum_detectable

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Better = Literal["higher", "lower", "target"]


@dataclass(frozen=True)
class About:
    """Which measure a difference is of, of whom, and which way is better (`target`: at 1 for ratios, else at 0)."""

    measure: str
    better: Better = "higher"
    group: Selector | None = None
    of: Selector | None = None
    unit: str | None = None

    @property
    def target(self) -> float:
        """Where a measure with a target is best."""
        return 1.0 if self.measure.endswith(("_ratio", "_slope")) else 0.0


@dataclass(frozen=True)
class Sides:
    """The first (vertical, or new) and the second (general, or earlier) model's answers for the test rows."""

    suite: Suite
    data: Dataset
    test: Split
    first: Predictions
    second: Predictions
    rng: np.random.Generator
    resamples: int = 1000

    def clusters(self, rows: Bools) -> Labels | None:
        """What the rows belong to, or None."""
        return None if self.test.clusters is None else self.test.clusters[rows]

    def shares(self, about: About, first: Bools, second: Bools, rows: Bools) -> Difference:
        """A share of some rows (n,): McNemar's exact test and Tango's interval; of clusters Student's."""
        a, b, clusters = first[rows], second[rows], self.clusters(rows)
        if clusters is not None:
            return self.means(about, a.astype(float), b.astype(float), clusters)
        if not len(a):
            return undefined(about, 0, "no rows to divide by")
        gains, losses = int((a & ~b).sum()), int((b & ~a).sum())
        test = PairedTest(name="mcnemar_exact", p=mcnemar_exact(gains, losses))
        return difference(about, (float(a.mean()), float(b.mean())), tango(gains, losses, len(a)), len(a), test)

    def means(self, about: About, first: Floats, second: Floats, clusters: Labels | None) -> Difference:
        """A mean of the rows' values (n,), paired by row."""
        independent = len(first) if clusters is None else len(set(clusters))
        if independent < 2:
            return undefined(about, len(first), "insufficient sample: fewer than two independent rows")
        interval, p = mean_difference(first - second, clusters)
        values = float(first.mean()), float(second.mean())
        return difference(about, values, interval, len(first), PairedTest(name="paired_t", p=p))

    def ranking(self, about: About, first: Floats, second: Floats, positive: Bools, rows: Bools) -> Difference:
        """ROC-AUC of the rows' scores (n,): DeLong's paired test."""
        positive, clusters = positive[rows], self.clusters(rows)
        one, other = (delong(scores[rows], positive, clusters) for scores in (first, second))
        if one is None or other is None:
            return undefined(about, len(positive), "insufficient sample: fewer than two rows (or clusters) of a class")
        error = paired_standard_error(one, other)
        gap = one.value - other.value
        p = 1.0 if gap == 0 else 0.0 if error == 0 else float(2 * stats.norm.sf(abs(gap) / error))
        values = one.value, other.value
        return difference(about, values, wald(gap, error), len(positive), PairedTest(name="delong_paired", p=p))

    def bootstrapped(
        self, about: About, values: tuple[float, float], drawn: tuple[Floats, Floats], n: int
    ) -> Difference:
        """Any measure, from the same resamples (m,) of either side; undefined where a resample in twenty is."""
        usable = np.isfinite(drawn[0]) & np.isfinite(drawn[1])
        if not np.isfinite(values).all() or usable.mean() < 0.95:
            return undefined(about, n, "undefined: too few rows of a class or group, or answers of one class only")
        if self.test.clusters is not None and len(set(self.test.clusters)) < 2:
            return undefined(about, n, "insufficient sample: fewer than two independent rows")
        first, second = drawn[0][usable], drawn[1][usable]
        nearer = None
        if about.better == "target":
            near = np.abs(second - about.target) - np.abs(first - about.target)
            gain = abs(values[1] - about.target) - abs(values[0] - about.target)
            nearer = gain, _spread(near, gain)
        return difference(about, values, _spread(first - second, values[0] - values[1]), n, nearer=nearer)


def difference(
    about: About,
    values: tuple[float, float],
    interval: Interval,
    n: int,
    test: PairedTest | None = None,
    nearer: tuple[float, Interval] | None = None,
) -> Difference:
    """The difference and the gain; `nearer` is the gain of a measure with a target."""
    value = values[0] - values[1]
    gain, band = (value, interval) if about.better == "higher" else (-value, mirrored(interval))
    if about.better == "target":
        gain, band = nearer or (None, None)  # type: ignore[assignment]  # without resamples it is not known
    judged = band or interval
    error = (judged.high - judged.low) / (2 * normal_quantile(0.5 + judged.level / 2))
    # A measure with a target but nothing to be nearer to (a rate alone) is neither better high nor low.
    named = _named(about) | ({"better": None} if band is None else {})
    return Difference(
        **named,
        first=values[0],
        second=values[1],
        value=value,
        n=n,
        interval=interval,
        gain=gain,
        gain_interval=band,
        test=test,
        minimum_detectable=minimum_detectable(error, judged.level),
    )


def undefined(about: About, n: int, reason: str) -> Difference:
    """A difference without a value, and the reason."""
    return Difference(**_named(about), value=None, n=n, reason=reason)


def mirrored(interval: Interval) -> Interval:
    """The interval of the negative."""
    inputs = dict(interval.inputs)
    swaps = {"tango": ("gains", "losses"), "square_and_add": ("error_below", "error_above")}
    if interval.method in swaps:
        one, other = swaps[interval.method]
        inputs[one], inputs[other] = inputs[other], inputs[one]
    if "value" in inputs:
        inputs["value"] = -inputs["value"]  # type: ignore[operator]  # a number, by the methods that have it
    if "quantiles" in inputs:
        inputs["quantiles"] = [-q for q in reversed(inputs["quantiles"])]  # type: ignore[arg-type]  # a list
    return interval.model_copy(update={"low": -interval.high, "high": -interval.low, "inputs": inputs})


def _spread(drawn: Floats, value: float) -> Interval:
    # No resample differs: the models answer alike in all that this measure sees, so the difference has no spread.
    return resample_interval(drawn) or wald(value, 0.0)


def _named(about: About) -> dict[str, Any]:
    return {
        "measure": about.measure,
        "better": about.better,
        "group": about.group,
        "of": about.of,
        "unit": about.unit,
    }
