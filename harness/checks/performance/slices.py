"""Accuracy by slice: the declared ones and the worst found among quantiles and values of single features.

Each slice's accuracy has a Wilson interval; a row without an answer is wrong. Found slices are exploratory, so they are
a measure of their own (`found_slice_accuracy`): kept only where a one-sided Fisher test against the remaining rows survives Benjamini-Hochberg at 10 %. Limitation: single features only.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.core.dataset import Split
from harness.core.finding import Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.stats.intervals import wilson
from harness.stats.multiplicity import benjamini_hochberg

Bools = npt.NDArray[np.bool_]


def slices(evidence: Evidence, *, minimum: int = 30, worst: int = 5) -> Measurement:
    """Declared slices always; found ones that are worse than the rest beyond chance."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    correct = np.asarray(evidence.predictions("test").labels == test.labels, dtype=bool)
    declared = list(_declared(test))
    found = [_declared_finding(correct, mask, name, minimum) for name, mask in declared]
    candidates = [(n, m) for n, m in _candidates(test) if m.sum() >= minimum and (~m).sum() >= minimum]
    p_values = [_p_worse(correct, mask) for _, mask in candidates]
    kept = [c for c, keep in zip(candidates, benjamini_hochberg(p_values, 0.1), strict=True) if keep]
    kept = sorted(kept, key=lambda c: correct[c[1]].mean())[:worst]
    discovered = [_finding("performance.found_slice_accuracy", correct, mask, name) for name, mask in kept]
    prefixes = [""] * len(found) + ["found: "] * len(discovered)
    rows = [
        [prefix + (f.of["slice"] if f.of else ""), f.value, f.interval.low, f.interval.high, f.n]
        for prefix, f in zip(prefixes, found + discovered, strict=True)
        if f.interval
    ]
    exhibits = (
        [
            Exhibit(
                kind="intervals",
                title="Accuracy by slice (found slices are exploratory)",
                columns=["slice", "accuracy", "low", "high", "n"],
                rows=rows,
            )
        ]
        if rows
        else []
    )
    counted = Finding(measure="performance.slices_searched", value=len(candidates), n=len(correct), exact=True)
    return Measurement([*found, *discovered, counted], exhibits)


def _declared_finding(correct: Bools, mask: Bools, name: str, minimum: int) -> Finding:
    measure, n = "performance.slice_accuracy", int(mask.sum())
    if n < minimum:
        return undefined(
            measure, n, f"insufficient sample: {n} rows in the slice, {minimum} needed", of={"slice": name}
        )
    return _finding(measure, correct, mask, name)


def _finding(measure: str, correct: Bools, mask: Bools, name: str) -> Finding:
    n, hits = int(mask.sum()), int(correct[mask].sum())
    return Finding(
        measure=measure,
        value=hits / n,
        n=n,
        interval=wilson(hits, n),
        of={"slice": name},
        better="higher",
    )


def _declared(test: Split) -> Iterator[tuple[str, Bools]]:
    for name, values in test.slices.items():
        for value in sorted({str(v) for v in values if v is not None}):
            yield f"{name} = {value}", values == value


def _candidates(test: Split) -> Iterator[tuple[str, Bools]]:
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
            for value in sorted(values.dropna().unique(), key=str):
                yield f"{column} = {value}", (values == value).to_numpy(dtype=bool)


def _p_worse(correct: Bools, mask: Bools) -> float:
    inside, outside = correct[mask], correct[~mask]
    table = [[inside.sum(), (~inside).sum()], [outside.sum(), (~outside).sum()]]
    return float(stats.fisher_exact(table, alternative="less").pvalue)
