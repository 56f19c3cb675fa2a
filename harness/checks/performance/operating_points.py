"""What a score is worth where it is used: at a review budget, at a fixed specificity, at a decision threshold.

Rows are ranked by the positive class's probability; of equal scores each counts as their average would. KS = max over cuts of
|TPR - FPR|. Gini = 2·AUC - 1. At a review budget b (share of rows looked at first): recall, precision, and enrichment =
precision / prevalence. Sensitivity at specificity s: TPR at the lowest cut whose FPR is at most 1 - s. Net benefit at
threshold t = TP/n - FP/n · t/(1-t) (Vickers & Elkin 2006), beside that of treating everybody; over a grid of thresholds it is the
decision curve, with an interval at each point. Precision at k: positives among the k rows looked at first / k. False alarms per 1,000 rows and
missed positives per 1,000 at the decision. Intervals: percentile bootstrap of rows, of whole clusters
where rows belong together, drawn as weights of the rows sorted once. Limitations: the prevalence of the test rows is taken as the field's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.checks.performance.curves import decision_curve
from harness.core.finding import Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Counts, Resamples, Shares
from harness.stats.bootstrap import resample_weights
from harness.stats.intervals import resample_interval

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
BLOCK = 4_000_000


def operating_points(
    evidence: Evidence,
    *,
    budgets: Shares | None = None,
    specificities: Shares | None = None,
    thresholds: Shares | None = None,
    first_rows: Counts | None = None,
    resamples: Resamples = 500,
) -> Measurement:
    """KS, Gini, and the measures at each budget, specificity and threshold (shares in (0, 1)), and among the `first_rows` (k each)."""
    test, positive = evidence.split("test"), evidence.data.positive
    if test is None or positive is None:
        return not_tested("no data: no test rows, or no positive class")
    answers = evidence.predictions("test")
    score = answers.positive_scores(positive)
    if score is None:
        return not_tested("no access: the model gives no probabilities")
    known = np.isfinite(score)
    score, hit, said = score[known], test.labels[known] == positive, answers.labels[known] == positive
    if min(hit.sum(), (~hit).sum()) < 10:
        return not_tested(f"insufficient sample: {int(hit.sum())} positive rows of {len(hit)}; 10 of each class needed")
    cuts = thresholds or [0.1, 0.2, 0.5]
    firsts = [k for k in first_rows or [] if k <= len(hit)]
    points = _Points(score, hit, said, budgets or [0.05, 0.1], specificities or [0.9], cuts, firsts)
    value = points.measure(np.ones((1, len(hit))))
    rng = evidence.generator("performance.operating_points")
    owners = None if test.clusters is None else test.clusters[known]
    clusters = None if owners is None else owners[points.order]
    size = max(1, BLOCK // len(hit))
    parts = [
        points.measure(resample_weights(len(hit), clusters, min(size, resamples - start), rng))
        for start in range(0, resamples, size)
    ]
    findings = [
        _finding(name, at, float(one[0]), np.concatenate([part[name, at] for part in parts]), len(hit), evidence)
        for (name, at), one in value.items()
    ]
    if (unknown := evidence.decision_plan.undetermined) is not None:
        at_decision = ("performance.false_alarms_per_1000", "performance.missed_per_1000")
        findings = [undefined(f.measure, f.n, unknown) if f.measure in at_decision else f for f in findings]
    findings += [
        undefined("performance.precision_at_k", len(hit), f"no data: {len(hit)} answered rows", of={"at": _first(k)})
        for k in first_rows or []
        if k not in firsts
    ]
    drawn_curve = decision_curve(score, hit, cuts, owners, resamples, rng)
    return Measurement(findings, [drawn_curve, _benefit(findings)])


def _finding(name: str, at: str, value: float, drawn: Floats, n: int, evidence: Evidence) -> Finding:
    usable, words = drawn[np.isfinite(drawn)], evidence.suite.data.words
    band = resample_interval(usable) if len(usable) >= 0.95 * len(drawn) else None
    units = {
        "false_alarms_per_1000": f"false alarms per 1,000 {words.rows}",
        "missed_per_1000": f"missed {words.positives} per 1,000 {words.rows}",
    }
    return Finding(
        measure=f"performance.{name}",
        value=value,
        n=n,
        of={"at": at} if at else None,
        unit=units.get(name),
        better="lower" if name in units else "higher",
        interval=band,
        reason=None if band else "too few resamples hold both classes and differ, so there is no interval",
    )


def _first(k: int) -> str:
    return f"first {k} row{'s' if k > 1 else ''}"


class _Points:
    """Rows sorted by falling score, and the measures of weighted copies of them."""

    def __init__(
        self,
        score: Floats,
        hit: Bools,
        said: Bools,
        budgets: list[float],
        specificities: list[float],
        thresholds: list[float],
        first_rows: list[int],
    ) -> None:
        self.order = np.argsort(-score, kind="stable")
        self._score, self._hit, self._said = score[self.order], hit[self.order].astype(float), said[self.order]
        ends = np.flatnonzero(np.diff(self._score) != 0)
        self._ends = np.r_[ends, len(score) - 1]
        self._budgets, self._specificities, self._thresholds = budgets, specificities, thresholds
        self._first_rows = first_rows

    def measure(self, weights: npt.NDArray[np.int64] | Floats) -> dict[tuple[str, str], Floats]:
        """Each measure (resamples,) of weights (resamples, rows by falling score); NaN where a class is absent."""
        seen = np.cumsum(weights, axis=1, dtype=float)[:, self._ends]
        found = np.cumsum(weights * self._hit, axis=1, dtype=float)[:, self._ends]
        n, positives = seen[:, -1], found[:, -1]
        negatives = n - positives
        with np.errstate(invalid="ignore"):  # a resample of whole clusters may lack a class
            recall, alarm = found / positives[:, None], (seen - found) / negatives[:, None]
        start = np.zeros((len(n), 1))
        recall, alarm = np.hstack([start, recall]), np.hstack([start, alarm])
        auc = (np.diff(alarm, axis=1) * (recall[:, 1:] + recall[:, :-1]) / 2).sum(axis=1)
        out = {("ks", ""): np.abs(recall - alarm).max(axis=1), ("gini", ""): 2 * auc - 1}
        seen, found = np.hstack([start, seen]), np.hstack([start, found])
        for budget in self._budgets:
            caught = np.array([np.interp(budget * m, s, f) for m, s, f in zip(n, seen, found, strict=True)])
            at = f"{100 * budget:g}% of rows"
            with np.errstate(invalid="ignore"):
                out["recall_at_budget", at] = caught / positives
                out["enrichment", at] = caught / (budget * n) / (positives / n)
            out["precision_at_budget", at] = caught / (budget * n)
        for k in self._first_rows:
            caught = np.array([np.interp(k, s, f) for s, f in zip(seen, found, strict=True)])
            out["precision_at_k", _first(k)] = np.where(k <= n, caught / k, np.nan)
        for wanted in self._specificities:
            allowed = np.where(alarm <= 1 - wanted + 1e-12, recall, 0)
            best = np.where(negatives > 0, allowed.max(axis=1), np.nan)
            out["sensitivity_at_specificity", f"specificity {wanted:g}"] = best
        for cut in self._thresholds:
            flagged = weights * (self._score >= cut)
            true = (flagged * self._hit).sum(axis=1)
            odds = cut / (1 - cut)
            out["net_benefit", f"threshold {cut:g}"] = (true - (flagged.sum(axis=1) - true) * odds) / n
            out["net_benefit_of_all", f"threshold {cut:g}"] = (positives - negatives * odds) / n
        said = weights * self._said
        right = (said * self._hit).sum(axis=1)
        out["false_alarms_per_1000", ""] = 1000 * (said.sum(axis=1) - right) / n
        out["missed_per_1000", ""] = 1000 * (positives - right) / n
        return out


def _benefit(findings: list[Finding]) -> Exhibit:
    rows: list[list[str | int | float | bool | None]] = [
        [
            f"{'model' if f.measure.endswith('benefit') else 'everybody'}, {f.of['at']}",
            f.value,
            f.interval.low,
            f.interval.high,
            f.n,
        ]
        for f in findings
        if f.measure.startswith("performance.net_benefit") and f.of and f.interval
    ]
    return Exhibit(
        kind="intervals",
        title="Net benefit: acting on the model against acting on everybody",
        columns=["decision", "net benefit", "low", "high", "n"],
        rows=rows,
    )
