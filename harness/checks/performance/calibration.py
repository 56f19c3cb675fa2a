"""Whether a probability of 0.3 comes true three times in ten.

ECE = Σ_b n_b/n · |mean probability - observed rate| over bins of about equal mass (`bins`), equal scores together (Naeini et al. 2015); it is biased
upwards, so gate on Brier, log loss or the slope. Slope and intercept: logistic regression of the outcome on
logit(p) (Cox 1958); 1 and 0 are perfect. Intervals: Wald for slope and intercept, with cluster-robust
standard errors and Student's t where rows belong together (from 10 clusters on); bootstrap of rows or whole clusters for ECE.

Without a positive class (several classes, an item's own options) the same is asked of the largest probability of a row against
whether the answer is right (top label: Guo et al. 2017), and of each class's probability against whether the row is of it (one
class against the rest: Kull et al. 2019), where 10 rows at least are of the class and 10 are not. Of options there is no class: a
place means something else in each item. Top-label gap = mean largest probability - accuracy; above 0 the model is too sure.
Limitation: a model may be right about the top label and wrong about every rare class.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels, Split
from harness.core.finding import Cell, Exhibit, Finding, Selector
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Bins, Resamples
from harness.stats.bootstrap import resample_rows
from harness.stats.calibration import gap_interval
from harness.stats.design_effect import numbered, share_interval
from harness.stats.intervals import resample_interval, student, wald

Floats = npt.NDArray[np.float64]
FEWEST_CLUSTERS = 10
FEWEST_OF_CLASS = 10


def calibration(evidence: Evidence, *, bins: Bins = 15, resamples: Resamples = 500) -> Measurement:
    """ECE, slope, intercept and the reliability curve of the positive class's probability; without one, of each class and the
    top label."""
    test, positive = evidence.split("test"), evidence.data.positive
    if test is None:
        return not_tested("no data: there are no test rows")
    if positive is None:
        return _without_positive(evidence, test, bins, resamples)
    score = evidence.predictions("test").positive_scores(positive)
    if score is None:
        return not_tested("no access: the model gives no probabilities")
    known = np.isfinite(score)
    score, outcome = score[known], (test.labels[known] == positive).astype(float)
    if not len(score):
        return not_tested("no data: no row has an answer")
    rng = evidence.generator("performance.calibration")
    clusters = None if test.clusters is None else test.clusters[known]

    told = _Told(score, outcome, clusters, bins, resamples)
    found = [told.error("performance.ece", None, rng)]
    curve = _curve(score, outcome, min(bins, 10), clusters)
    return Measurement(found + _logistic(score, outcome, clusters), [curve])


@dataclass(frozen=True)
class _Told:
    """Probabilities (n,) and whether each came true (n,), with the clusters (n,) and how the ECE is made."""

    score: Floats
    outcome: Floats
    clusters: Labels | None
    bins: int
    resamples: int

    def findings(self, names: tuple[str, str, str], of: Selector | None, rng: np.random.Generator) -> list[Finding]:
        """ECE, intercept and slope under these names."""
        hits, n = int(self.outcome.sum()), len(self.outcome)
        if min(hits, n - hits) < FEWEST_OF_CLASS:
            why = f"insufficient sample: {hits} of {n} answered rows come true; {FEWEST_OF_CLASS} of either kind needed"
            return [undefined(f"performance.{name}", n, why, of=of) for name in names]

        ece = self.error(f"performance.{names[0]}", of, rng)
        line = _logistic(self.score, self.outcome, self.clusters)
        named = zip(line, names[1:], strict=True)
        return [ece, *(f.model_copy(update={"measure": f"performance.{name}", "of": of}) for f, name in named)]

    def error(self, measure: str, of: Selector | None, rng: np.random.Generator) -> Finding:
        """The ECE; its interval is that of resamples, less what resampling adds to it on average."""
        value, n = expected_calibration_error(self.score, self.outcome, self.bins), len(self.outcome)

        def error_of(rows: npt.NDArray[np.int64]) -> float:
            return expected_calibration_error(self.score[rows], self.outcome[rows], self.bins)

        drawn = resample_rows(error_of, n, self.resamples, rng, self.clusters)
        band = resample_interval(np.maximum(drawn - drawn.mean() + value, 0))
        why = _how_binned(self.score, self.bins)
        return Finding(measure=measure, value=value, n=n, of=of, interval=band, better="lower", reason=why)


def _without_positive(evidence: Evidence, test: Split, bins: int, resamples: int) -> Measurement:
    """The top label; then each class against the rest, where classes are the same for every row."""
    answers, rng = evidence.own_predictions("test"), evidence.generator("performance.calibration")
    known = answers.answered
    if answers.scores is None:
        return not_tested("no access: the model gives no probabilities")
    if not known.any():
        return not_tested("no data: no row has an answer")
    scores, truth = answers.scores[known], test.labels[known]
    clusters = None if test.clusters is None else test.clusters[known]
    sure, right = scores.max(axis=1), (answers.labels[known] == truth).astype(float)
    top = _Told(sure, right, clusters, bins, resamples)
    found = top.findings(("top_label_ece", "top_label_intercept", "top_label_slope"), None, rng)
    curve = _curve(sure, right, min(bins, 10), clusters)
    curve = curve.model_copy(update={"title": "Reliability: largest probability against share of right answers"})
    found.append(_top_label_gap(sure, right, clusters))
    if evidence.suite.task == "choice":
        return Measurement(found, [curve])
    of_classes = []
    for k, name in enumerate(answers.classes):
        told = _Told(scores[:, k], (truth == name).astype(float), clusters, bins, resamples)
        of_classes += told.findings(("ece", "calibration_intercept", "calibration_slope"), {"class": name}, rng)
    return Measurement(found + of_classes, [curve, *_slopes(of_classes)])


def _top_label_gap(sure: Floats, right: Floats, clusters: Labels | None) -> Finding:
    return Finding(
        measure="performance.top_label_gap",
        value=float((sure - right).mean()),
        n=len(sure),
        interval=gap_interval(sure, right > 0, clusters),
        better="target",
    )


def _slopes(found: list[Finding]) -> list[Exhibit]:
    rows: list[list[Cell]] = [
        [f.of["class"], f.value, f.interval.low, f.interval.high, f.n]
        for f in found
        if f.measure == "performance.calibration_slope" and f.of and f.interval
    ]
    title = "Calibration slope of each class (1 is right; below 1 the model is too sure)"
    columns = ["class", "slope", "low", "high", "n"]
    return [Exhibit(kind="intervals", title=title, columns=columns, rows=rows)] if rows else []


def expected_calibration_error(score: Floats, outcome: Floats, bins: int) -> float:
    """ECE over equal-mass bins of scores (n,) against outcomes (n,) of 0 and 1."""
    order, edges = _equal_mass(score, bins)
    gap = np.cumsum(np.r_[0.0, (score - outcome)[order]])
    return float(np.abs(np.diff(gap[edges])).sum() / len(score))


def _how_binned(score: Floats, bins: int) -> str:
    """How many bins the ECE was made of; ties can leave fewer than were asked for."""
    made = len(_equal_mass(score, bins)[1]) - 1
    fewer = "" if made == bins else f" asked for, {made} after equal scores were put together"
    return f"biased upwards; {bins} equal-mass bins{fewer}"


def _equal_mass(score: Floats, bins: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The order of scores (n,), and the edges of about equal bins in it; equal scores stay in one bin."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    edges = np.linspace(0, len(score), bins + 1).astype(int)[1:-1]
    moved = np.searchsorted(ranked, ranked[edges], side="left")
    return order, np.unique(np.r_[0, moved, len(score)]).astype(np.int64)


def _logistic(score: Floats, outcome: Floats, clusters: Labels | None) -> list[Finding]:
    from scipy.special import logit
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    n, names = len(score), ("performance.calibration_intercept", "performance.calibration_slope")
    clipped = logit(np.clip(score, 1e-6, 1 - 1e-6))
    if outcome.min() == outcome.max() or np.ptp(clipped) == 0:
        return [undefined(name, n, "undefined: one class only, or a constant score") for name in names]
    together: dict[str, Any] = {}
    codes = None
    if clusters is not None:
        codes = numbered(clusters)
        if codes.max() + 1 < FEWEST_CLUSTERS:
            why = f"insufficient sample: {codes.max() + 1} clusters; {FEWEST_CLUSTERS} needed"
            return [undefined(name, n, why) for name in names]
        together = {"cov_type": "cluster", "cov_kwds": {"groups": codes}}
    design = np.column_stack([np.ones(n), clipped])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation is told by the standard error below
        fit = GLM(outcome, design, family=Binomial()).fit(**together)
    if not np.isfinite(fit.bse).all() or fit.bse.max() > 1000:
        return [
            undefined(name, n, "undefined: the scores separate the classes, so no slope fits best") for name in names
        ]
    return [
        Finding(
            measure=name,
            value=float(fit.params[i]),
            n=n,
            better="target",
            interval=_band(float(fit.params[i]), float(fit.bse[i]), codes),
        )
        for i, name in enumerate(names)
    ]


def _band(value: float, error: float, codes: npt.NDArray[Any] | None) -> Interval:
    return wald(value, error) if codes is None else student(value, error, int(codes.max()))


def _curve(score: Floats, outcome: Floats, bins: int, clusters: Labels | None) -> Exhibit:
    order, edges = _equal_mass(score, bins)
    rows: list[list[str | int | float | bool | None]] = []
    for part in np.split(order, edges[1:-1]):
        if len(part):
            band = share_interval(outcome[part] > 0, None if clusters is None else clusters[part])
            rows.append([float(score[part].mean()), float(outcome[part].mean()), band.low, band.high, len(part)])
    return Exhibit(
        kind="curve",
        title="Reliability: predicted probability against observed share",
        columns=["predicted", "observed", "low", "high", "n"],
        rows=rows,
    )
