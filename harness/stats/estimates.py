"""The estimate that an interval belongs to, from the interval's own inputs."""

from __future__ import annotations

from typing import Any

from harness.core.interval import Interval


def estimate(interval: Interval) -> float | None:
    """The share, difference, ratio or other value that the inputs hold; None where they do not settle one.

    A bootstrap's quantiles do not, nor do counts whose denominator is 0.
    """
    inputs: dict[str, Any] = dict(interval.inputs)
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
    if method == "errorless_skill":
        return 1.0
    if method == "tango":
        return float((inputs["gains"] - inputs["losses"]) / inputs["n"])
    if "successes" not in inputs:
        return None
    share = float(inputs["successes"] / inputs["n"]) - float(inputs.get("subtracted", 0.0))
    if method in ("wilson", "clopper_pearson", "clopper_pearson_minus"):
        return share
    if method == "observed_to_expected":
        return float(share / inputs["expected"])
    if "reference_n" not in inputs:
        return None
    reference = float(inputs["reference_successes"] / inputs["reference_n"])
    return share - reference if method == "newcombe" else share / reference
