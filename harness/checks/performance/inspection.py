"""What escapes when only the most suspicious items are inspected.

Items are ranked by the probability of the class that is the defect; the budget's share of them is inspected, of equal ones
each counts as their average. Escape rate = defects not inspected / defects. Released defect rate = defects not inspected / items not inspected. An inspection is taken
to find every defect. Intervals: percentile bootstrap of rows, of whole clusters where rows belong together. Limitations: inspection by people
misses defects too; the share of defects in the test rows is taken as the line's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.engine.parameters import ClassName, Resamples, Shares
from harness.stats.bootstrap import resample_weights
from harness.stats.intervals import resample_interval

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def inspection(
    evidence: Evidence, *, defect: ClassName | None = None, budgets: Shares | None = None, resamples: Resamples = 500
) -> Measurement:
    """Escapes at each budget (shares between 0 and 1; 0.1 and 0.2 where none is given); the defect is the positive class unless named."""
    budgets = budgets or [0.1, 0.2]
    test, defect = evidence.split("test"), defect or evidence.data.positive
    if test is None or defect is None:
        return not_tested("no data: no test rows, or no class that is the defect")
    score = evidence.predictions("test").positive_scores(defect)
    if score is None:
        return not_tested("no access: the model gives no probabilities")
    known = np.isfinite(score)
    order = np.argsort(-score[known], kind="stable")
    ranked, bad = score[known][order], (test.labels[known] == defect)[order]
    if min(bad.sum(), (~bad).sum()) < 10:
        return not_tested(f"insufficient sample: {int(bad.sum())} defects of {len(bad)} rows; 10 of either kind needed")
    clusters = None if test.clusters is None else test.clusters[known][order]
    rng = evidence.generator("performance.inspection")
    value = _escapes(ranked, bad, budgets, np.ones((1, len(bad)), dtype=np.int64))
    drawn = _escapes(ranked, bad, budgets, resample_weights(len(bad), clusters, resamples, rng))
    findings = [
        _finding(name, budget, value[name][0, k], drawn[name][:, k], len(bad), defect)
        for k, budget in enumerate(budgets)
        for name in value
    ]
    rows: list[list[Cell]] = [
        [f.of["at"], f.value, f.interval.low, f.interval.high, f.n]
        for f in findings
        if f.measure.endswith("escape_rate") and f.of and f.interval
    ]
    title = f"Escape rate: share of '{defect}' items that are not inspected"
    columns = ["budget", "escape rate", "low", "high", "n"]
    return Measurement(findings, [Exhibit(kind="intervals", title=title, columns=columns, rows=rows)] if rows else [])


def _escapes(ranked: Floats, bad: Bools, budgets: list[float], weights: npt.NDArray[np.int64]) -> dict[str, Floats]:
    """Both measures (resamples, budgets) of rows by falling suspicion, drawn so often (resamples, n); NaN without a defect."""
    ends = np.r_[np.flatnonzero(np.diff(ranked) != 0), len(ranked) - 1]
    start = np.zeros((len(weights), 1))
    seen = np.hstack([start, np.cumsum(weights, axis=1, dtype=float)[:, ends]])
    found = np.hstack([start, np.cumsum(weights * bad, axis=1, dtype=float)[:, ends]])
    share = np.array(budgets)
    caught = np.array([np.interp(share * s[-1], s, f) for s, f in zip(seen, found, strict=True)])
    n, defects = seen[:, -1:], found[:, -1:]
    with np.errstate(invalid="ignore"):  # a resample of whole clusters may lack a defect
        return {
            "escape_rate": (defects - caught) / defects,
            "released_defect_rate": (defects - caught) / (n - share * n),
        }


def _finding(name: str, budget: float, value: float, drawn: Floats, n: int, defect: str) -> Finding:
    usable = drawn[np.isfinite(drawn)]
    band = resample_interval(usable) if len(usable) >= 0.95 * len(drawn) else None
    return Finding(
        measure=f"performance.{name}",
        value=float(value),
        n=n,
        of={"at": f"{100 * budget:g}% inspected"},
        better="lower",
        interval=band,
        reason=f"the defect is {defect}"
        + ("" if band else "; too few resamples hold one or differ, so there is no interval"),
    )
