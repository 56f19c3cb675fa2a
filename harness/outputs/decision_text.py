"""What the decision is, in sentences made from the operating point that the record holds."""

from __future__ import annotations

from harness.core.operating_point import OperatingPoint

_ASKED = {
    "threshold": "a threshold",
    "sensitivity": "a sensitivity",
    "specificity": "a specificity",
    "review": "a share of rows for review",
    "review_batch": "a share of each batch for review",
    "costs": "the smallest cost",
    "balanced_accuracy": "the highest balanced accuracy",
}


def decision_sentence(point: OperatingPoint) -> str:
    """How scores become answers; where the suite's decision could not be applied, why."""
    return " ".join(part for part in (_applied(point), _of_card(point)) if part)


def constant_sentence(point: OperatingPoint | None) -> str | None:
    """That every row got the same answer; None where answers differ."""
    if point is None or point.constant_answer is None:
        return None
    return f"It answers '{point.constant_answer}' to every row."


def _applied(point: OperatingPoint) -> str:
    if point.mode == "undetermined":
        return f"Decision: not known, because {_lowered(point.reason)}."
    if point.mode == "own_labels":
        if point.asked is None:
            return "Decision: the model's own labels."
        if point.asked == "balanced_accuracy":
            return f"Decision: the model's own labels; a zero-shot model's threshold is not calibrated, because {_lowered(point.reason)}."
        return (
            f"Decision: the model's own labels, not {_ASKED.get(point.asked, point.asked)} as asked for, because "
            f"{_lowered(point.reason)}."
        )
    if point.mode == "cost_matrix":
        unit = f" in {point.unit}" if point.unit else ""
        return f"Decision: for each row the class of the smallest expected cost{unit}, by the suite's cost matrix."
    at = f"Decision: '{point.positive}' where its probability is at least {_number(point.threshold)}"
    if point.mode == "threshold":
        return f"{at}, the suite's threshold."
    if point.mode == "review_batch":
        return f"{at}, the threshold that flags the highest {_share(point.target)} of these very rows (a batch rule)."
    return f"{at}, {_how(point)} {_calibration(point)}."


def _how(point: OperatingPoint) -> str:
    if point.mode == "costs":
        return f"the threshold of the smallest cost{f' in {point.unit}' if point.unit else ''}"
    if point.mode == "balanced_accuracy":
        return "the threshold of the highest balanced accuracy"
    what = {
        "sensitivity": f"the highest threshold that finds {_share(point.target)} of the positives",
        "specificity": f"the lowest threshold that leaves {_share(point.target)} of the negatives unflagged",
        "review": f"the lowest threshold that flags at most {_share(point.target)} of the rows",
    }
    return what[point.mode]


def _calibration(point: OperatingPoint) -> str:
    text = f"on the {point.calibration_rows:,} calibration rows ({point.calibration_positives:,} positive)"
    if point.threshold_range is None:
        return f"{text}, frozen"
    low, high = point.threshold_range
    return f"{text}, frozen; other calibration rows would have set {_number(low)} to {_number(high)}"


def _of_card(point: OperatingPoint) -> str | None:
    stored = point.model_threshold
    if stored is None or (point.threshold is not None and abs(stored - point.threshold) < 5e-7):
        return None
    return f"The threshold on the model's card, {_number(stored)}, is not used."


def _share(value: float | None) -> str:
    return f"{100 * (value or 0):.4g} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _lowered(reason: str | None) -> str:
    return (reason or "").rstrip(".")
