"""Largest gaps over all groups at once: fairlearn's point values, with bootstrap intervals.

Demographic parity difference and ratio, equalized odds difference, equal opportunity difference as fairlearn's MetricFrame
gives them (Bird et al. 2020). Interval: percentile bootstrap of the four counts (TP, FP, FN, TN) within each group, which
equals resampling rows within groups. A maximum over groups is biased away from "no disparity", so none of these is gated.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.finding import Finding
from harness.core.interval import Interval
from harness.engine.measurement import undefined
from harness.stats.bootstrap import resample_counts
from harness.stats.intervals import percentile

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
RESAMPLES = 1000
NAMES = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equalized_odds_difference",
    "equal_opportunity_difference",
)


def extremes(
    attribute: str, values: npt.NDArray[np.str_], selected: Bools, deserving: Bools, rng: np.random.Generator
) -> list[Finding]:
    """The four measures over rows whose groups (n,) are all large enough; two groups at least."""
    n, group = len(values), {attribute: "*"}
    point = _point_values(values, selected, deserving)
    drawn = largest_gaps(resample_counts(confusion_counts(values, selected, deserving), RESAMPLES, rng))
    note = "a maximum over groups: reported, never gated"
    return [
        Finding(measure=f"bias.{name}", value=point[name], n=n, group=group, reason=note, interval=_band(drawn[name]))
        if np.isfinite(point[name])
        else undefined(f"bias.{name}", n, "undefined: a rate of zero", group=group)
        for name in NAMES
    ]


def too_few(attribute: str, rows: int, minimum: int) -> list[Finding]:
    """The four measures where fewer than two groups reach the minimum size."""
    why = f"insufficient sample: fewer than two groups have {minimum} rows"
    return [undefined(f"bias.{name}", rows, why, group={attribute: "*"}) for name in NAMES]


def confusion_counts(values: npt.NDArray[np.str_], selected: Bools, deserving: Bools) -> Ints:
    """TP, FP, FN, TN (groups, 4) of each group in sorted order."""
    _, group = np.unique(values, return_inverse=True)
    cell = np.where(selected, np.where(deserving, 0, 1), np.where(deserving, 2, 3))
    return np.bincount(group * 4 + cell, minlength=4 * (group.max() + 1)).reshape(-1, 4).astype(np.int64)


def group_rates(counts: Ints) -> dict[str, Floats]:
    """Rates (..., groups) from TP, FP, FN, TN (..., groups, 4); NaN where a denominator is 0."""
    tp, fp, fn, tn = np.moveaxis(counts.astype(float), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "selection_rate": (tp + fp) / (tp + fp + fn + tn),
            "true_positive_rate": tp / (tp + fn),
            "false_positive_rate": fp / (fp + tn),
            "precision": tp / (tp + fp),
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
        }


def largest_gaps(counts: Ints) -> dict[str, Floats]:
    """The four measures (...) from counts (..., groups, 4)."""
    rates = group_rates(counts)
    high = {name: rate.max(axis=-1) for name, rate in rates.items()}
    low = {name: rate.min(axis=-1) for name, rate in rates.items()}
    odds = [high[name] - low[name] for name in ("true_positive_rate", "false_positive_rate")]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = low["selection_rate"] / high["selection_rate"]
    return {
        NAMES[0]: high["selection_rate"] - low["selection_rate"],
        NAMES[1]: ratio,
        NAMES[2]: np.maximum(*odds),
        NAMES[3]: odds[0],
    }


def _band(drawn: Floats) -> Interval | None:
    usable = drawn[np.isfinite(drawn)]
    return percentile(usable) if len(usable) >= 0.95 * len(drawn) else None


def _point_values(values: npt.NDArray[np.str_], selected: Bools, deserving: Bools) -> dict[str, float]:
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

    frame = MetricFrame(
        metrics={"selected": selection_rate, "tpr": true_positive_rate, "fpr": false_positive_rate},
        y_true=deserving.astype(int),
        y_pred=selected.astype(int),
        sensitive_features=values,
    )
    spread, ratio = frame.difference(), frame.ratio()
    point = (spread["selected"], ratio["selected"], max(spread["tpr"], spread["fpr"]), spread["tpr"])
    return dict(zip(NAMES, map(float, point), strict=True))
