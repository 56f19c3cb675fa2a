"""Two models' answers for the same rows, and the differences that any measure can be put into."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.core.comparison import Difference, PairedTest
from harness.core.dataset import Dataset, Labels, Split
from harness.core.finding import Selector
from harness.core.interval import Interval
from harness.core.predictions import Predictions
from harness.spec.suite import Suite
from harness.stats.auc import TOO_FEW_TO_RANK, correlation, delong
from harness.stats.design_effect import design_effect
from harness.stats.exact import unseen_difference
from harness.stats.intervals import correlated_difference, normal_quantile, resample_interval, tango
from harness.stats.levels import two_sided_p
from harness.stats.means import signed_mean
from harness.stats.nearer import compare_groups
from harness.stats.paired import mcnemar_exact
from harness.stats.power import minimum_detectable
from harness.stats.table_intervals import difference_interval, score_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
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
        worst = float(max(np.abs(first).max(), np.abs(second).max()))
        if not np.any(np.abs(first - second) > 1e-12 * worst):
            band = unseen_difference(0.0, independent, worst or 1.0)
            return difference(
                about, (float(first.mean()), float(second.mean())), band, len(first), PairedTest(name="paired_t", p=1.0)
            )
        interval = signed_mean(first - second, clusters)
        assert interval is not None
        values = float(first.mean()), float(second.mean())
        test = PairedTest(name="inverted_interval", p=two_sided_p(interval))
        return difference(about, values, interval, len(first), test)

    def ranking(self, about: About, first: Floats, second: Floats, positive: Bools, rows: Bools) -> Difference:
        """ROC-AUC of the rows' scores (n,): DeLong's paired test."""
        positive, clusters = positive[rows], self.clusters(rows)
        one, other = (delong(scores[rows], positive, clusters) for scores in (first, second))
        if one is None or other is None:
            return undefined(about, len(positive), TOO_FEW_TO_RANK)
        band = correlated_difference(one.worth, other.worth, correlation(one, other))
        test = PairedTest(name="inverted_interval", p=two_sided_p(band))
        return difference(about, (one.value, other.value), band, len(positive), test)

    def of_tables(self, about: About, measure: str, tables: tuple[Floats, Floats]) -> Difference:
        """A measure of confusion tables (classes, classes + 1), by its name in `stats.table_intervals`, from how often the models differ."""
        values = [float(score_of(measure)(table[None])[0]) for table in tables]
        n = int(tables[0].sum())
        if not np.isfinite(values).all():
            return undefined(about, n, "undefined: the rows, or a model's answers, are of one class only")
        band = difference_interval(measure, *self._pairs, len(self.data.classes), self._effect)
        test = PairedTest(name="inverted_interval", p=two_sided_p(band))
        return difference(about, (values[0], values[1]), band, n, test)

    @cached_property
    def cells(self) -> tuple[Ints, Ints, Ints]:
        """Positions (n,) of the truth, the first and the second answer of each row; the number of classes is "no answer"."""
        index: dict[str | None, int] = {name: i for i, name in enumerate((*self.data.classes, None))}
        truth, first, second = (
            np.array([index[name] for name in names], dtype=np.int64)
            for names in (self.test.labels, self.first.labels, self.second.labels)
        )
        return truth, first, second

    @cached_property
    def _pairs(self) -> tuple[list[list[int]], list[int]]:
        different, counts = np.unique(np.column_stack(self.cells), axis=0, return_counts=True)
        return [column.tolist() for column in different.T], counts.tolist()

    @cached_property
    def _effect(self) -> float:
        """The design effect of clustered rows on which model is right."""
        if self.test.clusters is None:
            return 1.0
        truth, first, second = self.cells
        gain = (1 + (first == truth).astype(float) - (second == truth)) / 2
        return design_effect(gain, self.test.clusters)

    def of_groups(self, about: About, counts: Ints, rows: Bools) -> Difference:
        """A gap or ratio of a group against the reference, from counts (2, 4) of their rows (n,) by which model selects them."""
        n, clusters = int(counts.sum()), self.clusters(rows)
        if clusters is not None and len(set(clusters)) < 2:
            return undefined(about, n, "insufficient sample: fewer than two independent rows")
        found = compare_groups(counts, ratio=about.target == 1, effect=self._effect_among(rows))
        if found is None:
            return undefined(about, n, "undefined: a model selects nobody of the reference")
        return difference(about, found.values, found.difference, n, nearer=(found.gain, found.nearer))

    def _effect_among(self, rows: Bools) -> float:
        """The largest design effect of clustered rows (n,) on what either model answers."""
        if self.test.clusters is None:
            return 1.0
        favourable, clusters = self.suite.data.label.favourable, self.test.clusters[rows]
        return max(
            design_effect((s.labels[rows] == favourable).astype(float), clusters) for s in (self.first, self.second)
        )

    def bootstrapped(
        self, about: About, values: tuple[float, float], drawn: tuple[Floats, Floats], n: int, worst: float = 1.0
    ) -> Difference:
        """A measure that no margin may judge, from the same resamples (m,) of either side; undefined where a resample in twenty is.

        Where no resample differs, no row does in all that the measure sees: what `n` such rows leave open, a row adding `worst` at most.
        """
        usable = np.isfinite(drawn[0]) & np.isfinite(drawn[1])
        if not np.isfinite(values).all() or usable.mean() < 0.95:
            return undefined(about, n, "undefined: too few rows of a class or group, or answers of one class only")
        if self.test.clusters is not None and len(set(self.test.clusters)) < 2:
            return undefined(about, n, "insufficient sample: fewer than two independent rows")
        gap = values[0] - values[1]
        band = resample_interval(drawn[0][usable] - drawn[1][usable], scale=worst) or unseen_difference(gap, n, worst)
        return difference(about, values, band, n)


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
    if interval.method == "correlated_difference" or interval.method.startswith("profile_difference"):
        inputs["first"], inputs["second"] = inputs["second"], inputs["first"]
    if interval.method in swaps:
        one, other = swaps[interval.method]
        inputs[one], inputs[other] = inputs[other], inputs[one]
    if "value" in inputs:
        inputs["value"] = -inputs["value"]  # type: ignore[operator]  # a number, by the methods that have it
    if interval.method == "skewed_student":
        below, above = ([-end[0], *end[1:3], -end[3]] for end in (inputs["below"], inputs["above"]))  # type: ignore[index]
        inputs["below"], inputs["above"] = above, below
    if "quantiles" in inputs:
        inputs["quantiles"] = [-q for q in reversed(inputs["quantiles"])]  # type: ignore[arg-type]  # a list
    return interval.model_copy(update={"low": -interval.high, "high": -interval.low, "inputs": inputs})


def _named(about: About) -> dict[str, Any]:
    return {
        "measure": about.measure,
        "better": about.better,
        "group": about.group,
        "of": about.of,
        "unit": about.unit,
    }
