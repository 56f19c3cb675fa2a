"""The decision that people act on: the threshold, and what it does on the test rows.

A row is flagged (gets the positive class) where its score is at least the threshold. A computed threshold was set on the
calibration split and frozen before the test rows were judged: the highest that reaches a sensitivity there, the lowest that
reaches a specificity or flags at most a share of the rows for review, or that of the smallest cost; halfway between two scores. Flagged share, recall and specificity on
the test rows have Clopper and Pearson's interval (of counts over their design effect where rows are clustered), given the threshold. Beside
it stands the range that 400 resamples of the calibration rows (of whole clusters) give: another calibration split of this size
would have set another threshold. Limitation: where prevalence or scores differ from the calibration rows', so do recall and the flagged share.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.stats.design_effect import share_interval

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def decision(evidence: Evidence) -> Measurement:
    """Measures the test split; two classes, one of them positive."""
    test, positive = evidence.split("test"), evidence.data.positive
    if test is None or positive is None:
        return not_tested("no data: no test rows, or no positive class")
    answers, point = evidence.predictions("test"), evidence.decision.point
    flagged, hit = np.asarray(answers.labels == positive, dtype=bool), np.asarray(test.labels == positive, dtype=bool)
    share = Finding(
        measure="performance.flagged_share",
        value=float(flagged.mean()),
        n=len(test),
        interval=share_interval(flagged, test.clusters),
    )
    findings = [share]
    if point.threshold is not None:
        n = point.calibration_rows or len(test)
        findings.insert(0, Finding(measure="performance.threshold", value=point.threshold, n=n, exact=True))
    return Measurement(findings, [_exhibit(evidence, test, flagged, hit)])


def _exhibit(evidence: Evidence, test: Split, flagged: Bools, hit: Bools) -> Exhibit:
    every = np.ones(len(hit), dtype=bool)
    parts = [("flagged share", flagged, every), ("recall", flagged, hit), ("specificity", ~flagged, ~hit)]
    ranges = _ranges(evidence, hit)
    rows: list[list[Cell]] = []
    for name, counted, among in parts:
        if not among.any():
            rows.append([name, None, None, None, 0, None, None])
            continue
        band = share_interval(counted[among], None if test.clusters is None else test.clusters[among])
        low, high = ranges.get(name, (None, None))
        rows.append([name, float(counted[among].mean()), band.low, band.high, int(among.sum()), low, high])
    columns = ["on the test rows", "value", "low", "high", "n", "lowest by calibration", "highest by calibration"]
    return Exhibit(kind="table", title="What the decision does on the test rows", columns=columns, rows=rows)


def _ranges(evidence: Evidence, hit: Bools) -> dict[str, tuple[float, float]]:
    """The 95 % range of each share over the thresholds that resampled calibration rows give."""
    drawn, positive = evidence.decision.resampled, evidence.data.positive
    score = evidence.predictions("test").positive_scores(positive or "")
    if drawn is None or score is None:
        return {}
    every = np.ones(len(hit), dtype=bool)
    parts = {"flagged share": (every, False), "recall": (hit, False), "specificity": (~hit, True)}
    found = {}
    for name, (among, below) in parts.items():
        ranked = np.sort(score[among & np.isfinite(score)])
        if not len(ranked):
            continue
        shares: Floats = np.searchsorted(ranked, drawn, side="left") / len(ranked)
        low, high = np.quantile(shares if below else 1 - shares, [0.025, 0.975])
        found[name] = (float(low), float(high))
    return found
