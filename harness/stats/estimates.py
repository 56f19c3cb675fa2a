"""The estimate that an interval belongs to, from the interval's own inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.core.interval import Interval
from harness.stats.cell_means import cell_mean_value
from harness.stats.nearer import nearer_value
from harness.stats.table_intervals import table_estimate


def estimate(interval: Interval) -> float | None:
    """The share, difference, ratio or other value that the inputs hold; None where they do not settle one.

    A bootstrap's quantiles do not, nor do counts whose denominator is 0.
    """
    inputs: dict[str, Any] = dict(interval.inputs)
    if interval.method.startswith("profile_"):
        return table_estimate(interval.method, inputs)
    if "value" in inputs:
        return float(inputs["value"])
    try:
        return _of_counts(interval.method, inputs)
    except ZeroDivisionError:
        return None


def _of_counts(method: str, inputs: dict[str, Any]) -> float | None:
    if method in _OF_INPUTS:
        return float(_OF_INPUTS[method](inputs))
    if "successes" not in inputs:
        return None
    share = float(inputs["successes"] / inputs["n"])
    if method in _OF_SHARE:
        return float(_OF_SHARE[method](share, inputs))
    if "reference_n" not in inputs:
        return None
    reference = float(inputs["reference_successes"] / inputs["reference_n"])
    return share - reference if method == "newcombe" else share / reference


def _shares(inputs: dict[str, Any]) -> list[float]:
    return [hits / rows for hits, rows in zip(inputs["hits"], inputs["rows"], strict=True)]


def _sum(inputs: dict[str, Any]) -> float:
    parts = zip(inputs["successes"], inputs["weights"], strict=True)
    return float(inputs["constant"] + sum(count * weight for count, weight in parts) / inputs["n"])


_OF_INPUTS: dict[str, Callable[[dict[str, Any]], float]] = {
    "clopper_pearson_mover": lambda inputs: (sum(_shares(inputs)) - 1) / (len(inputs["rows"]) - 1),
    "clopper_pearson_mean": lambda inputs: sum(_shares(inputs)) / len(inputs["rows"]),
    "clopper_pearson_difference": lambda inputs: inputs["factor"] * (_shares(inputs)[0] - _shares(inputs)[1]),
    "worst_clopper_pearson": lambda inputs: min(_shares(inputs)),
    "clopper_pearson_sum": _sum,
    "correlated_difference": lambda inputs: inputs["first"][0] - inputs["second"][0],
    "log_student_difference": lambda inputs: inputs["first"][0] - inputs["second"][0],
    "effective_wilson_gini": lambda inputs: 2 * inputs["auc"] - 1,
    "mean_of_cells": lambda inputs: cell_mean_value(inputs["counts"], inputs["values"]),
    "nearer_to_target": lambda inputs: nearer_value(inputs["difference"], inputs["total"]),
    "order_statistics": lambda inputs: inputs["hits"] / inputs["n"],
    "tango": lambda inputs: (inputs["gains"] - inputs["losses"]) / inputs["n"],
}
_OF_SHARE: dict[str, Callable[[float, dict[str, Any]], float]] = {
    "wilson": lambda share, inputs: share,
    "clopper_pearson": lambda share, inputs: share,
    "clopper_pearson_minus": lambda share, inputs: share - inputs["subtracted"],
    "clopper_pearson_inverse": lambda share, inputs: 1 / share,
    "clopper_pearson_remainder": lambda share, inputs: inputs["whole"] - share,
    "clopper_pearson_f1": lambda share, inputs: 2 * share / (1 + share),
    "observed_to_expected": lambda share, inputs: share / inputs["expected"],
}
