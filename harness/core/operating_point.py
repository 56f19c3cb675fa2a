"""The operating point: how scores became the answers that people act on."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.core.costs import Matrix

Mode = Literal[
    "own_labels",
    "threshold",
    "sensitivity",
    "specificity",
    "review",
    "review_batch",
    "costs",
    "cost_matrix",
    "balanced_accuracy",
    "undetermined",
]


class OperatingPoint(BaseModel):
    """The decision as it was applied. Rows whose positive score is at least `threshold` get the positive class.

    `target` is the sensitivity, specificity or share that was asked for. A threshold that was computed on the calibration
    split has the numbers of its rows and positives, and the 95 % range that resampling these rows gives. `asked` is the mode
    of the suite where it could not be applied, and `reason` says why. `model_threshold` is the one on the model's card.
    `constant_answer` is the answer that every test row got; None where answers differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mode: Mode = "own_labels"
    asked: Mode | None = None
    target: float | None = None
    threshold: float | None = None
    threshold_range: tuple[float, float] | None = None
    positive: str | None = None
    calibration_rows: int | None = None
    calibration_positives: int | None = None
    costs: Matrix | None = None
    unit: str | None = None
    model_threshold: float | None = None
    reason: str | None = None
    constant_answer: str | None = None

    @property
    def own_labels(self) -> bool:
        """Whether the answers are the model's own labels."""
        return self.mode == "own_labels"
