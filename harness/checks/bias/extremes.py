"""Largest gaps over all groups at once: fairlearn's point values, with bootstrap intervals.

Demographic parity difference and ratio, equalized odds difference, equal opportunity difference as fairlearn's MetricFrame
gives them (Bird et al. 2020). Interval: percentile bootstrap of the four counts (TP, FP, FN, TN) within each group, which
equals resampling rows within groups; of whole clusters where rows are clustered. A maximum over groups is biased away from
"no disparity", so no rule may judge them (`harness validate`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels
from harness.core.finding import Finding
from harness.core.interval import Interval
from harness.engine.measurement import undefined
from harness.stats.bootstrap import resample_counts, resample_sums
from harness.stats.intervals import resample_interval

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
    attribute: str,
    values: npt.NDArray[np.str_],
    selected: Bools,
    deserving: Bools,
    clusters: Labels | None,
    minimum: int,
    rng: np.random.Generator,
) -> list[Finding]:
    """The four measures over rows with these groups (n,).

    A group counts where every denominator that the measure needs reaches the minimum (rows; deserving rows for the true
    positive rate; undeserving ones for the false positive rate); groups left out are named, and fewer than two undefined.
    """
    names, group = np.unique(values), {attribute: "*"}
    counts = confusion_counts(values, selected, deserving)
    enough = {
        "selection": counts.sum(axis=1) >= minimum,
        "positives": counts[:, [0, 2]].sum(axis=1) >= minimum,
        "negatives": counts[:, [1, 3]].sum(axis=1) >= minimum,
    }
    needs = (("selection",), ("selection",), ("positives", "negatives"), ("positives",))
    found = []
    for name, wanted in zip(NAMES, needs, strict=True):
        kept = np.logical_and.reduce([enough[need] for need in wanted])
        left = [str(n) for n, keep in zip(names, kept, strict=True) if not keep]
        note = f"; left out, fewer than {minimum} rows in a denominator: {', '.join(left)}" if left else ""
        rows = np.isin(values, names[kept])
        if kept.sum() < 2:
            why = f"insufficient sample: fewer than two groups have {minimum} rows in each denominator"
            found.append(undefined(f"bias.{name}", int(rows.sum()), why, group=group))
            continue
        value = _point_values(values[rows], selected[rows], deserving[rows])[name]
        if not np.isfinite(value):
            found.append(undefined(f"bias.{name}", int(rows.sum()), "undefined: nobody is selected", group=group))
            continue
        together = None if clusters is None else clusters[rows]
        drawn = largest_gaps(_drawn(values[rows], selected[rows], deserving[rows], together, rng))[name]
        found.append(
            Finding(
                measure=f"bias.{name}",
                value=value,
                n=int(rows.sum()),
                group=group,
                reason=f"a maximum over groups of {minimum} rows or more: reported, never judged{note}",
                interval=_band(drawn),
            )
        )
    return found


def _drawn(
    values: npt.NDArray[np.str_], selected: Bools, deserving: Bools, clusters: Labels | None, rng: np.random.Generator
) -> Ints:
    """Resampled counts (RESAMPLES, groups, 4): within groups, or of whole clusters where rows are clustered."""
    if clusters is None:
        return resample_counts(confusion_counts(values, selected, deserving), RESAMPLES, rng)
    names, group = np.unique(values, return_inverse=True)
    cell = 4 * group + np.where(selected, np.where(deserving, 0, 1), np.where(deserving, 2, 3))
    sums = resample_sums(np.eye(4 * len(names))[cell], clusters, RESAMPLES, rng)
    return np.rint(sums).astype(np.int64).reshape(-1, len(names), 4)


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
    return resample_interval(usable) if len(usable) >= 0.95 * len(drawn) else None


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
