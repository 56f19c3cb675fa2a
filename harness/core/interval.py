"""An interval estimate, with what a third party needs to recompute it."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

Inputs = dict[str, float | int | list[float]]


class Interval(BaseModel):
    """A two-sided confidence interval; `inputs` are the counts or quantiles it was computed from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: float
    high: float
    level: float
    method: str
    inputs: Inputs

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low <= self.high:
            raise ValueError(f"an interval needs low <= high, got {self.low} and {self.high}")
        if not 0 < self.level < 1:
            raise ValueError(f"a level lies between 0 and 1, got {self.level}")
        return self
