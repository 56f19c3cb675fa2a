"""How a score becomes the answer that people act on, as a suite's author writes it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from harness.core.costs import Matrix
from harness.core.operating_point import Mode
from harness.spec.data import Number, Strict, Text

Share = float


class DecisionCosts(Strict):
    """What decisions cost: a matrix {truth: {decision: cost}}, or the costs of a false alarm and of a missed positive."""

    false_alarm: Number | None = Field(default=None, gt=0)
    missed: Number | None = Field(default=None, gt=0)
    matrix: dict[Text, dict[Text, float]] | None = None
    unit: str | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        errors = [self.false_alarm, self.missed]
        if (self.matrix is None) != all(cost is not None for cost in errors) or (
            self.matrix is not None and any(cost is not None for cost in errors)
        ):
            raise ValueError("costs: give matrix, or both false_alarm and missed")
        return self

    def as_matrix(self, positive: str, other: str) -> Matrix:
        """The costs of two classes as a matrix."""
        if self.matrix is not None:
            return self.matrix
        assert self.false_alarm is not None and self.missed is not None
        return {
            positive: {positive: 0.0, other: float(self.missed)},
            other: {positive: float(self.false_alarm), other: 0.0},
        }


class DecisionSpec(Strict):
    """One of: a threshold of the positive score (ties are positive); a sensitivity, a specificity, a share of rows for review or
    costs, for which the threshold is computed on the calibration split and frozen; `review_batch`, the highest share of each
    batch of rows (a batch rule: the threshold follows from the very rows that are answered).

    `reason` says why, and what it costs in other errors. Several classes: `costs.matrix` alone, by which each row gets the decision of the smallest expected cost.
    """

    threshold: float | None = Field(default=None, gt=0, lt=1)
    sensitivity: Share | None = Field(default=None, gt=0, lt=1)
    specificity: Share | None = Field(default=None, gt=0, lt=1)
    review: Share | None = Field(default=None, gt=0, lt=1)
    review_batch: Share | None = Field(default=None, gt=0, lt=1)
    costs: DecisionCosts | None = None
    reason: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        modes = [name for name in type(self).model_fields if name != "reason"]
        given = [name for name in modes if getattr(self, name) is not None]
        if len(given) != 1:
            names = ", ".join(modes)
            raise ValueError(f"decision: give exactly one of {names}; got {', '.join(given) or 'none'}")
        return self

    @property
    def mode(self) -> Mode:
        """Which of them it is."""
        modes: tuple[Mode, ...] = ("threshold", "sensitivity", "specificity", "review", "review_batch")
        return next((mode for mode in modes if getattr(self, mode) is not None), "costs")

    @property
    def target(self) -> float | None:
        """The share or threshold that is asked for; None for costs."""
        return None if self.mode == "costs" else float(getattr(self, self.mode))
