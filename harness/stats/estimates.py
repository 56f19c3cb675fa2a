"""The estimate that an interval belongs to, from the interval's own inputs."""

from __future__ import annotations

from typing import Any

from harness.core.interval import Interval
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
    if method in ("clopper_pearson_mover", "worst_clopper_pearson"):
        shares = [hits / rows for hits, rows in zip(inputs["hits"], inputs["rows"], strict=True)]
        return float(min(shares)) if method.startswith("worst") else float((sum(shares) - 1) / (len(shares) - 1))
    if method in ("errorless_skill", "errorless_loss"):
        return 1.0 if method == "errorless_skill" else 0.0
    if method == "clopper_pearson_mean":
        return float(
            sum(hits / rows for hits, rows in zip(inputs["hits"], inputs["rows"], strict=True)) / len(inputs["rows"])
        )
    if method == "tango":
        return float((inputs["gains"] - inputs["losses"]) / inputs["n"])
    if "successes" not in inputs:
        return None
    share = float(inputs["successes"] / inputs["n"]) - float(inputs.get("subtracted", 0.0))
    if method == "effective_wilson_gini":
        return float(2 * inputs["auc"] - 1)
    if method == "clopper_pearson_sum":
        parts = zip(inputs["successes"], inputs["weights"], strict=True)
        return float(inputs["constant"] + sum(count * weight for count, weight in parts) / inputs["n"])
    if method == "clopper_pearson_remainder":
        return float(inputs["whole"] - inputs["successes"] / inputs["n"])
    if method == "order_statistics":
        return float(inputs["hits"] / inputs["n"])
    if method == "correlated_difference":
        return float(inputs["first"][0] - inputs["second"][0])
    if method == "clopper_pearson_f1":
        return 2 * share / (1 + share)
    if method in ("wilson", "clopper_pearson", "clopper_pearson_minus"):
        return share
    if method == "observed_to_expected":
        return float(share / inputs["expected"])
    if "reference_n" not in inputs:
        return None
    reference = float(inputs["reference_successes"] / inputs["reference_n"])
    return share - reference if method == "newcombe" else share / reference
