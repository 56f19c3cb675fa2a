"""How far predicted numbers lie from the true ones.

With e = prediction - truth over n answered rows: MAE = Σ|e| / n; RMSE = √(Σe² / n); R² = 1 - Σe² / Σ(y - ȳ)²; mean error =
Σe / n (above 0: too high); MAPE = Σ|e / y| / n, undefined where a truth is 0; within tolerance t: share of all rows with
|e| ≤ t, a row without an answer not among them. Median baseline: the MAE of always saying the training rows' median (the
test rows' where there are none). Intervals: percentile bootstrap of whole clusters where rows belong together, of rows
otherwise; Wilson for shares, of counts over their design effect where rows belong together.
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
    centred = truth - truth.mean()  # R² does not change, and the sums stay small
    relative = np.abs(error) / np.where(truth == 0, 1, np.abs(truth))
    moments = np.column_stack(
        [np.ones(n), np.abs(error), error**2, error, centred, centred**2, np.abs(truth - middle), relative]
    )
    value = _measures(moments.sum(axis=0, keepdims=True))
    drawn = _measures(resample_sums(moments, clusters, resamples, rng))
    found = []
    for name, one in value.items():
        measure, own = f"performance.{name}", drawn[name][np.isfinite(drawn[name])]
        band = resample_interval(own)
        if name == "mape" and (truth == 0).any():
            found.append(undefined(measure, n, "undefined: a true value is 0, and nothing is a percentage of it"))
        elif not np.isfinite(one[0]) or len(own) < 0.95 * resamples:
            found.append(undefined(measure, n, "undefined: the true values do not differ"))
        else:
            found.append(
                Finding(
                    measure=measure,
                    value=float(one[0]),
                    n=n,
                    interval=band,
                    unit=None if name in ("r2", "mape") else unit,
                    better={"r2": "higher", "mean_error": "target"}.get(name, "lower"),  # type: ignore[arg-type]
                    reason=None if band else "no resample differs, so there is no interval",
                )
            )
    return found


def _measures(sums: Floats) -> dict[str, Floats]:
    """The measures (m,) of sums (m, 8) of the moments above."""
    n, size, square, error, level, spread, baseline, relative = sums.T
    total = spread - level**2 / n
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(total > 1e-12 * np.maximum(spread, 1), 1 - square / total, np.nan)
    return {
        "mae": size / n,
        "rmse": np.sqrt(square / n),
        "r2": r2,
        "mean_error": error / n,
        "median_baseline_mae": baseline / n,
        "mape": relative / n,
    }


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
