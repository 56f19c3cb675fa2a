"""What escapes when only the most suspicious items are inspected.

Items are ranked by the probability of the class that is the defect; the budget's share of them is inspected, of equal
ones each counts as their average. Escape rate = defects not inspected / defects. Released defect rate = defects not
inspected / items not inspected. An inspection is taken to find every defect. These are recall and precision among the
items not inspected, which are the first of the reversed ranking: Clopper and Pearson's limits (1934) of as many rows as
the variance of their influence functions is worth, clusters included (`stats.ranked`; Korn & Graubard 1998). A rate of
0 has an interval too. Limitations: inspection by people misses defects too; the share of defects in the test rows is
taken as the line's.
"""

from __future__ import annotations

import numpy as np

from harness.core.finding import Cell, Exhibit, Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.engine.parameters import ClassName, Shares
from harness.stats.ranked import Ranking, among_first


def inspection(evidence: Evidence, *, defect: ClassName | None = None, budgets: Shares | None = None) -> Measurement:
    """Escapes at each budget (shares between 0 and 1; 0.1 and 0.2 where none is given); the defect is the positive class unless named."""
    budgets = budgets or [0.1, 0.2]
    test, defect = evidence.split("test"), defect or evidence.data.positive
    if test is None or defect is None:
        return not_tested("no data: no test rows, or no class that is the defect")
    score = evidence.predictions("test").positive_scores(defect)
    if score is None:
        return not_tested("no access: the model gives no probabilities")
    known = np.isfinite(score)
    bad = np.asarray(test.labels[known] == defect, dtype=bool)
    if min(bad.sum(), (~bad).sum()) < 10:
        return not_tested(f"insufficient sample: {int(bad.sum())} defects of {len(bad)} rows; 10 of either kind needed")
    least_suspicious = Ranking.of(-score[known], bad, None if test.clusters is None else test.clusters[known])
    findings: list[Finding] = []
    rows: list[list[Cell]] = []
    for budget in budgets:
        released = among_first(least_suspicious, len(bad) * (1 - budget))
        value, band = released.recall
        findings += [
            _finding("escape_rate", budget, released.recall, len(bad), defect),
            _finding("released_defect_rate", budget, released.precision, len(bad), defect),
        ]
        rows.append([_inspected(budget), value, band.low, band.high, len(bad)])
    title = f"Escape rate: share of '{defect}' items that are not inspected"
    columns = ["budget", "escape rate", "low", "high", "n"]
    return Measurement(findings, [Exhibit(kind="intervals", title=title, columns=columns, rows=rows)])


def _inspected(budget: float) -> str:
    return f"{100 * budget:g}% inspected"


def _finding(name: str, budget: float, found: tuple[float, Interval], n: int, defect: str) -> Finding:
    return Finding(
        measure=f"performance.{name}",
        value=found[0],
        n=n,
        of={"at": _inspected(budget)},
        better="lower",
        interval=found[1],
        reason=f"the defect is {defect}",
    )
