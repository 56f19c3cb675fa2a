"""What a score is worth where it is used: at a review budget, at a fixed specificity, at a decision threshold.

Rows are ranked by the positive class's probability; of equal scores each counts as their average would. KS = max over cuts of
|TPR - FPR|. Gini = 2·AUC - 1. At a review budget b (share of rows looked at first): recall, precision, and enrichment =
precision / prevalence. Sensitivity at specificity s: TPR where the ROC curve, straight through ties, has an FPR of 1 - s. Net benefit at
threshold t = TP/n - FP/n · t/(1-t) (Vickers & Elkin 2006), beside that of treating everybody; over a grid of thresholds it is the
decision curve, with an interval at each point. Precision at k: positives among the k rows looked at first / k. False alarms per 1,000 rows and
missed positives per 1,000 at the decision. Intervals: Gini as the AUC; at a budget and among the first k, exact limits of as many rows as the variance
with its edge is worth (`stats.ranked`); sensitivity by order statistics of the negatives (`stats.roc`); the others exact, by MOVER. KS has a
percentile interval of rows (of whole clusters where rows are clustered), and is biased upwards. Limitations: the prevalence of the test rows is taken as the field's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.checks.performance.curves import decision_curve
from harness.core.dataset import Labels
from harness.core.finding import Exhibit, Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Counts, Resamples, Shares
from harness.spec.data import Words
from harness.stats.auc import TOO_FEW_TO_RANK, delong
from harness.stats.bootstrap import resample_weights
from harness.stats.design_effect import design_effect, largest_effect
from harness.stats.exact import weighted_shares
from harness.stats.intervals import gini, resample_interval
from harness.stats.ranked import AmongFirst, Ranking, among_first
from harness.stats.roc import rate_at

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
    owners = None if test.clusters is None else test.clusters[known]
    rng = evidence.generator("performance.operating_points")
    points = _Points(score, hit, said, owners)
    cuts, n = thresholds or [0.1, 0.2, 0.5], len(hit)
    findings = [_made("ks", points.ks(resamples, rng), n), *points.gini(n)]
    for budget in budgets or [0.05, 0.1]:
        findings += points.at_budget(budget)
    findings += [points.at_first(k) for k in first_rows or []]
    findings += [points.at_specificity(wanted) for wanted in specificities or [0.9]]
    findings += [finding for cut in cuts for finding in points.benefits(cut)]
    unknown = evidence.decision_plan.undetermined
    of_decision = points.errors(evidence.suite.data.words)
    findings += of_decision if unknown is None else [undefined(f.measure, f.n, unknown) for f in of_decision]
    drawn_curve = decision_curve(score, hit, cuts, owners, resamples, rng)
    return Measurement(findings, [drawn_curve, _benefit(findings)])


def _made(
    name: str, found: tuple[float, Interval | None], n: int, at: str | None = None, why: str | None = None
) -> Finding:
    value, band = found
    of = {"at": at} if at else None
    return Finding(measure=f"performance.{name}", value=value, n=n, of=of, better="higher", interval=band, reason=why)


def _first(k: int) -> str:
    return f"first {k} row{'s' if k > 1 else ''}"


class _Points:
    """Rows sorted by falling score, with what they are clustered by, and the measures of them."""

    def __init__(self, score: Floats, hit: Bools, said: Bools, clusters: Labels | None) -> None:
        order = np.argsort(-score, kind="stable")
        self._score, self._hit, self._said = score[order], hit[order], said[order]
        self._clusters = None if clusters is None else clusters[order]
        self._ends = np.r_[np.flatnonzero(np.diff(self._score) != 0), len(score) - 1]
        self._n, self._positives = len(score), int(hit.sum())

    def ks(self, resamples: int, rng: np.random.Generator) -> tuple[float, Interval | None]:
        """The largest difference of TPR and FPR, with a percentile interval: biased upwards, so that no rule may judge it."""
        size = max(1, BLOCK // self._n)
        drawn = [
            self._largest(resample_weights(self._n, self._clusters, min(size, resamples - start), rng))
            for start in range(0, resamples, size)
        ]
        spread = np.concatenate(drawn)
        value = float(self._largest(np.ones((1, self._n)))[0])
        return value, resample_interval(spread[np.isfinite(spread)])

    def _largest(self, weights: npt.NDArray[np.int64] | Floats) -> Floats:
        seen = np.cumsum(weights, axis=1, dtype=float)[:, self._ends]
        found = np.cumsum(weights * self._hit, axis=1, dtype=float)[:, self._ends]
        with np.errstate(invalid="ignore"):  # a resample of whole clusters may lack a class
            recall, alarm = found / found[:, -1:], (seen - found) / (seen - found)[:, -1:]
        return np.asarray(np.abs(recall - alarm).max(axis=1))

    def gini(self, n: int) -> list[Finding]:
        """2 · AUC - 1."""
        auc = delong(self._score, self._hit, self._clusters)
        if auc is None:
            return [undefined("performance.gini", n, TOO_FEW_TO_RANK)]
        value, effective_n, *degrees = auc.worth
        band = gini(value, effective_n, degrees[0] if degrees else None)
        return [_made("gini", (2 * auc.value - 1, band), n)]

    def at_budget(self, budget: float) -> list[Finding]:
        """Precision, recall and enrichment among the highest `budget` (a share) of the rows."""
        found, at = self._among(budget * self._n), f"{100 * budget:g}% of rows"
        named = {
            "recall_at_budget": found.recall,
            "enrichment": found.enrichment,
            "precision_at_budget": found.precision,
        }
        return [_made(name, own, self._n, at) for name, own in named.items()]

    def at_first(self, k: int) -> Finding:
        """Precision among the first k rows."""
        if k > self._n:
            of = {"at": _first(k)}
            return undefined("performance.precision_at_k", self._n, f"no data: {self._n} answered rows", of=of)
        return _made("precision_at_k", self._among(k).precision, self._n, _first(k))

    def _among(self, rows: float) -> AmongFirst:
        """What is found among so many rows; of equal scores each counts as their average would."""
        return among_first(Ranking.of(self._score, self._hit, self._clusters), rows)

    def at_specificity(self, wanted: float) -> Finding:
        """Sensitivity where this share of the negative rows lies below the threshold."""
        effects = [
            1.0 if self._clusters is None else largest_effect(self._clusters[m]) for m in (self._hit, ~self._hit)
        ]
        found = rate_at(self._score[self._hit], self._score[~self._hit], 1 - wanted, (effects[0], effects[1]))
        return _made("sensitivity_at_specificity", found, self._positives, f"specificity {wanted:g}")

    def benefits(self, cut: float) -> list[Finding]:
        """Net benefit of acting on the rows from this score on, and on all rows."""
        odds, acted, at = cut / (1 - cut), self._score >= cut, f"threshold {cut:g}"
        own = self._of_shares([(acted & self._hit, 1.0), (acted & ~self._hit, -odds)])
        everybody = self._of_shares([(self._hit, 1 + odds)], -odds)
        return [_made("net_benefit", own, self._n, at), _made("net_benefit_of_all", everybody, self._n, at)]

    def errors(self, words: Words) -> list[Finding]:
        """False alarms and missed positives at the decision, per 1,000 rows."""
        counted = {
            "false_alarms_per_1000": (self._said & ~self._hit, f"false alarms per 1,000 {words.rows}"),
            "missed_per_1000": (~self._said & self._hit, f"missed {words.positives} per 1,000 {words.rows}"),
        }
        found = []
        for name, (rows, unit) in counted.items():
            made = _made(name, self._of_shares([(rows, 1000.0)]), self._n)
            found.append(made.model_copy(update={"unit": unit, "better": "lower"}))
        return found

    def _of_shares(self, parts: list[tuple[Bools, float]], constant: float = 0.0) -> tuple[float, Interval]:
        """constant + Σ weight · share of the rows."""
        effect = 1.0
        if self._clusters is not None:
            effect = max(design_effect(rows.astype(float), self._clusters) for rows, _ in parts)
        counts, weights = [float(rows.sum()) / effect for rows, _ in parts], [weight for _, weight in parts]
        value = constant + sum(weight * float(rows.mean()) for rows, weight in parts)
        return value, weighted_shares(counts, self._n / effect, weights, constant)


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
