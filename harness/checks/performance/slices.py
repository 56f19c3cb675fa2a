"""Accuracy (for regression the mean absolute error) by slice: the declared ones, and the worst of single features.

Each slice's accuracy has Clopper and Pearson's interval (its counts over their design effect where rows are
clustered), its mean absolute error Student's on the log scale (`stats.losses`); a row without an answer is wrong.
Where the model gives probabilities and the suite a positive class, each declared slice also has the ROC-AUC among its
own answered rows (DeLong et al. 1988; Obuchowski 1997 where rows are clustered), and the gap: this AUC minus that of
all other answered rows, ± z · √(se² + se²), clusters in both kept together. A model can be right as often in a slice
as elsewhere, and yet rank its rows no better than chance. Found slices are exploratory, so they are a measure of their
own (`found_slice_accuracy`): kept only where a one-sided Fisher test (Mann-Whitney for errors) against the remaining
rows survives Benjamini-Hochberg at 10 %.

Limitations: single features only (quantiles and values); the search takes rows as independent; an
AUC also falls where a slice's rows are more alike, without the model being worse.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.core.dataset import Labels, Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Count, MinimumRows
from harness.stats.auc import Auc, delong, gap_standard_error
from harness.stats.design_effect import share_interval
from harness.stats.intervals import wald
from harness.stats.losses import mean_loss
from harness.stats.multiplicity import benjamini_hochberg

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Outcome:
    """Per answered row whether it is correct (classification) or its absolute error (regression); and the measure."""

    values: Bools | Floats
    measure: str
    clusters: Labels | None
    unit: str | None

    @property
    def is_error(self) -> bool:
        return self.measure == "mae"


def slices(evidence: Evidence, *, minimum: MinimumRows = 30, worst: Count = 5) -> Measurement:
    """Declared slices always; found ones that are worse than the rest beyond chance."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    outcome = _outcome(evidence, test)
    found = [_declared_finding(outcome, mask, name, minimum) for name, mask in declared(test)]
    usable = np.isfinite(outcome.values.astype(float))
    candidates = [(n, m & usable) for n, m in _candidates(test, minimum)]
    candidates = [(n, m) for n, m in candidates if m.sum() >= minimum and (~m & usable).sum() >= minimum]
    p_values = [_p_worse(outcome, mask, ~mask & usable) for _, mask in candidates]
    kept = [c for c, keep in zip(candidates, benjamini_hochberg(p_values, 0.1), strict=True) if keep]
    kept = sorted(kept, key=lambda c: outcome.values[c[1]].mean(), reverse=outcome.is_error)[:worst]
    discovered = [_finding("found_slice", outcome, mask, name) for name, mask in kept]
    prefixes = [""] * len(found) + ["found: "] * len(discovered)
    ranked = _ranked(evidence, test, minimum)
    rows: list[list[Cell]] = [
        [prefix + (f.of["slice"] if f.of else ""), f.value, f.interval.low, f.interval.high, f.n]
        for prefix, f in zip(prefixes, found + discovered, strict=True)
        if f.interval
    ]
    word = "mean absolute error" if outcome.is_error else "accuracy"
    title = f"{word.capitalize()} by slice (found slices are exploratory)"
    exhibit = Exhibit(kind="intervals", title=title, columns=["slice", word, "low", "high", "n"], rows=rows)
    counted = Finding(
        measure="performance.slices_searched",
        value=len(candidates),
        n=len(usable),
        exact=True,
        reason=f"slices of {minimum} rows or more, with as many outside; the {worst} worst that survive are found slices",
    )
    exhibits = [*([exhibit] if rows else []), *_auc_exhibit(ranked)]
    return Measurement([*found, *ranked, *discovered, counted], exhibits)


def _outcome(evidence: Evidence, test: Split) -> _Outcome:
    answers = evidence.predictions("test")
    if evidence.suite.task != "regression":
        right = np.asarray(answers.labels == test.labels, dtype=bool)
        return _Outcome(right, "accuracy", test.clusters, None)
    error = np.abs(answers.labels.astype(float) - test.labels.astype(float))
    return _Outcome(error, "mae", test.clusters, evidence.suite.data.label.unit)


def _declared_finding(outcome: _Outcome, mask: Bools, name: str, minimum: int) -> Finding:
    mask = mask & np.isfinite(outcome.values.astype(float))
    n = int(mask.sum())
    if n < minimum:
        why = f"insufficient sample: {n} rows in the slice, {minimum} needed"
        return undefined(f"performance.slice_{outcome.measure}", n, why, of={"slice": name})
    return _finding("slice", outcome, mask, name)


def _finding(kind: str, outcome: _Outcome, mask: Bools, name: str) -> Finding:
    own = outcome.values[mask]
    clusters = None if outcome.clusters is None else outcome.clusters[mask]
    if outcome.is_error:
        interval = mean_loss(own.astype(float), None, float(own.max()) or 1.0, clusters)
    else:
        interval = share_interval(own.astype(bool), clusters)
    return Finding(
        measure=f"performance.{kind}_{outcome.measure}",
        value=float(own.mean()),
        n=len(own),
        interval=interval,
        of={"slice": name},
        unit=outcome.unit,
        better="lower" if outcome.is_error else "higher",
        reason=None if interval else "insufficient sample: fewer than ten clusters, so there is no interval",
    )


def _ranked(evidence: Evidence, test: Split, minimum: int) -> list[Finding]:
    """The AUC within each declared slice and its gap to the rest; numbers, and options of an item's own, have none."""
    if evidence.suite.task != "classification":
        return []
    answers, positive = evidence.predictions("test"), evidence.data.positive
    score = answers.positive_scores(positive) if positive else None
    hit, known = test.labels == positive, answers.answered
    missing = (
        "no access: the model gives labels but no probabilities" if positive else "the suite names no positive class"
    )

    def auc_of(rows: Bools) -> Auc | str:
        """The AUC among some rows, or why there is none."""
        if score is None:
            return missing
        n, hits = int(rows.sum()), int((rows & hit).sum())
        if n < minimum:
            return f"insufficient sample: {n} answered rows, {minimum} needed"
        found = delong(score[rows], hit[rows], None if test.clusters is None else test.clusters[rows])
        why = f"undefined: {hits} positive of {n} answered rows; two of either class, of two clusters, are needed"
        return found or why

    findings = []
    for name, mask in declared(test):
        inside, rest = mask & known, ~mask & known
        one, other, of = auc_of(inside), auc_of(rest), {"slice": name}
        findings += [_auc_finding(one, int(inside.sum()), of), _gap_finding(one, other, int(known.sum()), of)]
    return findings


def _auc_finding(auc: Auc | str, n: int, of: dict[str, str]) -> Finding:
    measure = "performance.slice_auc"
    if isinstance(auc, str):
        return undefined(measure, n, auc, of=of)
    return Finding(measure=measure, value=auc.value, n=n, of=of, interval=auc.interval(), better="higher")


def _gap_finding(auc: Auc | str, rest: Auc | str, n: int, of: dict[str, str]) -> Finding:
    measure = "performance.slice_auc_gap"
    if isinstance(auc, str):
        return undefined(measure, n, auc, of=of)
    if isinstance(rest, str):
        return undefined(measure, n, f"the rest: {rest}", of=of)
    error, gap = gap_standard_error(auc, rest), auc.value - rest.value
    band = wald(gap, error) if error > 0 else None
    note = f"against {rest.value:.3g} in the rest"
    return Finding(measure=measure, value=gap, n=n, of=of, interval=band, better="higher", reason=note)


def _auc_exhibit(ranked: list[Finding]) -> list[Exhibit]:
    rows: list[list[Cell]] = [
        [f.of["slice"], f.value, f.interval.low, f.interval.high, f.n]
        for f in ranked
        if f.of and f.interval and f.measure == "performance.slice_auc"
    ]
    columns = ["slice", "ROC-AUC", "low", "high", "n"]
    return [Exhibit(kind="intervals", title="ROC-AUC within each slice", columns=columns, rows=rows)] if rows else []


def declared(test: Split) -> Iterator[tuple[str, Bools]]:
    """The slices that the suite declares, each with its rows (n,)."""
    for name, values in test.slices.items():
        for value in sorted({str(v) for v in values if v is not None}):
            yield f"{name} = {value}", values == value


def _candidates(test: Split, minimum: int) -> Iterator[tuple[str, Bools]]:
    """Slices that may have the minimum of rows: of a column of texts that no two rows share there are none."""
    for column in test.inputs.columns:
        values = test.inputs[column]
        missing = values.isna().to_numpy()
        if missing.any():
            yield f"{column} missing", missing
        if values.dtype.kind == "f" and values.nunique() > 6:
            edges = np.unique(np.nanquantile(values, [0, 0.25, 0.5, 0.75, 1]))
            for low, high in itertools.pairwise(edges):
                last = high == edges[-1]
                inside = (values >= low) & ((values <= high) if last else (values < high))
                yield f"{column} from {low:.3g} to {high:.3g}", inside.to_numpy(dtype=bool)
        else:
            counts = values.value_counts()
            for value in sorted(counts.index[counts >= minimum], key=str):
                yield f"{column} = {value}", (values == value).to_numpy(dtype=bool)


def _p_worse(outcome: _Outcome, mask: Bools, rest: Bools) -> float:
    inside, outside = outcome.values[mask], outcome.values[rest]
    if outcome.is_error:
        return float(stats.mannwhitneyu(inside, outside, alternative="greater").pvalue)
    table = [[inside.sum(), len(inside) - inside.sum()], [outside.sum(), len(outside) - outside.sum()]]
    return float(stats.fisher_exact(table, alternative="less").pvalue)
