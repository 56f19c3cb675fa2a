"""What a model is worth where it may stay silent on the rows that it is least sure of.

Confidence = the probability of the row's answer (the largest one, where the decision is the model's own label). Accuracy at coverage c: share of right answers among the most confident c of the
rows; of equally confident rows each counts as their average would; a row without an answer is wrong and last. Gain = that -
accuracy on all rows, paired. AURC: mean of 1 - accuracy over the coverages 1 %, 2 %, … 100 % (area under the risk-coverage
curve, Geifman & El-Yaniv 2017). Intervals: percentile bootstrap of rows, of whole clusters where rows belong together, drawn as
weights of the rows sorted once. Limitation: who is left out may differ by group.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.finding import Cell, Exhibit, Finding
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.engine.parameters import Resamples, WholePercents
from harness.stats.bootstrap import resample_weights
from harness.stats.intervals import percentile, resample_interval

Floats = npt.NDArray[np.float64]
GRID = np.arange(1, 101) / 100


def abstention(
    evidence: Evidence, *, coverages: WholePercents | None = None, resamples: Resamples = 500
) -> Measurement:
    """`coverages` are shares of rows that are answered, in whole percents; by default 0.9, 0.8 and 0.5."""
    chosen = sorted(coverages or [0.9, 0.8, 0.5], reverse=True)
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers = evidence.predictions("test")
    if answers.scores is None:
        return not_tested("no access: the model gives no probabilities")
    if len(test) < 50:
        return not_tested(f"insufficient sample: {len(test)} test rows; 50 needed")
    sure = _confidence(answers)
    order = np.argsort(-sure, kind="stable")
    right, ends = (answers.labels == test.labels)[order].astype(float), np.flatnonzero(np.diff(sure[order]) != 0)
    ends = np.r_[ends, len(sure) - 1]
    value = _accuracies(np.ones((1, len(sure))), right, ends)
    rng = evidence.generator("performance.abstention")
    clusters = None if test.clusters is None else test.clusters[order]
    drawn = np.concatenate(
        [
            _accuracies(resample_weights(len(sure), clusters, 50, rng), right, ends)
            for _ in range(max(1, resamples // 50))
        ]
    )
    findings = []
    for coverage in chosen:
        at, of = round(100 * coverage) - 1, {"at": f"{100 * coverage:g}% of rows"}
        pairs = [
            ("accuracy_at_coverage", value[:, at], drawn[:, at]),
            ("selective_gain", value[:, at] - value[:, -1], drawn[:, at] - drawn[:, -1]),
        ]
        findings += [_finding(name, one, spread, len(sure), of, "higher") for name, one, spread in pairs]
    findings.append(_finding("aurc", 1 - value.mean(axis=1), 1 - drawn.mean(axis=1), len(sure), None, "lower"))
    rows: list[list[Cell]] = []
    for k in range(9, 100, 10):
        band = percentile(drawn[:, k])
        rows.append([f"{k + 1} % of rows", float(value[0, k]), band.low, band.high, (k + 1) * len(sure) // 100])
    title = "Accuracy where the model may stay silent on what it is least sure of"
    columns = ["answered", "accuracy", "low", "high", "n"]
    return Measurement(findings, [Exhibit(kind="intervals", title=title, columns=columns, rows=rows)])


def _confidence(answers: Predictions) -> Floats:
    """The probability of each row's answer (n,); -1 without one."""
    assert answers.scores is not None
    places = [0 if label is None else answers.classes.index(label) for label in answers.labels]
    own = answers.scores[np.arange(len(places)), places]
    return np.where(answers.answered, np.nan_to_num(own), -1.0)


def _accuracies(weights: npt.NDArray[np.int64] | Floats, right: Floats, ends: npt.NDArray[np.int64]) -> Floats:
    """Accuracy (m, 100) at the coverages of GRID, of weighted rows (m, n) that stand in falling confidence."""
    seen = np.hstack([np.zeros((len(weights), 1)), np.cumsum(weights, axis=1, dtype=float)[:, ends]])
    hits = np.hstack([np.zeros((len(weights), 1)), np.cumsum(weights * right, axis=1, dtype=float)[:, ends]])
    return np.array([np.interp(GRID * s[-1], s, h) / (GRID * s[-1]) for s, h in zip(seen, hits, strict=True)])


def _finding(name: str, value: Floats, drawn: Floats, n: int, of: dict[str, str] | None, better: str) -> Finding:
    return Finding.model_validate(
        {
            "measure": f"performance.{name}",
            "value": float(value[0]),
            "n": n,
            "of": of,
            "better": better,
            "interval": resample_interval(drawn),
        }
    )
