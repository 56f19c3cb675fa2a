"""How far predicted numbers lie from the true ones.

With e = prediction - truth over n answered rows: MAE = Σ|e| / n; RMSE = √(Σe² / n); R² = 1 - Σe² / Σ(y - ȳ)²; mean error =
Σe / n (above 0: too high); MAPE = Σ|e / y| / n, undefined where a truth is 0; within tolerance t: share of all rows with
|e| ≤ t, a row without an answer not among them. Median baseline: the MAE of always saying the training rows' median (the
test rows' where there are none). Intervals: Student's on the log scale for MAE, the
baseline and MAPE (`stats.losses`), Student's for the mean error, Clopper and Pearson's for shares; of clusters' sums, or of counts over their design effect, where
rows are clustered. RMSE and R² have a percentile bootstrap, which heavy tails break: no rule may judge them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Positives, Resamples
from harness.stats.bootstrap import resample_sums
from harness.stats.design_effect import share_interval
from harness.stats.intervals import resample_interval
from harness.stats.losses import mean_loss
from harness.stats.means import signed_mean
from harness.stats.skill import deviations, explained

Floats = npt.NDArray[np.float64]
MINIMUM = 10


def regression(evidence: Evidence, *, tolerances: Positives | None = None, resamples: Resamples = 1000) -> Measurement:
    """Errors on the test split; `tolerances` are in the label's unit."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers, unit = evidence.predictions("test"), evidence.suite.data.label.unit
    known, rng = answers.answered, evidence.generator("performance.regression")
    n = int(known.sum())
    if n < MINIMUM:
        return not_tested(f"insufficient sample: {n} answered test rows; {MINIMUM} needed")
    truth, said = test.labels[known].astype(float), answers.labels[known].astype(float)
    clusters = None if test.clusters is None else test.clusters[known]
    train = evidence.split("train")
    middle = float(np.median(truth if train is None else train.labels.astype(float)))
    error = np.abs(answers.labels.astype(float) - test.labels.astype(float))
    findings = [
        _share("performance.answer_rate", known, test.clusters, None),
        *_errors(truth, said, middle, clusters, resamples, rng, unit),
        *(
            _share(
                "performance.within_tolerance",
                error <= t,
                test.clusters,
                {"at": tolerance_name(t, unit)},
            )
            for t in tolerances or []
        ),
    ]
    return Measurement(findings, [_by_tenth(truth, said, unit)])


def tolerance_name(tolerance: float, unit: str | None) -> str:
    """What a finding within this tolerance is `at`."""
    return f"{tolerance:g} {unit}" if unit else f"{tolerance:g}"


def _errors(
    truth: Floats,
    said: Floats,
    middle: float,
    clusters: Any,
    resamples: int,
    rng: np.random.Generator,
    unit: str | None,
) -> list[Finding]:
    n, error = len(truth), said - truth
    centred = deviations(truth)
    relative = np.abs(error) / np.where(truth == 0, 1, np.abs(truth))
    sums = np.column_stack([np.ones(n), error**2, centred, centred**2])
    value, drawn = (
        _of_squares(sums.sum(axis=0, keepdims=True)),
        _of_squares(resample_sums(sums, clusters, resamples, rng)),
    )
    found = [
        _mean("mae", np.abs(error), clusters, unit),
        *(_resampled(name, float(value[name][0]), drawn[name], n, unit) for name in ("rmse", "r2")),
        _signed(error, clusters, unit),
        _mean("median_baseline_mae", np.abs(truth - middle), clusters, unit),
    ]
    if (truth == 0).any():
        why = "undefined: a true value is 0, and nothing is a percentage of it"
        return [*found, undefined("performance.mape", n, why)]
    return [*found, _mean("mape", relative, clusters, None)]


def _mean(name: str, losses: Floats, clusters: Any, unit: str | None) -> Finding:
    band = mean_loss(losses, None, float(losses.max()) or 1.0, clusters)
    why = None if band else "insufficient sample: fewer than ten clusters, so there is no interval"
    measure, value = f"performance.{name}", float(losses.mean())
    return Finding(measure=measure, value=value, n=len(losses), interval=band, unit=unit, better="lower", reason=why)


def _signed(error: Floats, clusters: Any, unit: str | None) -> Finding:
    n, value, measure = len(error), float(error.mean()), "performance.mean_error"
    band = signed_mean(error, clusters)
    why = None if band else "insufficient sample: fewer than two clusters, so there is no interval"
    return Finding(measure=measure, value=value, n=n, interval=band, unit=unit, better="target", reason=why)


def _resampled(name: str, value: float, drawn: Floats, n: int, unit: str | None) -> Finding:
    measure, usable = f"performance.{name}", drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(usable) < 0.95 * len(drawn):
        return undefined(measure, n, "undefined: the true values do not differ")
    band = resample_interval(usable, scale=value if name == "rmse" else 1.0)
    return Finding(
        measure=measure,
        value=value,
        n=n,
        interval=band,
        unit=unit if name == "rmse" else None,
        better="lower" if name == "rmse" else "higher",
        reason=None if band else "no resample differs, so there is no interval",
    )


def _of_squares(sums: Floats) -> dict[str, Floats]:
    """RMSE and R² (m,) of sums (m, 4): rows, squared errors, deviations of the truth and their squares."""
    n, square, level, spread = sums.T
    return {"rmse": np.sqrt(square / n), "r2": explained(square, level, spread, n)}


def _share(measure: str, hit: npt.NDArray[np.bool_], clusters: Any, of: Any) -> Finding:
    interval = share_interval(hit, clusters)
    return Finding(measure=measure, value=float(hit.mean()), n=len(hit), of=of, interval=interval, better="higher")


def _by_tenth(truth: Floats, said: Floats, unit: str | None) -> Exhibit:
    """Mean truth against mean prediction by tenth of the predictions, with the middle 80 % of the truth."""
    rows: list[list[Cell]] = []
    for part in np.array_split(np.argsort(said, kind="stable"), min(10, len(said) // 5 or 1)):
        low, high = np.quantile(truth[part], [0.1, 0.9])
        mean = float(truth[part].mean())
        rows.append([float(said[part].mean()), mean, float(min(low, mean)), float(max(high, mean)), len(part)])
    return Exhibit(
        kind="curve",
        title=f"Predicted against true{f' ({unit})' if unit else ''}, by tenth; the bar holds 80 % of the rows",
        columns=["predicted", "observed", "low", "high", "n"],
        rows=rows,
    )
