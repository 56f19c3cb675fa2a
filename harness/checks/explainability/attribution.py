"""Which features move the score, by SHAP, and whether the attributions add up.

Explained: the positive class's output, in log-odds where the model adds them up (boosting, linear models), else in
probability; for regression the predicted number. All against the same background rows (interventional). The space, the
explainer and the background are in the reason of each finding. SHAP: Lundberg & Lee (2017); trees Lundberg et al. (2020).

Additivity error = max |base + Σφ - output| / (sd of the output). Where a row's sum misses its output by more than 1e-5 ·
max(1, |output|), or by more than 0.001 sd, the values are no SHAP values: everything but the error is undefined, and so
are the measures of a model whose output barely varies (by 1e-6 of its scale). Attributions of one-hot columns are summed
to their source column; columns that count a text's pieces stand for themselves. Sensitive share = Σ_{j in S} E|φ_j| / Σ_j
E|φ_j|. Attribution share = E|φ_j| / Σ_j E|φ_j|: a feature that alone moves the output may be the label under another
name.

Without a positive class the output of each row's most probable class is explained, and, where classes are
the same for every row, each class's output (`of: {class, feature}`), all from one run of the explainer; the
additivity error is then the largest over the classes, in standard deviations of the one that varies most. Of an item's
own options the pick alone is explained: a share of 0 of the question means that it is answered unread.

Intervals: of a mean |SHAP value| Student's on the log scale (`stats.losses`), from five rows on; a share's is Clopper
and Pearson's of as many rows as its variance is worth (`stats.means.part_of_total`). Clusters count by their sums.
They tell of the explained rows, not of the background.

Limitations: additivity is not accuracy; correlated features share credit arbitrarily.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.checks.explainability.explanation import (
    Explanation,
    Method,
    additivity_error,
    calls_allowed,
    explain,
    explain_classes,
    of_the_largest,
)
from harness.core.dataset import Labels
from harness.core.finding import Cell, Exhibit, Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Calls, SampleRows
from harness.stats.losses import FEWEST_OF_CLASS, mean_loss
from harness.stats.means import part_of_total

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

CONSTANT = "the output barely varies, so no feature moves it"


def attribution(
    evidence: Evidence,
    *,
    rows: SampleRows = 300,
    background: SampleRows = 100,
    calls: Calls | None = None,
) -> Measurement:
    """Global and local attributions for a seeded sample of test rows.

    `calls` bounds the model's calls where its structure can't be read: by default 300,000 for a model of columns and
    4,000 for one of texts.
    """
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    rng = evidence.generator("explainability.attribution")
    picked = np.sort(rng.permutation(len(test))[:rows])
    # A model of texts never sees the columns that count a text's pieces.
    seen = list(test.inputs.columns) if evidence.model.view == "columns" else evidence.suite.data.features
    sample = test.inputs[seen].iloc[picked].reset_index(drop=True)
    source = evidence.split("train") or test
    reference = source.inputs[seen].iloc[np.sort(rng.permutation(len(source))[:background])].reset_index(drop=True)
    limit = calls_allowed(evidence, calls)
    seed = int(evidence.generator("explainability.seed").integers(2**31))
    runs = _explained(evidence, sample, reference, Method(seed, limit))
    if runs is None:
        return not_tested(
            f"out of budget: {limit} calls explain fewer than two rows. Raise the check's parameter calls"
        )
    explained, of_classes = runs
    clusters = None if test.clusters is None else test.clusters[picked][: len(explained.values)]
    if clusters is not None and len(set(clusters)) < 2:
        return not_tested("insufficient sample: the explained rows are of one cluster")
    names = list(sample.columns)
    additivity = _additivity(of_classes or [explained])
    gap = next((why for one in of_classes or [explained] if (why := one.gap)), None)
    if gap is not None:
        by_class = of_classes and evidence.suite.task != "choice"
        return _undefined(additivity, names, evidence.data.classes if by_class else (), f"undefined: {gap}")
    measured = _findings(evidence, _Sizes(explained, clusters), names, additivity)
    if not of_classes or evidence.suite.task == "choice":
        return measured
    found, table = _by_class(evidence.data.classes, [_Sizes(one, clusters) for one in of_classes], names)
    return Measurement(measured.findings + found, [*measured.exhibits, table])


@dataclass(frozen=True)
class _Sizes:
    """An explanation of n rows, and their clusters (n,) where rows share some."""

    explained: Explanation
    clusters: Labels | None

    @cached_property
    def size(self) -> Floats:
        """|SHAP value| (n, features)."""
        return np.abs(self.explained.values)

    def mean(self, j: int, of: dict[str, str]) -> Finding:
        """The mean |SHAP value| of a feature."""
        band = mean_loss(self.size[:, j], None, float(self.size.max()) or 1.0, self.clusters)
        said = f"{self.explained.how}; {CONSTANT}" if self.explained.barely_varies else self.explained.how
        few = f"insufficient sample: {len(self.size)} rows explained, {FEWEST_OF_CLASS} needed for an interval"
        return Finding(
            measure="explainability.attribution",
            value=float(self.size[:, j].mean()),
            n=len(self.size),
            interval=band,
            of=of,
            unit=self.explained.space,
            reason=said if band else f"{said}; {few}",
        )

    def share(self, chosen: list[int]) -> tuple[float, Interval]:
        """The part of all attribution that falls on the chosen features, where there is any."""
        part, total = self.size[:, chosen].sum(axis=1), self.size.sum(axis=1)
        return float(part.sum() / total.sum()), part_of_total(part, total, self.clusters)


def _explained(
    evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method
) -> tuple[Explanation, list[Explanation]] | None:
    """The explanation of the output, and without a positive class those of every class; None: too few calls."""
    if not evidence.data.classes or evidence.data.positive is not None:
        alone = explain(evidence, sample, reference, method)
        return None if alone is None else (alone, [])
    of_classes = explain_classes(evidence, sample, reference, method)
    return None if of_classes is None else (of_the_largest(of_classes), of_classes)


def _by_class(classes: tuple[str, ...], sizes: list[_Sizes], names: list[str]) -> tuple[list[Finding], Exhibit]:
    """Each class's mean sizes by feature."""
    found = [
        one.mean(j, {"class": name, "feature": feature})
        for name, one in zip(classes, sizes, strict=True)
        for j, feature in enumerate(names)
    ]
    rows: list[list[Cell]] = [
        [feature, *(float(one.size[:, j].mean()) for one in sizes)] for j, feature in enumerate(names)
    ]
    title = f"Mean |SHAP value| of each class ({sizes[0].explained.how})"
    return found, Exhibit(kind="table", title=title, columns=["feature", *classes], rows=rows)


def _additivity(explained: list[Explanation]) -> Finding:
    """The largest error over the outputs explained."""
    error, n = additivity_error(explained), len(explained[0].values)
    measure, how = "explainability.additivity_error", explained[0].how
    gap = next((why for one in explained if (why := one.gap)), None)
    if error is None or not np.isfinite(error):
        largest = max(float(one.missed.max()) for one in explained)
        why = f"{CONSTANT}; the largest error is {largest:.2g}" if np.isfinite(largest) else gap
        return undefined(measure, n, f"undefined: {why}; {how}")
    reason = how if gap is None else f"{how}; {gap}"
    return Finding(
        measure=measure, value=error, n=n, exact=True, better="lower", unit="sd of the output", reason=reason
    )


def _undefined(additivity: Finding, names: list[str], classes: tuple[str, ...], why: str) -> Measurement:
    """The error alone: what does not add up is nobody's attribution."""
    n, measure = additivity.n, "explainability.attribution"
    findings = [undefined(measure, n, why, of={"feature": name}) for name in names]
    findings += [undefined(f"{measure}_share", n, why, of={"feature": name}) for name in names]
    findings += [undefined("explainability.sensitive_share", n, why)]
    findings += [
        undefined(measure, n, why, of={"class": label, "feature": name}) for label in classes for name in names
    ]
    return Measurement([additivity, *findings])


def _findings(evidence: Evidence, sizes: _Sizes, names: list[str], additivity: Finding) -> Measurement:
    explained, n = sizes.explained, len(sizes.size)
    order = [int(j) for j in np.argsort(-sizes.size.mean(axis=0), kind="stable")]
    means = [sizes.mean(j, {"feature": names[j]}) for j in order]
    shares = [_share(sizes, j, names[j]) for j in order]
    rows: list[list[Cell]] = [
        [names[j], f.value, *((f.interval.low, f.interval.high) if f.interval else (None, None))]
        for j, f in zip(order, means, strict=True)
    ]
    local: list[list[Cell]] = [
        [f"row {i + 1}", float(explained.output[i]), *[float(explained.values[i, j]) for j in order[:5]]]
        for i in range(min(3, n))
    ]
    exhibits = [
        Exhibit(
            kind="bars",
            title=f"Mean |SHAP value| by feature ({explained.how})",
            columns=["feature", "mean |SHAP|", "low", "high"],
            rows=rows,
        ),
        Exhibit(
            kind="table",
            title=f"Three sampled rows, signed ({explained.space})",
            columns=["row", "output", *[names[j] for j in order[:5]]],
            rows=local,
        ),
    ]
    return Measurement([additivity, *means, *shares, _sensitive_share(evidence, sizes, names)], exhibits)


def _share(sizes: _Sizes, j: int, name: str) -> Finding:
    """A feature's part of all attribution."""
    of, n, measure = {"feature": name}, len(sizes.size), "explainability.attribution_share"
    if sizes.explained.barely_varies:
        return undefined(measure, n, f"undefined: {CONSTANT}; {sizes.explained.how}", of=of)
    value, band = sizes.share([j])
    return Finding(measure=measure, value=value, n=n, interval=band, of=of, reason=sizes.explained.how)


def _sensitive_share(evidence: Evidence, sizes: _Sizes, names: list[str]) -> Finding:
    columns = {how.column for how in evidence.suite.data.sensitive.values()}
    chosen = [j for j, name in enumerate(names) if name in columns]
    measure, n = "explainability.sensitive_share", len(sizes.size)
    if not chosen:
        why = "no sensitive column is a feature"
        return Finding(measure=measure, value=0.0, n=n, exact=True, better="lower", reason=why)
    why = f"features that are sensitive: {', '.join(names[j] for j in chosen)}; {sizes.explained.how}"
    if sizes.explained.barely_varies:
        return undefined(measure, n, f"undefined: {CONSTANT}; {why}")
    value, band = sizes.share(chosen)
    return Finding(measure=measure, value=value, n=n, better="lower", interval=band, reason=why)
