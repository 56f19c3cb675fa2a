"""An interval at another level, from its method and inputs; and the p-values that follow from inverting it."""

from __future__ import annotations

import math
from collections.abc import Callable

from harness.core.interval import Interval
from harness.stats.cell_means import cell_mean
from harness.stats.exact import (
    clopper_pearson,
    informedness,
    inverse_share,
    mean_share,
    rare_losses,
    remainder_share,
    share_difference,
    shifted_share,
    uniform_loss,
    uniform_skill,
    unseen_difference,
    weighted_shares,
    worst_share,
)
from harness.stats.intervals import (
    asymmetric,
    correlated_difference,
    effective_wilson,
    gini,
    log_student,
    newcombe,
    newcombe_auc,
    normal_logit,
    observed_to_expected,
    percentile_bounds,
    score_ratio,
    student,
    tango,
    wald,
    wilson,
)
from harness.stats.means import log_student_difference, skewed_student
from harness.stats.nearer import nearer
from harness.stats.roc import order_statistics
from harness.stats.skill import skill_interval
from harness.stats.table_intervals import f1_interval, recompute

_METHODS: dict[str, Callable[..., Interval]] = {
    "wilson": wilson,
    "clopper_pearson": clopper_pearson,
    "clopper_pearson_mover": informedness,
    "worst_clopper_pearson": worst_share,
    "clopper_pearson_minus": shifted_share,
    "clopper_pearson_inverse": inverse_share,
    "mean_of_cells": cell_mean,
    "clopper_pearson_remainder": remainder_share,
    "effective_wilson_gini": gini,
    "clopper_pearson_sum": weighted_shares,
    "uniform_skill": uniform_skill,
    "uniform_loss": uniform_loss,
    "rare_losses": rare_losses,
    "clopper_pearson_mean": mean_share,
    "clopper_pearson_difference": share_difference,
    "unseen_difference": unseen_difference,
    "correlated_difference": correlated_difference,
    "newcombe": newcombe,
    "miettinen_nurminen_ratio": score_ratio,
    "delong_logit": normal_logit,
    "newcombe_auc": newcombe_auc,
    "effective_wilson": effective_wilson,
    "log_student": log_student,
    "log_student_difference": log_student_difference,
    "skewed_student": skewed_student,
    "inverted_skill": skill_interval,
    "clopper_pearson_f1": f1_interval,
    "wald": wald,
    "student": student,
    "tango": tango,
    "square_and_add": asymmetric,
    "nearer_to_target": nearer,
    "order_statistics": order_statistics,
    "observed_to_expected": observed_to_expected,
}


def recomputable(interval: Interval) -> bool:
    """Whether `at_level` knows the interval's method."""
    return interval.method.startswith(("bootstrap_percentile", "profile_")) or interval.method in _METHODS


def at_level(interval: Interval, level: float) -> Interval:
    """The same estimate's interval at another level, recomputed from its inputs."""
    if interval.method == "bootstrap_percentile":
        low, high = percentile_bounds(interval.inputs, level)
        return interval.model_copy(update={"low": low, "high": high, "level": level})
    if interval.method.startswith("profile_"):
        return recompute(interval.method, interval.inputs, level)
    return _METHODS[interval.method](**interval.inputs, level=level)


def p_beyond(interval: Interval, limit: float, *, above: bool) -> float:
    """One-sided p-value against "the truth is at the limit", towards above (or below) it.

    Found by inverting the interval: half of one minus the highest level at which it still
    excludes the limit; 0.5 where even a narrow interval covers the limit. At least 1e-6.
    """

    def excludes(tail: float) -> bool:
        at = at_level(interval, 1 - 2 * tail)
        return at.low > limit if above else at.high < limit

    least = 1e-6
    if not excludes(0.499):
        return 0.5
    if excludes(least):
        return least
    low, high = least, 0.499
    for _ in range(24):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if excludes(middle) else (middle, high)
    return high


def two_sided_p(interval: Interval) -> float:
    """Two-sided p-value that the truth is 0, by inverting the interval."""
    return min(1.0, 2 * min(p_beyond(interval, 0.0, above=side) for side in (True, False)))
